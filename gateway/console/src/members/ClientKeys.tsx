// Public keys with which a client signs assertions in place of sending its secret
// (RFC 7523): a JWK set, as the client's tools write it.

import { useSignal } from "@preact/signals";
import type { ApiKey } from "../generated/frontdesk/identity/v1/api_key_service_pb";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { Form } from "../parts/Form";
import { faultOf } from "../parts/once";
import { useSending } from "../parts/sending";
import { tenantId } from "../session/session";
import { t } from "../text/text";
import { service } from "./keyService";

type Jwk = Record<string, unknown>;
const TEXTS = ["kty", "kid", "use", "alg", "crv", "x", "y", "n", "e"] as const;
/** With these a key is no public one. */
const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "k"];

/** The keys of a set, or of one key; the text that says what is wrong with it. */
export function keysOf(json: string): Jwk[] | "keys.no_json" | "keys.private" {
  let read: unknown;
  try {
    read = json.trim() ? JSON.parse(json) : { keys: [] };
  } catch {
    return "keys.no_json";
  }
  const set = (read as { keys?: unknown } | null)?.keys ?? [read];
  if (!Array.isArray(set) || set.some((key) => typeof key !== "object" || key === null)) return "keys.no_json";
  const keys = set as Jwk[];
  // It is not sent anywhere.
  return keys.some((key) => PRIVATE.some((name) => name in key)) ? "keys.private" : keys;
}

function wireOf(key: Jwk) {
  const operations = key["key_ops"];
  return {
    ...Object.fromEntries(TEXTS.map((name) => [name, typeof key[name] === "string" ? key[name] : ""])),
    keyOps: Array.isArray(operations) ? operations.map(String) : [],
    ext: key["ext"] === true,
  };
}

export function ClientKeys({ of, onSet, onClose }: { of: ApiKey; onSet: () => void; onClose: () => void }) {
  const sending = useSending();
  /** What is wrong before anything is sent. */
  const wrong = useSignal("");
  const send = async (form: HTMLFormElement) => {
    const given = new FormData(form);
    const keys = keysOf(String(given.get("keys")));
    wrong.value = typeof keys === "string" ? t(keys) : "";
    if (typeof keys === "string") return;
    const input = { tenantId: tenantId.value, apiKeyId: of.id, keys: keys.map(wireOf), withoutSecret: given.has("without") };
    if (await sending.attempt(() => service.setClientKeys(input))) onSet();
  };
  return (
    <Dialog title={t("keys.sign_title")} onClose={onClose} busy={sending.busy.value}>
      <Form of={sending} submit={t("edit.save")} onSend={send} onCancel={onClose}>
        <p>{t("keys.sign_lead", { name: of.name })}</p>
        {of.clientKeyIds.length > 0 && <p>{t("keys.signs", { ids: of.clientKeyIds.join(", ") })}</p>}
        <Field label={t("keys.jwks")} hint={t("keys.jwks_hint")} fault={wrong.value || faultOf(sending.failure.value, "keys")}>
          {(given) => <textarea {...given} name="keys" rows={6} spellcheck={false} />}
        </Field>
        <label class="check">
          <input type="checkbox" name="without" />
          {t("keys.without_secret")}
        </label>
      </Form>
    </Dialog>
  );
}
