// The members of the tenant and who is invited, its roles, its rules of signing in, its API keys.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Member } from "../generated/later/frontdesk/identity/v1/tenant_service_pb";
import { Ask } from "../parts/Ask";
import { takeFocus } from "../parts/Heading";
import { roleText } from "../parts/role";
import { Unread } from "../parts/Rows";
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
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    said.value = "";
    void load();
  }, []);
  const manages = may("members:manage");
  const removed = (name: string) => {
    said.value = t("members.removed", { name });
    // The button that was pressed is gone.
    void load().then(() => takeFocus(heading.current));
  };
  return (
    <div class="system">
      <h1 ref={heading} tabIndex={-1}>{t("members.title")}</h1>
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      <Unread failure={failure.value} onAgain={load} />
      <section class="card-wide" aria-label={t("members.title")} aria-busy={loading.value}>
        <ul class="people">
          {members.value.map((member) => (
            <Person key={member.user?.id} member={member} manages={manages} onRemoved={removed} />
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

interface PersonProps {
  member: Member;
  manages: boolean;
  onRemoved: (name: string) => void;
}

function Person({ member: { user, role, createdAt }, manages, onRemoved }: PersonProps) {
  const removing = useSignal(false);
  const busy = useSignal(false);
  if (!user) return null;
  const name = user.displayName || user.email;
  const setRole = async (select: HTMLSelectElement) => {
    const wanted = select.value;
    // One after the other: the last one that was chosen is not the last one to arrive.
    select.value = role;
    if (busy.value) return;
    busy.value = true;
    const refused = await change(() => tenants.changeMemberRole({ tenantId: tenantId.value, userId: user.id, role: wanted }), t("members.changed", { name, role: roleText(wanted) }));
    busy.value = false;
    if (refused) await load(refused);
  };
  return (
    <li>
      <span class="who">
        <strong>{name}</strong> <span class="hint">{user.email}</span> <span class="hint">{t("members.since", { when: timeText(createdAt) })}</span>
      </span>
      {manages && user.id !== me.value?.id ? (
        <>
          <select aria-label={t("members.role_of", { name })} aria-busy={busy.value} value={role} onChange={(event) => void setRole(event.currentTarget)}>
            {roles.value.map((one) => (
              <option value={one.name}>{roleText(one.name)}</option>
            ))}
          </select>
          <button type="button" class="quiet" aria-label={`${t("members.remove")}: ${name}`} onClick={() => (removing.value = true)}>
            {t("members.remove")}
          </button>
        </>
      ) : (
        <span>{roleText(role)}</span>
      )}
      {removing.value && <Remove id={user.id} name={name} onRemoved={() => onRemoved(name)} onClose={() => (removing.value = false)} />}
    </li>
  );
}

interface RemoveProps {
  id: string;
  name: string;
  onRemoved: () => void;
  onClose: () => void;
}

function Remove({ id, name, onRemoved, onClose }: RemoveProps) {
  const remove = (given: FormData) => tenants.removeMember({ tenantId: tenantId.value, userId: id, revokeApiKeys: given.has("keys") });
  const done = () => {
    onClose();
    onRemoved();
  };
  return (
    <Ask title={t("members.remove_title")} lead={t("members.remove_lead", { name })} submit={t("members.remove")} isDangerous call={remove} onDone={done} onClose={onClose}>
      {() =>
        may("api_keys:manage") && (
          <label class="check">
            <input type="checkbox" name="keys" />
            {t("members.keys")}
          </label>
        )
      }
    </Ask>
  );
}
