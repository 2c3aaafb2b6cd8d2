// Second factors: passkeys, an app that shows codes, and codes that stand in for them.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Factor, FactorKind } from "../generated/frontdesk/identity/v1/factor_pb";
import { type EnrolFactorResponse, FactorService } from "../generated/frontdesk/identity/v1/factor_service_pb";
import { Field } from "../parts/Field";
import { Sure } from "../parts/Sure";
import { Trouble } from "../parts/Trouble";
import { hasPasskeys } from "../session/passkey";
import { factors as known, newCodes, proveBy } from "../session/session";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { clientOf } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";
import { NewPasskey } from "./Passkey";

const service = clientOf(FactorService);

export function Factors() {
  const factors = useSignal<Factor[]>([]);
  const left = useSignal(0);
  const enrolled = useSignal<EnrolFactorResponse | null>(null);
  const failure = useSignal<Failure | null>(null);
  const said = useSignal("");
  const isMaking = useSignal(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const busy = useSignal(false);
  /** What is asked before it is done. */
  const sure = useSignal<{ title: string; lead: string; onGo: () => Promise<void> } | null>(null);
  const load = async () => {
    const answer = await service.listFactors({});
    factors.value = answer.factors.filter(({ verified }) => verified);
    // The next proof is by one of these.
    known.value = factors.value.map(({ id, kind, name, verified }) => ({ id, kind: kind === FactorKind.PASSKEY ? "passkey" : "totp", name, verified }));
    left.value = answer.recoveryCodesLeft;
  };
  const tried = async (call: () => Promise<unknown>) => {
    if (busy.value) return;
    busy.value = true;
    failure.value = null;
    said.value = "";
    try {
      await call();
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
    busy.value = false;
  };
  useEffect(() => void tried(load), []);
  const enrol = () =>
    void tried(async () => {
      // Names are told apart, also from one that was begun and left.
      const name = new Date().toISOString().slice(0, 19).replace("T", " ");
      enrolled.value = await service.enrolFactor({ kind: FactorKind.TOTP, name });
    });
  const remove = (factorId: string) =>
    tried(async () => {
      await service.removeFactor({ factorId });
      await load();
      said.value = t("account.removed");
    });
  const codes = () =>
    tried(async () => {
      newCodes.value = (await service.regenerateRecoveryCodes({})).recoveryCodes;
      await load();
    });
  const proved = () => {
    enrolled.value = null;
    heading.current?.focus();
    void tried(load);
  };
  const made = (isMade: boolean) => {
    isMaking.value = false;
    heading.current?.focus();
    if (isMade) {
      void tried(async () => {
        await load();
        said.value = t("passkey.made");
      });
    }
  };
  return (
    <section class="card-wide" aria-labelledby="factors">
      <h2 id="factors" ref={heading} tabIndex={-1}>{t("account.factors")}</h2>
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      {failure.value && <Trouble failure={failure.value} />}
      {factors.value.length === 0 && !enrolled.value && <p>{t("account.no_factor")}</p>}
      <ul class="people">
        {factors.value.map((factor) => (
          <Row
            key={factor.id}
            factor={factor}
            onRemove={() => (sure.value = { title: t("account.remove"), lead: t("account.remove_sure", { name: factor.name || t("second.app") }), onGo: () => remove(factor.id) })}
          />
        ))}
      </ul>
      {enrolled.value && <Enrol enrolled={enrolled.value} onProved={proved} />}
      {isMaking.value && <NewPasskey onDone={made} />}
      {!enrolled.value && !isMaking.value && (
        <p>
          {hasPasskeys && (
            <button type="button" onClick={() => (isMaking.value = true)}>
              {t("passkey.add")}
            </button>
          )}{" "}
          <button type="button" aria-disabled={busy.value} onClick={enrol}>
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
            <button type="button" class="quiet" onClick={() => (sure.value = { title: t("account.codes_new"), lead: t("account.codes_sure"), onGo: codes })}>
              {t("account.codes_new")}
            </button>
          </p>
        )
      )}
      {sure.value && <Sure {...sure.value} onClose={() => (sure.value = null)} />}
    </section>
  );
}

function Row({ factor: { kind, name, verifiedAt, signsInAlone }, onRemove }: { factor: Factor; onRemove: () => void }) {
  return (
    <li>
      <span class="who">
        <strong>{t(kind === FactorKind.PASSKEY ? "second.a_passkey" : "second.app")}</strong> {name} {signsInAlone && <span class="badge">{t("passkey.alone")}</span>}{" "}
        <span class="hint">{t("account.since", { when: timeText(verifiedAt) })}</span>
      </span>
      <button type="button" class="quiet" aria-label={`${t("account.remove")}: ${name}`} onClick={onRemove}>
        {t("account.remove")}
      </button>
    </li>
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
      <button
        type="button"
        onClick={() => {
          document.getElementById("factors")?.focus();
          newCodes.value = [];
        }}
      >
        {t("account.codes_kept")}
      </button>
    </div>
  );
}
