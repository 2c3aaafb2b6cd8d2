// A new API key: what it may do alone, until when, and from where it is taken.

import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Field } from "../parts/Field";
import { Form } from "../parts/Form";
import { faultOf } from "../parts/once";
import { useSending } from "../parts/sending";
import { tenantId } from "../session/session";
import { membership } from "../session/tenants";
import { t } from "../text/text";
import { service } from "./keyService";
import { ScopeText } from "./Roles";

export function MakeKey({ onMade }: { onMade: (name: string, secret: string) => void }) {
  const sending = useSending();
  const failure = sending.failure.value;
  const send = async (form: HTMLFormElement) => {
    const given = new FormData(form);
    const [name, until] = [String(given.get("name")), String(given.get("until"))];
    const input = {
      tenantId: tenantId.value,
      name,
      scopes: given.getAll("scope").map(String),
      allowedAddresses: String(given.get("addresses")).split(/[\s,;]+/).filter(Boolean),
      // To the end of that day where the reader is.
      ...(until && { expiresAt: timestampFromDate(new Date(`${until}T23:59:59`)) }),
    };
    const answer = await sending.attempt(() => service.createApiKey(input));
    if (!answer) return;
    onMade(name, answer.secret);
    form.reset();
  };
  return (
    <details>
      <summary>{t("keys.make")}</summary>
      <Form of={sending} submit={t("keys.make")} onSend={send}>
        <Field label={t("keys.name")} fault={faultOf(failure, "name")}>
          {(given) => <input {...given} name="name" maxLength={200} required />}
        </Field>
        <fieldset>
          <legend>{t("keys.scopes")}</legend>
          {membership.value?.scopes.map((scope) => (
            <label key={scope} class="check">
              <input type="checkbox" name="scope" value={scope} />
              <ScopeText of={scope} />
            </label>
          ))}
        </fieldset>
        <Field label={t("keys.addresses")} hint={t("keys.addresses_hint")} fault={faultOf(failure, "allowed_addresses")}>
          {(given) => <textarea {...given} name="addresses" rows={2} spellcheck={false} />}
        </Field>
        <Field label={t("keys.expires")} fault={faultOf(failure, "expires_at")}>
          {(given) => <input {...given} name="until" type="date" />}
        </Field>
      </Form>
    </details>
  );
}
