// The tenant's API keys: who made them, from where they are taken, and what is done with
// them. A secret is shown once.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ApiKey } from "../generated/frontdesk/identity/v1/api_key_service_pb";
import { Dialog } from "../parts/Dialog";
import { takeFocus } from "../parts/Heading";
import { attempt } from "../parts/once";
import { Trouble } from "../parts/Trouble";
import { shortId } from "../properties";
import { loadMembers, memberName } from "../request/members";
import { tenantId } from "../session/session";
import { timeText } from "../text/format";
import { t, word } from "../text/text";
import { type Failure, failureOf } from "../wire/failure";
import { ClientKeys } from "./ClientKeys";
import { service } from "./keyService";
import { MakeKey } from "./MakeKey";
import { RotateKey } from "./RotateKey";

type Doing = { what: "rotate" | "revoke" | "sign"; key: ApiKey };

export function ApiKeys() {
  const keys = useSignal<ApiKey[]>([]);
  const failure = useSignal<Failure | null>(null);
  const made = useSignal<{ name: string; secret: string } | null>(null);
  const doing = useSignal<Doing | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const load = async () => {
    failure.value = null;
    try {
      keys.value = (await service.listApiKeys({ tenantId: tenantId.value })).apiKeys;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
  };
  useEffect(() => {
    void loadMembers();
    void load();
  }, []);
  const close = () => {
    doing.value = null;
  };
  const show = (name: string, secret: string) => {
    close();
    made.value = { name, secret };
    void load();
  };
  const changed = () => {
    close();
    // The button that was pressed may be gone.
    void load().then(() => takeFocus(heading.current));
  };
  const now = doing.value;
  return (
    <section class="card-wide" aria-labelledby="keys">
      <h2 id="keys" ref={heading} tabIndex={-1}>{t("keys.title")}</h2>
      {failure.value && <Trouble failure={failure.value} />}
      <div role="status">
        {made.value && (
          <div class="notice warn">
            <p>{t("keys.secret", { name: made.value.name })}</p>
            <p>
              <code class="secret">{made.value.secret}</code>
            </p>
            <button
              type="button"
              onClick={() => {
                made.value = null;
                heading.current?.focus();
              }}
            >
              {t("keys.kept")}
            </button>
          </div>
        )}
      </div>
      {keys.value.length === 0 && <p class="empty">{t("keys.none")}</p>}
      <ul class="people">
        {keys.value.map((key) => (
          <Key key={key.id} of={key} all={keys.value} onDo={(what) => (doing.value = { what, key })} />
        ))}
      </ul>
      <MakeKey onMade={show} />
      {now?.what === "rotate" && <RotateKey of={now.key} onRotated={show} onClose={close} />}
      {now?.what === "sign" && <ClientKeys of={now.key} onSet={changed} onClose={close} />}
      {now?.what === "revoke" && <Revoke of={now.key} onRevoked={changed} onClose={close} />}
    </section>
  );
}

/** Who made a key: a person, a key, or whoever runs Frontdesk. */
function makerOf({ createdBy, createdByApiKeyId }: ApiKey, all: ApiKey[]): string {
  if (createdByApiKeyId) {
    const name = all.find(({ id }) => id === createdByApiKeyId)?.name;
    return name ? t("keys.by_key", { name }) : word("actor", "api_key", { name: shortId(createdByApiKeyId) });
  }
  if (createdBy) return memberName(createdBy) || word("actor", "user", { name: shortId(createdBy) });
  return word("actor", "operator");
}

function Key({ of, all, onDo }: { of: ApiKey; all: ApiKey[]; onDo: (what: Doing["what"]) => void }) {
  const { name, scopes, createdAt, lastUsedAt, expiresAt, revokedAt, previousSecretExpiresAt, allowedAddresses, clientKeyIds } = of;
  const isOver = expiresAt !== undefined && Number(expiresAt.seconds) * 1000 < Date.now();
  return (
    <li>
      <span class="who">
        <strong>{name}</strong> <span class="hint">{lastUsedAt ? t("keys.used", { when: timeText(lastUsedAt) }) : t("keys.never")}</span>{" "}
        {expiresAt && <span class="hint">{t("keys.until", { when: timeText(expiresAt) })}</span>}
        <br />
        <span class="hint">{t("keys.made", { who: makerOf(of, all), when: timeText(createdAt) })}</span>
        <br />
        <span class="hint">{allowedAddresses.length > 0 ? t("keys.only_from", { addresses: allowedAddresses.join(", ") }) : t("keys.from_anywhere")}</span>
        {previousSecretExpiresAt && !revokedAt && (
          <>
            <br />
            <span class="hint">{t("keys.old_until", { when: timeText(previousSecretExpiresAt) })}</span>
          </>
        )}
        {clientKeyIds.length > 0 && (
          <>
            <br />
            <span class="hint">{t("keys.signs", { ids: clientKeyIds.join(", ") })}</span>
          </>
        )}
        {scopes.length > 0 && (
          <>
            <br />
            <code class="hint">{scopes.join(" ")}</code>
          </>
        )}
      </span>
      {revokedAt || isOver ? (
        <span class="badge">{t(revokedAt ? "keys.revoked" : "keys.over")}</span>
      ) : (
        <>
          <button type="button" class="quiet" onClick={() => onDo("rotate")} aria-label={t("keys.rotate_one", { name })}>
            {t("keys.rotate")}
          </button>
          <button type="button" class="quiet" onClick={() => onDo("sign")} aria-label={t("keys.sign_one", { name })}>
            {t("keys.sign")}
          </button>
          <button type="button" class="quiet" onClick={() => onDo("revoke")} aria-label={t("keys.revoke_one", { name })}>
            {t("keys.revoke")}
          </button>
        </>
      )}
    </li>
  );
}

function Revoke({ of, onRevoked, onClose }: { of: ApiKey; onRevoked: () => void; onClose: () => void }) {
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const revoke = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    ({ failure: failure.value } = await attempt(() => service.revokeApiKey({ tenantId: tenantId.value, apiKeyId: of.id })));
    busy.value = false;
    if (!failure.value) onRevoked();
  };
  return (
    <Dialog title={t("keys.revoke_title")} onClose={onClose} busy={busy.value}>
      <form onSubmit={(event) => void revoke(event)}>
        <p>{t("keys.revoke_lead", { name: of.name })}</p>
        {failure.value && <Trouble failure={failure.value} />}
        <footer>
          <button class="decline main" aria-disabled={busy.value}>
            {t("keys.revoke")}
          </button>
          <button type="button" class="quiet" onClick={onClose}>
            {t("cancel")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
