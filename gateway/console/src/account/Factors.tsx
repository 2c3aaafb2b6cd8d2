// The second factor: an app that shows codes, and codes that stand in for it.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Factor, FactorKind } from "../generated/frontdesk/identity/v1/factor_pb";
import { type EnrolFactorResponse, FactorService } from "../generated/frontdesk/identity/v1/factor_service_pb";
import { Field } from "../parts/Field";
import { Trouble } from "../parts/Trouble";
import { newCodes, proveBy } from "../session/session";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { clientOf } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";

const service = clientOf(FactorService);

export function Factors() {
  const factors = useSignal<Factor[]>([]);
  const left = useSignal(0);
  const enrolled = useSignal<EnrolFactorResponse | null>(null);
  const failure = useSignal<Failure | null>(null);
  const said = useSignal("");
  const load = async () => {
    const answer = await service.listFactors({});
    factors.value = answer.factors.filter(({ verified }) => verified);
    left.value = answer.recoveryCodesLeft;
  };
  const tried = async (call: () => Promise<unknown>) => {
    failure.value = null;
    said.value = "";
    try {
      await call();
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
  };
  useEffect(() => void tried(load), []);
  const enrol = () =>
    void tried(async () => {
      // Names are told apart, also from one that was begun and left.
      const name = new Date().toISOString().slice(0, 19).replace("T", " ");
      enrolled.value = await service.enrolFactor({ kind: FactorKind.TOTP, name });
    });
  const remove = (factorId: string) =>
    void tried(async () => {
      await service.removeFactor({ factorId });
      await load();
      said.value = t("account.removed");
    });
  const codes = () =>
    void tried(async () => {
      newCodes.value = (await service.regenerateRecoveryCodes({})).recoveryCodes;
      await load();
    });
  const proved = () => {
    enrolled.value = null;
    void tried(load);
  };
  return (
    <section class="card-wide" aria-labelledby="factors">
      <h2 id="factors">{t("account.factors")}</h2>
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      {failure.value && <Trouble failure={failure.value} />}
      {factors.value.length === 0 && !enrolled.value && <p>{t("account.no_factor")}</p>}
      <ul class="people">
        {factors.value.map(({ id, name, verifiedAt }) => (
          <li key={id}>
            <span class="who">
              <strong>{t("second.app")}</strong> {name} <span class="hint">{t("account.since", { when: timeText(verifiedAt) })}</span>
            </span>
            <button type="button" class="quiet" onClick={() => remove(id)}>
              {t("account.remove")}
            </button>
          </li>
        ))}
      </ul>
      {enrolled.value ? (
        <Enrol enrolled={enrolled.value} onProved={proved} />
      ) : (
        <p>
          <button type="button" onClick={enrol}>
            {t("account.add")}
          </button>
        </p>
      )}
      {newCodes.value.length > 0 ? (
        <Codes />
      ) : (
        factors.value.length > 0 && (
          <p>
            {t("account.codes_left", { n: left.value })}{" "}
            <button type="button" class="quiet" onClick={codes}>
              {t("account.codes_new")}
            </button>
          </p>
        )
      )}
    </section>
  );
}

function Enrol({ enrolled, onProved }: { enrolled: EnrolFactorResponse; onProved: () => void }) {
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy.value) return;
    const code = String(new FormData(event.currentTarget as HTMLFormElement).get("code"));
    busy.value = true;
    failure.value = await proveBy({ factor_id: enrolled.factor?.id ?? "", code });
    busy.value = false;
    if (!failure.value) onProved();
  };
  return (
    <form onSubmit={(event) => void send(event)}>
      <p>{t("account.secret")}</p>
      <p>
        <code class="secret">{enrolled.secret.replace(/(.{4})(?=.)/g, "$1 ")}</code>{" "}
        <a href={enrolled.uri}>{t("account.open_app")}</a>
      </p>
      <Field label={t("second.code")} hint={t("second.hint")}>
        {(given) => <input {...given} name="code" inputMode="numeric" autocomplete="one-time-code" required />}
      </Field>
      {failure.value && <Trouble failure={failure.value} />}
      <footer>
        <button class="main" aria-disabled={busy.value}>
          {t("account.confirm")}
        </button>
      </footer>
    </form>
  );
}

function Codes() {
  return (
    <div class="notice warn" role="status">
      <h3>{t("account.codes")}</h3>
      <p>{t("account.codes_lead")}</p>
      <ul>
        {newCodes.value.map((code) => (
          <li>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <button type="button" onClick={() => (newCodes.value = [])}>
        {t("account.codes_kept")}
      </button>
    </div>
  );
}
