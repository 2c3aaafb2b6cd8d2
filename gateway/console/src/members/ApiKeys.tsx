// The tenant's API keys: made with a secret that is shown once, listed, revoked.

import { useSignal } from "@preact/signals";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { useEffect } from "preact/hooks";
import { type ApiKey, ApiKeyService } from "../generated/frontdesk/identity/v1/api_key_service_pb";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { Trouble } from "../parts/Trouble";
import { tenantId } from "../session/session";
import { membership } from "../session/tenants";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { clientOf } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";

const service = clientOf(ApiKeyService);

export function ApiKeys() {
  const keys = useSignal<ApiKey[]>([]);
  const failure = useSignal<Failure | null>(null);
  const made = useSignal<{ name: string; secret: string } | null>(null);
  const revoking = useSignal<ApiKey | null>(null);
  const load = async () => {
    try {
      keys.value = (await service.listApiKeys({ tenantId: tenantId.value })).apiKeys;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
  };
  useEffect(() => void load(), []);
  const revoke = async (event: Event) => {
    event.preventDefault();
    const key = revoking.value;
    if (!key) return;
    revoking.value = null;
    failure.value = null;
    try {
      await service.revokeApiKey({ tenantId: tenantId.value, apiKeyId: key.id });
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
    await load();
  };
  return (
    <section class="card-wide" aria-labelledby="keys">
      <h2 id="keys">{t("keys.title")}</h2>
      {failure.value && <Trouble failure={failure.value} />}
      <div role="status">
        {made.value && (
          <div class="notice warn">
            <p>{t("keys.secret", { name: made.value.name })}</p>
            <p>
              <code class="secret">{made.value.secret}</code>
            </p>
            <button type="button" onClick={() => (made.value = null)}>
              {t("keys.kept")}
            </button>
          </div>
        )}
      </div>
      {keys.value.length === 0 && <p class="empty">{t("keys.none")}</p>}
      <ul class="people">
        {keys.value.map((key) => (
          <Key key={key.id} of={key} onRevoke={() => (revoking.value = key)} />
        ))}
      </ul>
      <Make
        onMade={(name, secret) => {
          made.value = { name, secret };
          void load();
        }}
      />
      {revoking.value && (
        <Dialog title={t("keys.revoke_title")} onClose={() => (revoking.value = null)}>
          <form onSubmit={(event) => void revoke(event)}>
            <p>{t("keys.revoke_lead", { name: revoking.value.name })}</p>
            <footer>
              <button class="decline main">{t("keys.revoke")}</button>
              <button type="button" class="quiet" onClick={() => (revoking.value = null)}>
                {t("cancel")}
              </button>
            </footer>
          </form>
        </Dialog>
      )}
    </section>
  );
}

function Key({ of: { name, scopes, lastUsedAt, expiresAt, revokedAt }, onRevoke }: { of: ApiKey; onRevoke: () => void }) {
  return (
    <li>
      <span class="who">
        <strong>{name}</strong> <span class="hint">{lastUsedAt ? t("keys.used", { when: timeText(lastUsedAt) }) : t("keys.never")}</span>{" "}
        {expiresAt && <span class="hint">{t("keys.until", { when: timeText(expiresAt) })}</span>}
        <br />
        <span class="hint">{scopes.join(" ")}</span>
      </span>
      {revokedAt ? (
        <span class="badge">{t("keys.revoked")}</span>
      ) : (
        <button type="button" class="quiet" onClick={onRevoke}>
          {t("keys.revoke")}
        </button>
      )}
    </li>
  );
}

function Make({ onMade }: { onMade: (name: string, secret: string) => void }) {
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy.value) return;
    const form = event.currentTarget as HTMLFormElement;
    const given = new FormData(form);
    const [name, until] = [String(given.get("name")), String(given.get("until"))];
    busy.value = true;
    failure.value = null;
    try {
      const { secret } = await service.createApiKey({
        tenantId: tenantId.value,
        name,
        scopes: given.getAll("scope").map(String),
        // To the end of that day where the reader is.
        ...(until && { expiresAt: timestampFromDate(new Date(`${until}T23:59:59`)) }),
      });
      onMade(name, secret);
      form.reset();
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
    busy.value = false;
  };
  return (
    <details>
      <summary>{t("keys.make")}</summary>
      <form onSubmit={(event) => void send(event)}>
        <Field label={t("keys.name")}>{(given) => <input {...given} name="name" maxLength={100} required />}</Field>
        <fieldset>
          <legend>{t("keys.scopes")}</legend>
          {membership.value?.scopes.map((scope) => (
            <label class="check">
              <input type="checkbox" name="scope" value={scope} /> <code>{scope}</code>
            </label>
          ))}
        </fieldset>
        <Field label={t("keys.expires")}>{(given) => <input {...given} name="until" type="date" />}</Field>
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
