// The roles of the tenant: the built-in ones, which are the same everywhere, and its own.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Role } from "../generated/later/frontdesk/identity/v1/tenant_service_pb";
import { takeFocus } from "../parts/Heading";
import { roleText } from "../parts/role";
import { may } from "../session/tenants";
import { t, word } from "../text/text";
import { DeleteRole, EditRole } from "./RoleDialogs";
import { members, roles } from "./people";

/** Names of people who have a role. */
export function holdersOf(role: Role): string[] {
  return members.value.filter((member) => member.role === role.name).map(({ user }) => user?.displayName || user?.email || "");
}

export function Roles() {
  const editing = useSignal<Role | "new" | null>(null);
  const deleting = useSignal<Role | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const manages = may("tenant:manage");
  return (
    <section class="card-wide" aria-labelledby="roles">
      <h2 id="roles" ref={heading} tabIndex={-1}>{t("roles.title")}</h2>
      <p class="hint">{t("roles.lead")}</p>
      <ul class="people">
        {roles.value.map((role) => (
          <li key={role.name}>
            <div class="who">
              <strong>{roleText(role.name)}</strong> {role.builtIn && <code>{role.name}</code>} {role.builtIn && <span class="badge">{t("roles.built_in")}</span>} <span class="hint">{t("roles.holders", { n: holdersOf(role).length })}</span>
              <details>
                <summary>{t("roles.may", { n: role.scopes.length })}</summary>
                <Scopes of={role.scopes} />
              </details>
            </div>
            {manages && !role.builtIn && (
              <>
                <button type="button" class="quiet" aria-label={t("roles.edit_one", { name: role.name })} onClick={() => (editing.value = role)}>
                  {t("edit.edit")}
                </button>
                <button type="button" class="quiet" aria-label={t("roles.delete_one", { name: role.name })} onClick={() => (deleting.value = role)}>
                  {t("edit.delete")}
                </button>
              </>
            )}
          </li>
        ))}
      </ul>
      {manages && (
        <p>
          <button type="button" onClick={() => (editing.value = "new")}>
            {t("roles.new")}
          </button>
        </p>
      )}
      {editing.value && <EditRole {...(editing.value !== "new" && { role: editing.value })} onClose={() => (editing.value = null)} />}
      {deleting.value && <DeleteRole role={deleting.value} onClose={() => (deleting.value = null)} onDeleted={() => takeFocus(heading.current)} />}
    </section>
  );
}

function Scopes({ of }: { of: string[] }) {
  return (
    <ul class="plain">
      {of.map((scope) => (
        <li>
          <ScopeText of={scope} />
        </li>
      ))}
    </ul>
  );
}

/** What a scope allows, and its name in the API. */
export function ScopeText({ of }: { of: string }) {
  return (
    <span>
      {word("scope", of)} <code>{of}</code>
    </span>
  );
}
