// The members of a tenant, as an operator sees them, and making a user one without asking.

import { useSignal } from "@preact/signals";
import type { Member, Role, Tenant } from "../generated/later/frontdesk/identity/v1/tenant_service_pb";
import { Ask } from "../parts/Ask";
import { Field } from "../parts/Field";
import { faultOf } from "../parts/once";
import { usePages } from "../parts/pages";
import { roleText } from "../parts/role";
import { Rows, Unread } from "../parts/Rows";
import { link } from "../route";
import { user as me } from "../session/session";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { inTenant, mayOperate, tenants } from "./service";
import { ViewAs } from "./Viewing";

export function TenantMembers({ tenant: { id, name } }: { tenant: Tenant }) {
  const roles = useSignal<Role[]>([]);
  const adding = useSignal(false);
  const said = useSignal("");
  const seen = useSignal<Member | null>(null);
  const members = usePages(async (pageToken) => {
    const page = await tenants.listMembers({ tenantId: id, pageSize: 50, pageToken }, inTenant(id));
    if (roles.value.length === 0) roles.value = (await tenants.listRoles({ tenantId: id }, inTenant(id))).roles;
    return { rows: page.members, next: page.nextPageToken };
  });
  const added = (member: Member | undefined) => {
    adding.value = false;
    said.value = t("tenants.added", { name: nameOf(member) });
    void members.load();
  };
  return (
    <section class="card-wide" aria-labelledby="tenant-members" aria-busy={members.loading.value}>
      <h2 id="tenant-members">{t("members.title")}</h2>
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      <Unread failure={members.failure.value} onAgain={members.again} />
      <Rows of={members} empty={t("tenants.no_members")}>
        {(member) => <Person key={member.user?.id} of={member} onView={() => (seen.value = member)} />}
      </Rows>
      <p>
        <button type="button" onClick={() => (adding.value = true)}>
          {t("tenants.add")}
        </button>
      </p>
      {seen.value?.user && <ViewAs userId={seen.value.user.id} whom={{ name: nameOf(seen.value), tenant: id, tenantName: name }} onClose={() => (seen.value = null)} />}
      {adding.value && <Add tenant={id} roles={roles.value} onAdded={added} onClose={() => (adding.value = false)} />}
    </section>
  );
}

const nameOf = (member: Member | undefined) => member?.user?.displayName || member?.user?.email || "";

interface AddProps {
  tenant: string;
  roles: Role[];
  onAdded: (member: Member | undefined) => void;
  onClose: () => void;
}

function Add({ tenant, roles, onAdded, onClose }: AddProps) {
  const add = (given: FormData) => tenants.addMember({ tenantId: tenant, email: String(given.get("email")).trim(), role: String(given.get("role")) }, inTenant(tenant));
  return (
    <Ask title={t("tenants.add")} lead={t("tenants.add_lead")} submit={t("tenants.add_go")} call={add} onDone={({ member }) => onAdded(member)} onClose={onClose}>
      {(failure) => (
        <>
          <Field label={t("signin.email")} fault={faultOf(failure, "email")}>
            {(given) => <input {...given} name="email" type="email" required autocomplete="off" />}
          </Field>
          <Field label={t("members.role")} fault={faultOf(failure, "role")}>
            {(given) => (
              <select {...given} name="role" required>
                {roles.map(({ name }) => (
                  <option value={name}>{roleText(name)}</option>
                ))}
              </select>
            )}
          </Field>
        </>
      )}
    </Ask>
  );
}

function Person({ of, onView }: { of: Member; onView: () => void }) {
  const { user, role, createdAt } = of;
  if (!user) return null;
  const name = <strong>{nameOf(of)}</strong>;
  return (
    <li>
      <span class="who">
        {mayOperate("platform:users") ? <a href={link({ page: "operators", item: `users/${user.id}` })}>{name}</a> : name} <span class="hint">{user.email}</span>{" "}
        <span class="hint">{t("members.since", { when: timeText(createdAt) })}</span>
      </span>
      {user.disabledAt && <span class="badge" data-status="declined">{t("users.disabled")}</span>}
      <span>{roleText(role)}</span>
      {!user.disabledAt && user.id !== me.value?.id && (
        <button type="button" class="quiet" aria-label={t("view.title", { name: nameOf(of) })} onClick={onView}>
          {t("view.button")}
        </button>
      )}
    </li>
  );
}
