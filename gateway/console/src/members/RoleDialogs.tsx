// Making a role, changing what it allows, deleting it.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Role } from "../generated/later/frontdesk/identity/v1/tenant_service_pb";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { attempt, faultOf } from "../parts/once";
import { Trouble } from "../parts/Trouble";
import { tenantId } from "../session/session";
import { may } from "../session/tenants";
import { listText } from "../text/format";
import { t } from "../text/text";
import type { Failure } from "../wire/failure";
import { load, roles, said, tenants } from "./people";
import { holdersOf, ScopeText } from "./Roles";

/** Scopes that roles can have: the built-in role of owners has all. */
const allScopes = () => [...new Set(roles.value.flatMap(({ scopes }) => scopes))].sort();

export function EditRole({ role, onClose }: { role?: Role; onClose: () => void }) {
  const name = useSignal(role?.name ?? "");
  const scopes = useSignal<ReadonlySet<string>>(new Set(role?.scopes));
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const choose = (scope: string, chosen: boolean) => {
    const next = new Set(scopes.value);
    if (chosen) next.add(scope);
    else next.delete(scope);
    scopes.value = next;
  };
  const send = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    const input = { tenantId: tenantId.value, name: name.value.trim(), scopes: [...scopes.value] };
    ({ failure: failure.value } = await attempt<unknown>(() => (role ? tenants.updateRole(input) : tenants.createRole(input))));
    busy.value = false;
    if (failure.value) return;
    said.value = t(role ? "roles.changed" : "roles.made", { name: input.name });
    onClose();
    await load();
  };
  return (
    <Dialog title={t(role ? "roles.edit_title" : "roles.new")} onClose={onClose} busy={busy.value}>
      <form onSubmit={(event) => void send(event)}>
        {role ? (
          <p>{t("roles.edit_lead", { name: role.name, n: holdersOf(role).length })}</p>
        ) : (
          <Field label={t("roles.name")} hint={t("roles.name_hint")} fault={faultOf(failure.value, "name")}>
            {(given) => <input {...given} ref={first} required pattern="[a-z0-9]+(-[a-z0-9]+)*" maxLength={63} value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} />}
          </Field>
        )}
        <fieldset>
          <legend>{t("roles.allows")}</legend>
          <p class="hint">{t("roles.held_hint")}</p>
          {allScopes().map((scope) => (
            <label class="check">
              <input type="checkbox" disabled={!may(scope)} checked={scopes.value.has(scope)} onChange={(event) => choose(scope, event.currentTarget.checked)} />
              <ScopeText of={scope} />
            </label>
          ))}
        </fieldset>
        {failure.value && <Trouble failure={failure.value} />}
        <footer>
          <button class="main" aria-disabled={busy.value}>
            {t(role ? "edit.save" : "roles.make")}
          </button>
          <button type="button" class="quiet" onClick={onClose}>
            {t("cancel")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

export function DeleteRole({ role, onClose, onDeleted }: { role: Role; onClose: () => void; onDeleted: () => void }) {
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const holders = holdersOf(role);
  const send = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    ({ failure: failure.value } = await attempt(() => tenants.deleteRole({ tenantId: tenantId.value, name: role.name })));
    busy.value = false;
    if (failure.value) return;
    said.value = t("roles.deleted", { name: role.name });
    onClose();
    await load();
    // The button that was pressed is gone.
    onDeleted();
  };
  return (
    <Dialog title={t("roles.delete_title")} onClose={onClose} busy={busy.value}>
      {holders.length > 0 ? (
        <p>{t("roles.in_use", { n: holders.length, name: role.name, who: listText(holders.slice(0, 10)) })}</p>
      ) : (
        <form onSubmit={(event) => void send(event)}>
          <p>{t("roles.delete_lead", { name: role.name })}</p>
          {failure.value && <Trouble failure={failure.value} />}
          <footer>
            <button class="decline main" aria-disabled={busy.value}>
              {t("edit.delete")}
            </button>
            <button type="button" class="quiet" onClick={onClose}>
              {t("cancel")}
            </button>
          </footer>
        </form>
      )}
    </Dialog>
  );
}
