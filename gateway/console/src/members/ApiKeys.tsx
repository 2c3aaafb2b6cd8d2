// The tenant's API keys: who made them, from where they are taken, and what is done with
// them. A secret is shown once.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ApiKey } from "../generated/frontdesk/identity/v1/api_key_service_pb";
import { Ask } from "../parts/Ask";
import { takeFocus } from "../parts/Heading";
import { usePages } from "../parts/pages";
import { Rows, Unread } from "../parts/Rows";
import { shortId } from "../properties";
import { loadMembers, memberName } from "../request/members";
import { tenantId } from "../session/session";
import { timeText } from "../text/format";
import { t, word } from "../text/text";
import { ClientKeys } from "./ClientKeys";
import { service } from "./keyService";
import { MakeKey } from "./MakeKey";
import { RotateKey } from "./RotateKey";

type Doing = { what: "rotate" | "revoke" | "sign"; key: ApiKey };

async function read() {
  return { rows: (await service.listApiKeys({ tenantId: tenantId.value })).apiKeys, next: "" };
}

export function ApiKeys() {
  const keys = usePages(read);
  const made = useSignal<{ name: string; secret: string } | null>(null);
  const doing = useSignal<Doing | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => void loadMembers(), []);
  const close = () => {
    doing.value = null;
  };
  const show = (name: string, secret: string) => {
    close();
    made.value = { name, secret };
    void keys.load();
  };
  const changed = () => {
    close();
    // The button that was pressed may be gone.
    void keys.load().then(() => takeFocus(heading.current));
  };
  const kept = () => {
    made.value = null;
    heading.current?.focus();
  };
  const now = doing.value;
  return (
    <section class="card-wide" aria-labelledby="keys" aria-busy={keys.loading.value}>
      <h2 id="keys" ref={heading} tabIndex={-1}>{t("keys.title")}</h2>
      <Unread failure={keys.failure.value} onAgain={keys.again} />
      <div role="status">{made.value && <Secret {...made.value} onKept={kept} />}</div>
      <Rows of={keys} empty={t("keys.none")}>
        {(key) => <Key key={key.id} of={key} all={keys.rows.value} onDo={(what) => (doing.value = { what, key })} />}
      </Rows>
      <MakeKey onMade={show} />
      {now?.what === "rotate" && <RotateKey of={now.key} onRotated={show} onClose={close} />}
      {now?.what === "sign" && <ClientKeys of={now.key} onSet={changed} onClose={close} />}
      {now?.what === "revoke" && <Revoke of={now.key} onRevoked={changed} onClose={close} />}
    </section>
  );
}

function Secret({ name, secret, onKept }: { name: string; secret: string; onKept: () => void }) {
  return (
    <div class="notice warn">
      <p>{t("keys.secret", { name })}</p>
      <p>
        <code class="secret">{secret}</code>
      </p>
      <button type="button" onClick={onKept}>
        {t("keys.kept")}
      </button>
    </div>
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
  return (
    <Ask
      title={t("keys.revoke_title")}
      lead={t("keys.revoke_lead", { name: of.name })}
      submit={t("keys.revoke")}
      isDangerous
      call={() => service.revokeApiKey({ tenantId: tenantId.value, apiKeyId: of.id })}
      onDone={onRevoked}
      onClose={onClose}
    />
  );
}
