// A proof in the session: the code of a second factor, a recovery code, or the password.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { Trouble } from "../parts/Trouble";
import { t } from "../text/text";
import type { Failure } from "../wire/failure";
import { asked, proveBy, verifiedFactors } from "./session";

interface Props {
  /** Whether the password is not enough. */
  needsSecond: boolean;
  submit: string;
  onProved?: () => void;
}

type By = "factor" | "recovery" | "password";

export function ProofForm({ needsSecond, submit, onProved }: Props) {
  const factors = verifiedFactors.value;
  const by = useSignal<By>(factors.length > 0 ? "factor" : needsSecond ? "recovery" : "password");
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), [by.value]);
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy.value) return;
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const proof = String(given.get("proof"));
    busy.value = true;
    failure.value = null;
    failure.value = await proveBy(
      by.value === "password" ? { current_password: proof } : by.value === "recovery" ? { code: proof } : { factor_id: given.get("factor"), code: proof },
    );
    busy.value = false;
    if (!failure.value) onProved?.();
  };
  const others: By[] = [...(factors.length > 0 ? (["factor", "recovery"] as const) : []), ...(needsSecond ? [] : (["password"] as const))];
  return (
    <form onSubmit={(event) => void send(event)}>
      {by.value === "factor" && factors.length > 1 && (
        <Field label={t("second.factor")}>
          {(given) => (
            <select {...given} name="factor">
              {factors.map(({ id, name }) => (
                <option value={id}>{name || t("second.app")}</option>
              ))}
            </select>
          )}
        </Field>
      )}
      {by.value === "factor" && factors.length === 1 && <input type="hidden" name="factor" value={factors[0]?.id} />}
      {by.value === "password" ? (
        <Field label={t("signin.password")}>
          {(given) => <input {...given} key="password" ref={input} name="proof" type="password" autocomplete="current-password" required />}
        </Field>
      ) : (
        <Field label={t(by.value === "factor" ? "second.code" : "second.recovery")} hint={t(by.value === "factor" ? "second.hint" : "second.recovery_hint")}>
          {(given) => (
            <input {...given} key={by.value} ref={input} name="proof" autocomplete="one-time-code" inputMode={by.value === "factor" ? "numeric" : "text"} required />
          )}
        </Field>
      )}
      {failure.value && <Trouble failure={failure.value} />}
      <button class="main" aria-disabled={busy.value}>
        {submit}
      </button>
      {others.filter((other) => other !== by.value).map((other) => (
        <button type="button" class="quiet" onClick={() => (by.value = other)}>
          {t(`second.by_${other}`)}
        </button>
      ))}
    </form>
  );
}

/** Asks for a proof while a call waits for it. */
export function StepUp() {
  const waiting = asked.value;
  if (!waiting) return null;
  const { metadata, answer } = waiting;
  const needsSecond = metadata["required"]?.split(" ").includes("aal2") ?? false;
  return (
    <Dialog title={t("stepup.title")} onClose={() => answer(false)}>
      {needsSecond && verifiedFactors.value.length === 0 ? (
        <p>{t("stepup.none")}</p>
      ) : (
        <>
          <p>{needsSecond ? t("stepup.second") : t("stepup.fresh", { n: Math.ceil(Number(metadata["max_age_seconds"] ?? 300) / 60) })}</p>
          <ProofForm needsSecond={needsSecond} submit={t("stepup.go")} onProved={() => answer(true)} />
        </>
      )}
    </Dialog>
  );
}
