// What happened outside tenants, and what one user did in whatever tenant; the newest first.

import type { AuditEvent } from "../generated/later/frontdesk/identity/v1/audit_service_pb";
import { Happening } from "../parts/Happening";
import { Heading } from "../parts/Heading";
import { usePages } from "../parts/pages";
import { Rows, Unread } from "../parts/Rows";
import { shortId } from "../properties";
import { link } from "../route";
import { t, word } from "../text/text";
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
  const events = usePages(async (pageToken) => {
    const { auditEvents, nextPageToken } = await audit.listPlatformAuditEvents({ userId, pageSize: userId ? 20 : 50, pageToken }, OUTSIDE);
    return { rows: auditEvents, next: nextPageToken };
  }, userId);
  const label = t(userId ? "users.events" : "operators.log");
  return (
    <section class="card-wide" aria-label={label} aria-busy={events.loading.value}>
      {userId ? <h2>{label}</h2> : <p class="hint">{t("operators.log_lead")}</p>}
      <Unread failure={events.failure.value} onAgain={events.again} />
      <Rows of={events} empty={t("audit.none")} kind="history">
        {(event) => (
          <Happening key={event.id} of={event} who={<Who of={event} />}>
            {event.tenantId && <Where tenant={event.tenantId} />}
          </Happening>
        )}
      </Rows>
    </section>
  );
}

function Who({ of: { userId, apiKeyId } }: { of: AuditEvent }) {
  if (!userId) return <>{apiKeyId ? word("actor", "api_key", { name: shortId(apiKeyId) }) : t("actor.nobody")}</>;
  const who = word("actor", "user", { name: shortId(userId) });
  return mayOperate("platform:users") ? <a href={link({ page: "operators", item: `users/${userId}` })}>{who}</a> : <>{who}</>;
}

function Where({ tenant }: { tenant: string }) {
  const where = t("operators.in_tenant", { id: shortId(tenant) });
  return <span class="by">{mayOperate("platform:tenants") ? <a href={link({ page: "operators", item: `tenants/${tenant}` })}>{where}</a> : where}</span>;
}
