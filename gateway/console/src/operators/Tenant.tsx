// One tenant of the platform: what it is, who is in it, and what operators do with it.

import { useSignal } from "@preact/signals";
import type { Tenant } from "../generated/later/frontdesk/identity/v1/tenant_service_pb";
import { Ask } from "../parts/Ask";
import { Confirming } from "../parts/Confirming";
import { Field } from "../parts/Field";
import { faultOf } from "../parts/once";
import { OnePage } from "../parts/OnePage";
import { useRow } from "../parts/row";
import { link } from "../route";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { mayOperate, OUTSIDE, tenants } from "./service";
import { TenantMembers } from "./TenantMembers";
import { TenantState } from "./Tenants";

const ACTS = ["rename", "suspend", "resume", "delete", "restore"] as const;
type Act = (typeof ACTS)[number];

/** What can be done with it as it is now. */
function actsOf({ deletedAt, suspendedAt }: Tenant): Act[] {
  if (deletedAt) return ["restore"];
  return ["rename", suspendedAt ? "resume" : "suspend", "delete"];
}

export function OneTenant({ id }: { id: string }) {
  const tenant = useRow(async () => (await tenants.getTenant({ tenantId: id }, OUTSIDE)).tenant);
  const doing = useSignal<Act | null>(null);
  const done = (act: Act, now: Tenant | undefined) => {
    doing.value = null;
    if (now) tenant.put(now, t(`tenants.done_${act}`, { name: now.name, when: timeText(now.purgeAt) }));
  };
  return (
    <OnePage of={tenant} back={link({ page: "operators", item: "tenants" })} all={t("tenants.all")} title={(found) => <Title of={found} />}>
      {(found) => (
        <>
          <section class="card-wide" aria-label={found.name}>
            <Facts of={found} />
            <div class="buttons">
              {actsOf(found).map((act) => (
                <button key={act} type="button" {...(act === "delete" && { class: "decline" })} onClick={() => (doing.value = act)}>
                  {t(`tenants.${act}`)}
                </button>
              ))}
            </div>
          </section>
          {!found.deletedAt && mayOperate("platform:operate") && <TenantMembers tenant={found} />}
          {doing.value && <Acting key={doing.value} act={doing.value} tenant={found} onDone={done} onClose={() => (doing.value = null)} />}
        </>
      )}
    </OnePage>
  );
}

function Title({ of }: { of: Tenant }) {
  return (
    <>
      {of.name} <TenantState of={of} />
    </>
  );
}

function Facts({ of: { id, slug, createdAt, suspendedAt, deletedAt, purgeAt } }: { of: Tenant }) {
  return (
    <>
      {deletedAt && <p class="notice warn">{t("tenants.deleted_lead", { since: timeText(deletedAt), until: timeText(purgeAt) })}</p>}
      {suspendedAt && !deletedAt && <p class="notice warn">{t("tenants.suspended_lead", { since: timeText(suspendedAt) })}</p>}
      <dl class="facts">
        <dt>{t("tenants.slug")}</dt>
        <dd>{slug}</dd>
        <dt>{t("edit.created")}</dt>
        <dd>{timeText(createdAt)}</dd>
        <dt>{t("fact.id")}</dt>
        <dd>
          <code>{id}</code>
        </dd>
      </dl>
    </>
  );
}

interface ActingProps {
  act: Act;
  tenant: Tenant;
  onDone: (act: Act, tenant: Tenant | undefined) => void;
  onClose: () => void;
}

function Acting({ act, tenant, onDone, onClose }: ActingProps) {
  const tenantId = tenant.id;
  const call = async (given: FormData): Promise<Tenant | undefined> => {
    const text = (name: string) => String(given.get(name) ?? "").trim();
    switch (act) {
      case "rename":
        return (await tenants.renameTenant({ tenantId, name: text("name") }, OUTSIDE)).tenant;
      case "suspend":
        return (await tenants.suspendTenant({ tenantId }, OUTSIDE)).tenant;
      case "resume":
        return (await tenants.resumeTenant({ tenantId }, OUTSIDE)).tenant;
      case "delete":
        return (await tenants.deleteTenant({ tenantId, reason: text("reason") }, OUTSIDE)).tenant;
      case "restore":
        return (await tenants.restoreTenant({ tenantId }, OUTSIDE)).tenant;
    }
  };
  return (
    <Ask
      title={t(`tenants.${act}`)}
      lead={t(`tenants.${act}_lead`, { name: tenant.name })}
      submit={t(`tenants.${act}`)}
      isDangerous={act === "delete" || act === "suspend"}
      call={call}
      onDone={(now) => onDone(act, now)}
      onClose={onClose}
    >
      {(failure) => (
        <>
          {act === "rename" && (
            <Field label={t("tenants.name")} fault={faultOf(failure, "name")}>
              {(given) => <input {...given} name="name" required maxLength={200} defaultValue={tenant.name} />}
            </Field>
          )}
          {act === "delete" && (
            <>
              <Field label={t("tenants.reason")} hint={t("tenants.reason_hint")} fault={faultOf(failure, "reason")}>
                {(given) => <input {...given} name="reason" required maxLength={500} />}
              </Field>
              <Confirming text={tenant.slug} label={t("tenants.type_slug", { slug: tenant.slug })} />
            </>
          )}
        </>
      )}
    </Ask>
  );
}
