// The tenants of the platform, by their short names, and a new one.

import { useSignal } from "@preact/signals";
import type { Tenant } from "../generated/later/frontdesk/identity/v1/tenant_service_pb";
import { Heading } from "../parts/Heading";
import { usePages } from "../parts/pages";
import { Rows, Unread } from "../parts/Rows";
import { go, link } from "../route";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { CreateTenant } from "./CreateTenant";
import { OUTSIDE, tenants } from "./service";

async function read(pageToken: string) {
  const { tenants: rows, nextPageToken } = await tenants.listTenants({ pageSize: 50, pageToken }, OUTSIDE);
  return { rows, next: nextPageToken };
}

export function Tenants() {
  const all = usePages(read);
  const creating = useSignal(false);
  return (
    <>
      <Heading>{t("operators.tenants")}</Heading>
      <p>
        <button type="button" class="main" onClick={() => (creating.value = true)}>
          {t("tenants.new")}
        </button>
      </p>
      <Unread failure={all.failure.value} onAgain={all.again} />
      <section class="card-wide" aria-label={t("operators.tenants")} aria-busy={all.loading.value}>
        <Rows of={all} empty={t("tenants.none")}>
          {(tenant) => (
            <li key={tenant.id}>
              <span class="who">
                <a href={link({ page: "operators", item: `tenants/${tenant.id}` })}>
                  <strong>{tenant.name}</strong>
                </a>{" "}
                <span class="hint">
                  {tenant.slug}, {t("members.since", { when: timeText(tenant.createdAt) })}
                </span>
              </span>
              <TenantState of={tenant} />
            </li>
          )}
        </Rows>
      </section>
      {creating.value && <CreateTenant onCreated={({ id }) => go({ page: "operators", item: `tenants/${id}` })} onClose={() => (creating.value = false)} />}
    </>
  );
}

/** Whether it is closed; nothing for one that is in use. */
export function TenantState({ of: { deletedAt, suspendedAt } }: { of: Tenant }) {
  if (deletedAt) return <span class="badge" data-status="declined">{t("tenants.deleted")}</span>;
  return suspendedAt ? <span class="badge" data-status="under_review">{t("tenants.suspended")}</span> : null;
}
