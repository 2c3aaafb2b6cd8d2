// Making a role, changing what it allows, deleting it.

import type { Role } from "../generated/later/frontdesk/identity/v1/tenant_service_pb";
import { Ask } from "../parts/Ask";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { faultOf } from "../parts/once";
import { tenantId } from "../session/session";
import { may } from "../session/tenants";
import { listText } from "../text/format";
import { t } from "../text/text";
import { load, roles, said, tenants } from "./people";
import { holdersOf, ScopeText } from "./Roles";

/** Scopes that roles can have: the built-in role of owners has all. */
const allScopes = () => [...new Set(roles.value.flatMap(({ scopes }) => scopes))].sort();

export function EditRole({ role, onClose }: { role?: Role; onClose: () => void }) {
  // What nobody here may give or take stays as it is.
  const kept = role?.scopes.filter((scope) => !may(scope)) ?? [];
  const save = async (given: FormData) => {
    const input = { tenantId: tenantId.value, name: role?.name ?? String(given.get("name")).trim(), scopes: [...kept, ...given.getAll("scope").map(String)] };
    await (role ? tenants.updateRole(input) : tenants.createRole(input));
    return input.name;
  };
  const done = (name: string) => {
    said.value = t(role ? "roles.changed" : "roles.made", { name });
    onClose();
    void load();
  };
  return (
    <Ask
      title={t(role ? "roles.edit_title" : "roles.new")}
      {...(role && { lead: t("roles.edit_lead", { name: role.name, n: holdersOf(role).length }) })}
      submit={t(role ? "edit.save" : "roles.make")}
      call={save}
      onDone={done}
      onClose={onClose}
    >
      {(failure) => (
        <>
          {!role && (
            <Field label={t("roles.name")} hint={t("roles.name_hint")} fault={faultOf(failure, "name")}>
              {(given) => <input {...given} name="name" required pattern="[a-z0-9]+(-[a-z0-9]+)*" maxLength={63} />}
            </Field>
          )}
          <fieldset>
            <legend>{t("roles.allows")}</legend>
            <p class="hint">{t("roles.held_hint")}</p>
            {allScopes().map((scope) => (
              <label key={scope} class="check">
                <input type="checkbox" name="scope" value={scope} disabled={!may(scope)} defaultChecked={role?.scopes.includes(scope) ?? false} />
                <ScopeText of={scope} />
              </label>
            ))}
          </fieldset>
        </>
      )}
    </Ask>
  );
}

interface DeleteProps {
  role: Role;
  onClose: () => void;
  onDeleted: () => void;
}

export function DeleteRole({ role, onClose, onDeleted }: DeleteProps) {
  const holders = holdersOf(role);
  const done = () => {
    said.value = t("roles.deleted", { name: role.name });
    onClose();
    // The button that was pressed is gone.
    void load().then(onDeleted);
  };
  if (holders.length > 0) {
    return (
      <Dialog title={t("roles.delete_title")} onClose={onClose}>
        <p>{t("roles.in_use", { n: holders.length, name: role.name, who: listText(holders.slice(0, 10)) })}</p>
      </Dialog>
    );
  }
  return (
    <Ask
      title={t("roles.delete_title")}
      lead={t("roles.delete_lead", { name: role.name })}
      submit={t("edit.delete")}
      isDangerous
      call={() => tenants.deleteRole({ tenantId: tenantId.value, name: role.name })}
      onDone={done}
      onClose={onClose}
    />
  );
}
