// Of whom in the tenant two factors are asked.

import { FactorService, SecondFactorPolicy as Policy } from "../generated/later/frontdesk/identity/v1/factor_service_pb";
import { Form } from "../parts/Form";
import { type Row, useRow } from "../parts/row";
import { Unread } from "../parts/Rows";
import { useSending } from "../parts/sending";
import { tenantId } from "../session/session";
import { may } from "../session/tenants";
import { t } from "../text/text";
import { clientOf } from "../wire/calls";

const service = clientOf(FactorService);
const POLICIES = { optional: Policy.OPTIONAL, owners: Policy.OWNERS, all: Policy.ALL } as const;
type Name = keyof typeof POLICIES;

export function SecondFactor() {
  const policy = useRow(async () => (await service.getSecondFactorPolicy({ tenantId: tenantId.value })).policy);
  const now = (Object.keys(POLICIES) as Name[]).find((name) => POLICIES[name] === policy.now.value);
  return (
    <section class="card-wide" aria-labelledby="second-factor">
      <h2 id="second-factor">{t("account.factors")}</h2>
      <p class="hint">{t("policy.lead")}</p>
      <div role="status">{policy.said.value && <p class="notice">{policy.said.value}</p>}</div>
      <Unread failure={policy.failure.value} onAgain={policy.load} />
      {now && (may("tenant:manage") ? <Choose of={policy} now={now} /> : <p>{t(`policy.${now}`)}</p>)}
    </section>
  );
}

function Choose({ of, now }: { of: Row<Policy>; now: Name }) {
  const sending = useSending();
  const save = async (form: HTMLFormElement) => {
    const policy = POLICIES[new FormData(form).get("policy") as Name];
    of.said.value = "";
    const answer = await sending.attempt(() => service.setSecondFactorPolicy({ tenantId: tenantId.value, policy }));
    if (answer) of.put(answer.policy, t("edit.saved"));
  };
  return (
    <Form of={sending} submit={t("edit.save")} onSend={save}>
      <fieldset>
        <legend>{t("policy.of")}</legend>
        {(Object.keys(POLICIES) as Name[]).map((name) => (
          <label key={name} class="check">
            <input type="radio" name="policy" value={name} defaultChecked={name === now} />
            {t(`policy.${name}`)}
          </label>
        ))}
      </fieldset>
    </Form>
  );
}
