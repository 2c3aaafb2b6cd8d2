// The tenants of the platform, by their short names, and a new one.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Tenant } from "../generated/later/frontdesk/identity/v1/tenant_service_pb";
import { Heading } from "../parts/Heading";
import { Trouble } from "../parts/Trouble";
import { go, link } from "../route";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { type Failure, failureOf } from "../wire/failure";
import { CreateTenant } from "./CreateTenant";
import { OUTSIDE, tenants } from "./service";

export function Tenants() {
  const found = useSignal<Tenant[]>([]);
  const next = useSignal("");
  const loading = useSignal(true);
  const failure = useSignal<Failure | null>(null);
  const creating = useSignal(false);
  const load = async (pageToken: string) => {
    loading.value = true;
    failure.value = null;
    try {
      const page = await tenants.listTenants({ pageSize: 50, pageToken }, OUTSIDE);
      found.value = pageToken ? [...found.value, ...page.tenants] : page.tenants;
      next.value = page.nextPageToken;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
    loading.value = false;
  };
  useEffect(() => void load(""), []);
  return (
    <>
      <Heading>{t("operators.tenants")}</Heading>
      <p>
        <button type="button" class="main" onClick={() => (creating.value = true)}>
          {t("tenants.new")}
        </button>
      </p>
      {failure.value && (
        <Trouble failure={failure.value}>
          <button type="button" onClick={() => void load("")}>
            {t("again")}
          </button>
        </Trouble>
      )}
      <section class="card-wide" aria-label={t("operators.tenants")} aria-busy={loading.value}>
        {found.value.length === 0 && !loading.value && !failure.value && <p class="empty">{t("tenants.none")}</p>}
        <ul class="people">
          {found.value.map((tenant) => (
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
          ))}
        </ul>
        {next.value && (
          <p>
            <button type="button" aria-disabled={loading.value} onClick={() => void load(next.value)}>
              {t("inbox.more")}
            </button>
          </p>
        )}
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
