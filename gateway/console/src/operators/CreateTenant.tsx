// A new tenant, with its first owner: somebody who is invited, a user who is not asked, or
// nobody yet.

import { useSignal } from "@preact/signals";
import type { Tenant } from "../generated/later/frontdesk/identity/v1/tenant_service_pb";
import { Ask } from "../parts/Ask";
import { Field } from "../parts/Field";
import { faultOf } from "../parts/once";
import { language, t } from "../text/text";
import { mayOperate, OUTSIDE, tenants, userByEmail } from "./service";

const OWNERS = ["invited", "user", "nobody"] as const;
type Owner = (typeof OWNERS)[number];

/** Whom the entries name as the first owner. */
async function ownerOf(how: Owner, email: string): Promise<{ ownerEmail?: string; ownerUserId?: string }> {
  if (how === "nobody") return {};
  if (how === "invited") return { ownerEmail: email };
  const user = await userByEmail(email);
  // An id that nobody has is refused as what it is: no such user.
  return { ownerUserId: user?.id ?? "00000000-0000-0000-0000-000000000000" };
}

export function CreateTenant({ onCreated, onClose }: { onCreated: (tenant: Tenant) => void; onClose: () => void }) {
  const owner = useSignal<Owner>("invited");
  // Making a user the owner takes an operator, and finding the user one who may see users.
  const offered = OWNERS.filter((one) => one !== "user" || (mayOperate("platform:operate") && mayOperate("platform:users")));
  const create = async (given: FormData) => {
    const text = (field: string) => String(given.get(field) ?? "").trim();
    const first = await ownerOf(owner.value, text("email"));
    return await tenants.createTenant({ slug: text("slug"), name: text("name"), language: language.value, ...first }, OUTSIDE);
  };
  return (
    <Ask title={t("tenants.new")} submit={t("tenants.make")} call={create} onDone={({ tenant }) => tenant && onCreated(tenant)} onClose={onClose}>
      {(failure) => (
        <>
          <Field label={t("tenants.name")} fault={faultOf(failure, "name")}>
            {(given) => <input {...given} name="name" required maxLength={200} />}
          </Field>
          <Field label={t("tenants.slug")} hint={t("tenants.slug_hint")} fault={faultOf(failure, "slug")}>
            {(given) => <input {...given} name="slug" required maxLength={63} pattern="[a-z0-9][a-z0-9\-]{0,62}" spellcheck={false} />}
          </Field>
          <fieldset>
            <legend>{t("tenants.owner")}</legend>
            {offered.map((one) => (
              <label class="check">
                <input type="radio" name="owner" value={one} checked={owner.value === one} onChange={() => (owner.value = one)} />
                {t(`owner.${one}`)}
              </label>
            ))}
          </fieldset>
          {owner.value !== "nobody" && (
            <Field label={t("signin.email")} fault={faultOf(failure, "owner_email")}>
              {(given) => <input {...given} name="email" type="email" required autocomplete="off" />}
            </Field>
          )}
        </>
      )}
    </Ask>
  );
}
