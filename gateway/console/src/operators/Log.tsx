// What happened outside tenants, and what one user did in whatever tenant; the newest first.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { AuditEvent } from "../generated/later/frontdesk/identity/v1/audit_service_pb";
import { Heading } from "../parts/Heading";
import { Trouble } from "../parts/Trouble";
import { shortId } from "../properties";
import { link } from "../route";
import { timeText } from "../text/format";
import { t, word } from "../text/text";
import { type Failure, failureOf } from "../wire/failure";
import { audit, mayOperate, OUTSIDE } from "./service";

export function PlatformLog() {
  return (
    <>
      <Heading>{t("operators.log")}</Heading>
      <Events userId="" />
    </>
  );
}

/** Of one user, or of none in particular. */
export function Events({ userId }: { userId: string }) {
  const events = useSignal<AuditEvent[]>([]);
  const next = useSignal("");
  const loading = useSignal(true);
  const failure = useSignal<Failure | null>(null);
  const load = async (pageToken: string) => {
    loading.value = true;
    failure.value = null;
    try {
      const page = await audit.listPlatformAuditEvents({ userId, pageSize: userId ? 20 : 50, pageToken }, OUTSIDE);
      events.value = pageToken ? [...events.value, ...page.auditEvents] : page.auditEvents;
      next.value = page.nextPageToken;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
    loading.value = false;
  };
  useEffect(() => void load(""), [userId]);
  const label = t(userId ? "users.events" : "operators.log");
  return (
    <section class="card-wide" aria-label={label} aria-busy={loading.value}>
      {userId ? <h2>{label}</h2> : <p class="hint">{t("operators.log_lead")}</p>}
      {failure.value && (
        <Trouble failure={failure.value}>
          <button type="button" onClick={() => void load("")}>
            {t("again")}
          </button>
        </Trouble>
      )}
      {events.value.length === 0 && !loading.value && !failure.value && <p class="empty">{t("audit.none")}</p>}
      <ol class="history">
        {events.value.map((event) => (
          <Line key={event.id} of={event} />
        ))}
      </ol>
      {next.value && (
        <p>
          <button type="button" aria-disabled={loading.value} onClick={() => void load(next.value)}>
            {t("inbox.more")}
          </button>
        </p>
      )}
    </section>
  );
}

function Line({ of: { at, action, success, userId, apiKeyId, tenantId, subject, address, requestId, reason, times } }: { of: AuditEvent }) {
  const who = userId ? word("actor", "user", { name: shortId(userId) }) : apiKeyId ? word("actor", "api_key", { name: shortId(apiKeyId) }) : t("actor.nobody");
  return (
    <li>
      <span class="what">
        <code>{action}</code>
      </span>
      {!success && <span class="fault">{t("audit.failed")}</span>}
      {times > 1 && <span>{t("audit.times", { n: times })}</span>}
      {subject && <span>{subject}</span>}
      {reason && <span>{reason}</span>}
      <span class="by">
        {userId && mayOperate("platform:users") ? <a href={link({ page: "operators", item: `users/${userId}` })}>{who}</a> : who}, {timeText(at)}
        {address && `, ${t("audit.from", { address })}`}
      </span>
      {tenantId && <span class="by">{mayOperate("platform:tenants") ? <a href={link({ page: "operators", item: `tenants/${tenantId}` })}>{t("operators.in_tenant", { id: shortId(tenantId) })}</a> : t("operators.in_tenant", { id: shortId(tenantId) })}</span>}
      {requestId && (
        <span class="hint">
          <code>{requestId}</code>
        </span>
      )}
    </li>
  );
}
