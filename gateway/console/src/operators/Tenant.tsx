// One tenant of the platform: what it is, who is in it, and what operators do with it.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Tenant } from "../generated/later/frontdesk/identity/v1/tenant_service_pb";
import { Ask } from "../parts/Ask";
import { Confirming } from "../parts/Confirming";
import { Field } from "../parts/Field";
import { Heading } from "../parts/Heading";
import { faultOf } from "../parts/once";
import { Trouble } from "../parts/Trouble";
import { link } from "../route";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { type Failure, failureOf } from "../wire/failure";
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
  const tenant = useSignal<Tenant | null>(null);
  const failure = useSignal<Failure | null>(null);
  const doing = useSignal<Act | null>(null);
  const said = useSignal("");
  const load = async () => {
    failure.value = null;
    try {
      tenant.value = (await tenants.getTenant({ tenantId: id }, OUTSIDE)).tenant ?? null;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
  };
  useEffect(() => void load(), [id]);
  const found = tenant.value;
  const done = (now: Tenant | undefined) => {
    if (now) tenant.value = now;
    said.value = doing.value && now ? t(`tenants.done_${doing.value}`, { name: now.name, when: timeText(now.purgeAt) }) : "";
    doing.value = null;
  };
  return (
    <>
      <p>
        <a href={link({ page: "operators", item: "tenants" })}>{t("tenants.all")}</a>
      </p>
      {found && (
        <Heading>
          {found.name} <TenantState of={found} />
        </Heading>
      )}
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      {failure.value && (
        <Trouble failure={failure.value}>
          <button type="button" onClick={() => void load()}>
            {t("again")}
          </button>
        </Trouble>
      )}
      {found && (
        <section class="card-wide" aria-label={found.name}>
          {found.deletedAt && <p class="notice warn">{t("tenants.deleted_lead", { since: timeText(found.deletedAt), until: timeText(found.purgeAt) })}</p>}
          {found.suspendedAt && !found.deletedAt && <p class="notice warn">{t("tenants.suspended_lead", { since: timeText(found.suspendedAt) })}</p>}
          <dl class="facts">
            <dt>{t("tenants.slug")}</dt>
            <dd>{found.slug}</dd>
            <dt>{t("edit.created")}</dt>
            <dd>{timeText(found.createdAt)}</dd>
            <dt>{t("fact.id")}</dt>
            <dd>
              <code>{found.id}</code>
            </dd>
          </dl>
          <div class="buttons">
            {actsOf(found).map((act) => (
              <button type="button" {...(act === "delete" && { class: "decline" })} onClick={() => (doing.value = act)}>
                {t(`tenants.${act}`)}
              </button>
            ))}
          </div>
        </section>
      )}
      {found && !found.deletedAt && mayOperate("platform:operate") && <TenantMembers tenant={id} />}
      {found && doing.value && <Acting key={doing.value} act={doing.value} tenant={found} onDone={done} onClose={() => (doing.value = null)} />}
    </>
  );
}

interface ActingProps {
  act: Act;
  tenant: Tenant;
  onDone: (tenant: Tenant | undefined) => void;
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
      onDone={onDone}
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
