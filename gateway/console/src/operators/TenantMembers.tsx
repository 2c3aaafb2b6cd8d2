// The members of a tenant, as an operator sees them, and making a user one without asking.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Member, Role } from "../generated/later/frontdesk/identity/v1/tenant_service_pb";
import { Ask } from "../parts/Ask";
import { Field } from "../parts/Field";
import { faultOf } from "../parts/once";
import { Trouble } from "../parts/Trouble";
import { link } from "../route";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { type Failure, failureOf } from "../wire/failure";
import { inTenant, mayOperate, tenants } from "./service";

export function TenantMembers({ tenant }: { tenant: string }) {
  const members = useSignal<Member[]>([]);
  const roles = useSignal<Role[]>([]);
  const next = useSignal("");
  const failure = useSignal<Failure | null>(null);
  const loading = useSignal(true);
  const adding = useSignal(false);
  const said = useSignal("");
  const load = async (pageToken: string) => {
    loading.value = true;
    failure.value = null;
    try {
      const page = await tenants.listMembers({ tenantId: tenant, pageSize: 50, pageToken }, inTenant(tenant));
      members.value = pageToken ? [...members.value, ...page.members] : page.members;
      next.value = page.nextPageToken;
      if (roles.value.length === 0) roles.value = (await tenants.listRoles({ tenantId: tenant }, inTenant(tenant))).roles;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
    loading.value = false;
  };
  useEffect(() => void load(""), [tenant]);
  const add = (given: FormData) => tenants.addMember({ tenantId: tenant, email: String(given.get("email")).trim(), role: String(given.get("role")) }, inTenant(tenant));
  return (
    <section class="card-wide" aria-labelledby="tenant-members" aria-busy={loading.value}>
      <h2 id="tenant-members">{t("members.title")}</h2>
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      {failure.value && (
        <Trouble failure={failure.value}>
          <button type="button" onClick={() => void load("")}>
            {t("again")}
          </button>
        </Trouble>
      )}
      {members.value.length === 0 && !loading.value && !failure.value && <p class="empty">{t("tenants.no_members")}</p>}
      <ul class="people">
        {members.value.map((member) => (
          <Person key={member.user?.id} of={member} />
        ))}
      </ul>
      {next.value && (
        <p>
          <button type="button" aria-disabled={loading.value} onClick={() => void load(next.value)}>
            {t("inbox.more")}
          </button>
        </p>
      )}
      <p>
        <button type="button" onClick={() => (adding.value = true)}>
          {t("tenants.add")}
        </button>
      </p>
      {adding.value && (
        <Ask
          title={t("tenants.add")}
          lead={t("tenants.add_lead")}
          submit={t("tenants.add_go")}
          call={add}
          onDone={({ member }) => {
            adding.value = false;
            said.value = t("tenants.added", { name: member?.user?.displayName || member?.user?.email || "" });
            void load("");
          }}
          onClose={() => (adding.value = false)}
        >
          {(refused) => (
            <>
              <Field label={t("signin.email")} fault={faultOf(refused, "email")}>
                {(given) => <input {...given} name="email" type="email" required autocomplete="off" />}
              </Field>
              <Field label={t("members.role")} fault={faultOf(refused, "role")}>
                {(given) => (
                  <select {...given} name="role">
                    {roles.value.map(({ name }) => (
                      <option value={name}>{name}</option>
                    ))}
                  </select>
                )}
              </Field>
            </>
          )}
        </Ask>
      )}
    </section>
  );
}

function Person({ of: { user, role, createdAt } }: { of: Member }) {
  if (!user) return null;
  const name = <strong>{user.displayName || user.email}</strong>;
  return (
    <li>
      <span class="who">
        {mayOperate("platform:users") ? <a href={link({ page: "operators", item: `users/${user.id}` })}>{name}</a> : name} <span class="hint">{user.email}</span>{" "}
        <span class="hint">{t("members.since", { when: timeText(createdAt) })}</span>
      </span>
      {user.disabledAt && <span class="badge" data-status="declined">{t("users.disabled")}</span>}
      <span>{role}</span>
    </li>
  );
}
