// Of whom in the tenant two factors are asked.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { FactorService, SecondFactorPolicy as Policy } from "../generated/later/frontdesk/identity/v1/factor_service_pb";
import { attempt } from "../parts/once";
import { Trouble } from "../parts/Trouble";
import { tenantId } from "../session/session";
import { may } from "../session/tenants";
import { t } from "../text/text";
import { clientOf } from "../wire/calls";
import type { Failure } from "../wire/failure";

const service = clientOf(FactorService);
const POLICIES = { optional: Policy.OPTIONAL, owners: Policy.OWNERS, all: Policy.ALL } as const;
type Name = keyof typeof POLICIES;

export function SecondFactor() {
  const policy = useSignal<Policy>(Policy.UNSPECIFIED);
  const chosen = useSignal<Policy>(Policy.UNSPECIFIED);
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const said = useSignal("");
  const ask = async (call: () => Promise<{ policy: Policy }>) => {
    busy.value = true;
    const { answer, failure: refused } = await attempt(call);
    failure.value = refused;
    busy.value = false;
    if (!answer) return false;
    policy.value = answer.policy;
    chosen.value = answer.policy;
    return true;
  };
  useEffect(() => void ask(() => service.getSecondFactorPolicy({ tenantId: tenantId.value })), []);
  const save = async (event: Event) => {
    event.preventDefault();
    said.value = "";
    if (busy.value) return;
    if (await ask(() => service.setSecondFactorPolicy({ tenantId: tenantId.value, policy: chosen.value }))) said.value = t("edit.saved");
  };
  const manages = may("tenant:manage");
  const now = (Object.keys(POLICIES) as Name[]).find((name) => POLICIES[name] === policy.value);
  return (
    <section class="card-wide" aria-labelledby="second-factor">
      <h2 id="second-factor">{t("account.factors")}</h2>
      <p class="hint">{t("policy.lead")}</p>
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      {failure.value && <Trouble failure={failure.value} />}
      {now && !manages && <p>{t(`policy.${now}`)}</p>}
      {now && manages && (
        <form onSubmit={(event) => void save(event)}>
          <fieldset>
            <legend>{t("policy.of")}</legend>
            {(Object.keys(POLICIES) as Name[]).map((name) => (
              <label class="check">
                <input type="radio" name="policy" value={name} checked={chosen.value === POLICIES[name]} onChange={() => (chosen.value = POLICIES[name])} />
                {t(`policy.${name}`)}
              </label>
            ))}
          </fieldset>
          <footer>
            <button class="main" aria-disabled={busy.value}>
              {t("edit.save")}
            </button>
          </footer>
        </form>
      )}
    </section>
  );
}
