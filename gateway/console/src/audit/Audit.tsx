// The audit log of the tenant: who did what, from where, and whether it was allowed.

import { useEffect } from "preact/hooks";
import { type AuditEvent, AuditService } from "../generated/frontdesk/identity/v1/audit_service_pb";
import { Happening } from "../parts/Happening";
import { usePages } from "../parts/pages";
import { Rows, Unread } from "../parts/Rows";
import { shortId } from "../properties";
import { loadMembers, memberName } from "../request/members";
import { tenantId } from "../session/session";
import { t, word } from "../text/text";
import { clientOf } from "../wire/calls";

const service = clientOf(AuditService);

async function read(pageToken: string) {
  const { auditEvents, nextPageToken } = await service.listAuditEvents({ tenantId: tenantId.value, pageSize: 50, pageToken });
  return { rows: auditEvents, next: nextPageToken };
}

export function Audit() {
  const events = usePages(read);
  useEffect(() => void loadMembers(), []);
  return (
    <div class="system">
      <h1>{t("audit.title")}</h1>
      <p class="hint">{t("audit.lead")}</p>
      <Unread failure={events.failure.value} onAgain={events.again} />
      <section class="card-wide" aria-label={t("audit.title")} aria-busy={events.loading.value}>
        <Rows of={events} empty={t("audit.none")} kind="history">
          {(event) => <Happening key={event.id} of={event} nameOf={memberName} who={actorOf(event)} />}
        </Rows>
      </section>
    </div>
  );
}

/** Who did it: a person, an API key, or nobody who is known. */
function actorOf({ userId, apiKeyId }: AuditEvent): string {
  if (userId) return memberName(userId) || word("actor", "user", { name: shortId(userId) });
  return apiKeyId ? word("actor", "api_key", { name: shortId(apiKeyId) }) : t("actor.nobody");
}
