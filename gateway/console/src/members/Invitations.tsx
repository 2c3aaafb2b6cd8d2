// Inviting somebody by e-mail address, and the invitations that nobody has answered yet.

import { useSignal } from "@preact/signals";
import { Field } from "../parts/Field";
import { Form } from "../parts/Form";
import { faultOf } from "../parts/once";
import { roleText } from "../parts/role";
import { useSending } from "../parts/sending";
import { tenantId } from "../session/session";
import { timeText } from "../text/format";
import { language, t } from "../text/text";
import { change, failure, invitations, invited, load, loading, roles, said } from "./people";

export function Invite() {
  const sending = useSending();
  const fault = (field: string) => faultOf(sending.failure.value, field);
  const send = async (form: HTMLFormElement) => {
    const input = form.elements.namedItem("email") as HTMLInputElement;
    const email = input.value.trim();
    const role = String(new FormData(form).get("role"));
    said.value = "";
    if (!(await sending.attempt(() => invitations.inviteMember({ tenantId: tenantId.value, email, role, language: language.value })))) return;
    input.value = "";
    said.value = t("members.invited", { email });
    await load();
  };
  return (
    <section class="card-wide" aria-labelledby="invite">
      <h2 id="invite">{t("members.invite_title")}</h2>
      <Form of={sending} submit={t("members.invite")} onSend={send}>
        <Field label={t("signin.email")} fault={fault("email")}>
          {(given) => <input {...given} name="email" type="email" autocomplete="off" required />}
        </Field>
        <Field label={t("members.role")} fault={fault("role")}>
          {(given) => (
            <select {...given} name="role" required>
              {roles.value.map(({ name }) => (
                <option key={name} value={name} selected={name === "agent"}>
                  {roleText(name)}
                </option>
              ))}
            </select>
          )}
        </Field>
      </Form>
    </section>
  );
}

export function Invited() {
  const busy = useSignal(false);
  const revoke = async (id: string, email: string) => {
    if (busy.value) return;
    busy.value = true;
    await change(() => invitations.revokeInvitation({ tenantId: tenantId.value, invitationId: id }), t("members.revoked", { email }));
    busy.value = false;
  };
  return (
    <section class="card-wide" aria-labelledby="invited" aria-busy={loading.value}>
      <h2 id="invited">{t("members.open")}</h2>
      {invited.value.length === 0 && !loading.value && !failure.value && <p class="empty">{t("members.none_open")}</p>}
      <ul class="people">
        {invited.value.map(({ id, email, role, expiresAt }) => (
          <li key={id}>
            <span class="who">
              <strong>{email}</strong> <span class="hint">{t("members.until", { when: timeText(expiresAt) })}</span>
            </span>
            <span>{roleText(role)}</span>
            <button type="button" class="quiet" aria-disabled={busy.value} aria-label={`${t("members.revoke")}: ${email}`} onClick={() => void revoke(id, email)}>
              {t("members.revoke")}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
