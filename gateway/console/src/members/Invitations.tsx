// Inviting somebody by e-mail address, and the invitations that nobody has answered yet.

import { useSignal } from "@preact/signals";
import { Field } from "../parts/Field";
import { tenantId } from "../session/session";
import { timeText } from "../text/format";
import { language, t } from "../text/text";
import { change, failure, invitations, invited, roles } from "./people";

export function Invite() {
  const email = useSignal("");
  const role = useSignal("agent");
  const busy = useSignal(false);
  const send = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    const input = { tenantId: tenantId.value, email: email.value, role: role.value, language: language.value };
    const refused = await change(() => invitations.inviteMember(input), t("members.invited", { email: email.value }));
    busy.value = false;
    if (!refused) email.value = "";
  };
  const fault = failure.value?.violations.find(({ field }) => field === "email")?.description;
  return (
    <section class="card-wide" aria-labelledby="invite">
      <h2 id="invite">{t("members.invite_title")}</h2>
      <form onSubmit={(event) => void send(event)}>
        <Field label={t("signin.email")} fault={fault}>
          {(given) => <input {...given} type="email" autocomplete="off" required value={email.value} onInput={(event) => (email.value = event.currentTarget.value)} />}
        </Field>
        <Field label={t("members.role")}>
          {(given) => (
            <select {...given} value={role.value} onChange={(event) => (role.value = event.currentTarget.value)}>
              {roles.value.map(({ name }) => (
                <option value={name}>{name}</option>
              ))}
            </select>
          )}
        </Field>
        <footer>
          <button class="main" aria-disabled={busy.value}>
            {t("members.invite")}
          </button>
        </footer>
      </form>
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
    <section class="card-wide" aria-labelledby="invited">
      <h2 id="invited">{t("members.open")}</h2>
      {invited.value.length === 0 && <p class="empty">{t("members.none_open")}</p>}
      <ul class="people">
        {invited.value.map(({ id, email, role, expiresAt }) => (
          <li key={id}>
            <span class="who">
              <strong>{email}</strong> <span class="hint">{t("members.until", { when: timeText(expiresAt) })}</span>
            </span>
            <span>{role}</span>
            <button type="button" class="quiet" aria-disabled={busy.value} onClick={() => void revoke(id, email)}>
              {t("members.revoke")}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
