// The members of the tenant and who is invited, its roles, its rules of signing in, its API keys.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Member } from "../generated/later/frontdesk/identity/v1/tenant_service_pb";
import { Dialog } from "../parts/Dialog";
import { Trouble } from "../parts/Trouble";
import { tenantId, user as me } from "../session/session";
import { may } from "../session/tenants";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { ApiKeys } from "./ApiKeys";
import { Invite, Invited } from "./Invitations";
import { Roles } from "./Roles";
import { SecondFactor } from "./SecondFactor";
import { change, failure, load, loading, members, roles, said, tenants } from "./people";

export function Members() {
  useEffect(() => {
    said.value = "";
    void load();
  }, []);
  const manages = may("members:manage");
  return (
    <div class="system">
      <h1>{t("members.title")}</h1>
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      {failure.value && (
        <Trouble failure={failure.value}>
          <button type="button" onClick={() => void load()}>
            {t("again")}
          </button>
        </Trouble>
      )}
      <section class="card-wide" aria-label={t("members.title")} aria-busy={loading.value}>
        <ul class="people">
          {members.value.map((member) => (
            <Person key={member.user?.id} member={member} manages={manages} />
          ))}
        </ul>
      </section>
      {manages && <Invite />}
      {manages && <Invited />}
      <Roles />
      <SecondFactor />
      {may("api_keys:manage") && <ApiKeys />}
    </div>
  );
}

function Person({ member: { user, role, createdAt }, manages }: { member: Member; manages: boolean }) {
  const removing = useSignal(false);
  if (!user) return null;
  const name = user.displayName || user.email;
  const setRole = (wanted: string) =>
    change(() => tenants.changeMemberRole({ tenantId: tenantId.value, userId: user.id, role: wanted }), t("members.changed", { name, role: wanted })).then((refused) => refused && load());
  return (
    <li>
      <span class="who">
        <strong>{name}</strong> <span class="hint">{user.email}</span> <span class="hint">{t("members.since", { when: timeText(createdAt) })}</span>
      </span>
      {manages && user.id !== me.value?.id ? (
        <>
          <select aria-label={t("members.role_of", { name })} value={role} onChange={(event) => void setRole(event.currentTarget.value)}>
            {roles.value.map((one) => (
              <option value={one.name}>{one.name}</option>
            ))}
          </select>
          <button type="button" class="quiet" onClick={() => (removing.value = true)}>
            {t("members.remove")}
          </button>
        </>
      ) : (
        <span>{role}</span>
      )}
      {removing.value && <Remove id={user.id} name={name} onClose={() => (removing.value = false)} />}
    </li>
  );
}

function Remove({ id, name, onClose }: { id: string; name: string; onClose: () => void }) {
  const keys = useSignal(false);
  const busy = useSignal(false);
  const remove = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    await change(() => tenants.removeMember({ tenantId: tenantId.value, userId: id, revokeApiKeys: keys.value }), t("members.removed", { name }));
    onClose();
  };
  return (
    <Dialog title={t("members.remove_title")} onClose={onClose} busy={busy.value}>
      <form onSubmit={(event) => void remove(event)}>
        <p>{t("members.remove_lead", { name })}</p>
        {may("api_keys:manage") && (
          <label class="check">
            <input type="checkbox" checked={keys.value} onChange={(event) => (keys.value = event.currentTarget.checked)} />
            {t("members.keys")}
          </label>
        )}
        <footer>
          <button class="decline main" aria-disabled={busy.value}>
            {t("members.remove")}
          </button>
          <button type="button" class="quiet" disabled={busy.value} onClick={onClose}>
            {t("cancel")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
