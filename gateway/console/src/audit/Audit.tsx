// The audit log of the tenant: who did what, from where, and whether it was allowed.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type AuditEvent, AuditService } from "../generated/frontdesk/identity/v1/audit_service_pb";
import { Trouble } from "../parts/Trouble";
import { shortId } from "../properties";
import { loadMembers, memberName } from "../request/members";
import { tenantId } from "../session/session";
import { timeText } from "../text/format";
import { t, word } from "../text/text";
import { clientOf } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";

const service = clientOf(AuditService);

export function Audit() {
  const events = useSignal<AuditEvent[]>([]);
  const next = useSignal("");
  const loading = useSignal(true);
  const failure = useSignal<Failure | null>(null);
  const load = async (pageToken: string) => {
    loading.value = true;
    failure.value = null;
    try {
      const page = await service.listAuditEvents({ tenantId: tenantId.value, pageSize: 50, pageToken });
      events.value = pageToken ? [...events.value, ...page.auditEvents] : page.auditEvents;
      next.value = page.nextPageToken;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
    loading.value = false;
  };
  useEffect(() => {
    void loadMembers();
    void load("");
  }, []);
  return (
    <div class="system">
      <h1>{t("audit.title")}</h1>
      <p class="hint">{t("audit.lead")}</p>
      {failure.value && (
        <Trouble failure={failure.value}>
          <button type="button" onClick={() => void load("")}>
            {t("again")}
          </button>
        </Trouble>
      )}
      <section class="card-wide" aria-label={t("audit.title")} aria-busy={loading.value}>
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
    </div>
  );
}

/** Who did it: a person, an API key, or nobody who is known. */
function actorOf({ userId, apiKeyId }: AuditEvent): string {
  if (userId) return memberName(userId) || word("actor", "user", { name: shortId(userId) });
  return apiKeyId ? word("actor", "api_key", { name: shortId(apiKeyId) }) : t("actor.nobody");
}

function Line({ of }: { of: AuditEvent }) {
  const { at, action, success, subject, address, requestId, reason, times } = of;
  return (
    <li>
      <span class="what">
        <code>{action}</code>
      </span>
      {!success && <span class="fault">{t("audit.failed")}</span>}
      {times > 1 && <span>{t("audit.times", { n: times })}</span>}
      {subject && <span>{memberName(subject) || subject}</span>}
      {reason && <span>{reason}</span>}
      <span class="by">
        {actorOf(of)}, {timeText(at)}
        {address && `, ${t("audit.from", { address })}`}
      </span>
      {requestId && (
        <span class="hint">
          <code>{requestId}</code>
        </span>
      )}
    </li>
  );
}
