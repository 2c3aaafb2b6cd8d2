// A new API key: what it may do alone, until when, and from where it is taken.

import { useSignal } from "@preact/signals";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Field } from "../parts/Field";
import { attempt, faultOf } from "../parts/once";
import { Trouble } from "../parts/Trouble";
import { tenantId } from "../session/session";
import { membership } from "../session/tenants";
import { t } from "../text/text";
import type { Failure } from "../wire/failure";
import { service } from "./keyService";
import { ScopeText } from "./Roles";

export function MakeKey({ onMade }: { onMade: (name: string, secret: string) => void }) {
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy.value) return;
    const form = event.currentTarget as HTMLFormElement;
    const given = new FormData(form);
    const [name, until] = [String(given.get("name")), String(given.get("until"))];
    busy.value = true;
    const { answer, failure: refused } = await attempt(() =>
      service.createApiKey({
        tenantId: tenantId.value,
        name,
        scopes: given.getAll("scope").map(String),
        allowedAddresses: String(given.get("addresses")).split(/[\s,;]+/).filter(Boolean),
        // To the end of that day where the reader is.
        ...(until && { expiresAt: timestampFromDate(new Date(`${until}T23:59:59`)) }),
      }),
    );
    failure.value = refused;
    busy.value = false;
    if (!answer) return;
    onMade(name, answer.secret);
    form.reset();
  };
  const addresses = failure.value?.violations.find(({ field }) => field.startsWith("allowed_addresses"))?.description;
  return (
    <details>
      <summary>{t("keys.make")}</summary>
      <form onSubmit={(event) => void send(event)}>
        <Field label={t("keys.name")} fault={faultOf(failure.value, "name")}>
          {(given) => <input {...given} name="name" maxLength={200} required />}
        </Field>
        <fieldset>
          <legend>{t("keys.scopes")}</legend>
          {membership.value?.scopes.map((scope) => (
            <label class="check">
              <input type="checkbox" name="scope" value={scope} />
              <ScopeText of={scope} />
            </label>
          ))}
        </fieldset>
        <Field label={t("keys.addresses")} hint={t("keys.addresses_hint")} fault={addresses}>
          {(given) => <textarea {...given} name="addresses" rows={2} spellcheck={false} />}
        </Field>
        <Field label={t("keys.expires")} fault={faultOf(failure.value, "expires_at")}>
          {(given) => <input {...given} name="until" type="date" />}
        </Field>
        {failure.value && <Trouble failure={failure.value} />}
        <footer>
          <button class="main" aria-disabled={busy.value}>
            {t("keys.make")}
          </button>
        </footer>
      </form>
    </details>
  );
}
