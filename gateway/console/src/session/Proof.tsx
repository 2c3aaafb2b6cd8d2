// A proof in the session: a passkey, the code of an app, a recovery code, or the password.

import { useSignal } from "@preact/signals";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { useFirst } from "../parts/Heading";
import { Trouble } from "../parts/Trouble";
import { link } from "../route";
import { t } from "../text/text";
import type { Failure } from "../wire/failure";
import type { Factor } from "./endpoint";
import { hasPasskeys, proveByPasskey } from "./passkey";
import { asked, proveBy, verifiedFactors } from "./session";

interface Props {
  /** Whether the password is not enough. */
  needsSecond: boolean;
  submit: string;
  onProved?: () => void;
}

type By = "passkey" | "factor" | "recovery" | "password";

/** The ways in which this user can prove it here, the best first. */
function waysOf(factors: Factor[], needsSecond: boolean): By[] {
  const has = (kind: string) => factors.some((factor) => factor.kind === kind);
  const ways: By[] = [];
  if (has("passkey") && hasPasskeys) ways.push("passkey");
  if (has("totp")) ways.push("factor");
  if (factors.length > 0 || needsSecond) ways.push("recovery");
  if (!needsSecond) ways.push("password");
  return ways;
}

export function ProofForm({ needsSecond, submit, onProved }: Props) {
  const ways = waysOf(verifiedFactors.value, needsSecond);
  const by = useSignal<By>(ways[0] ?? "password");
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy.value) return;
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const [factor, proof] = [String(given.get("factor")), String(given.get("proof"))];
    busy.value = true;
    failure.value = null;
    failure.value =
      by.value === "passkey"
        ? await proveByPasskey(factor)
        : await proveBy(by.value === "password" ? { current_password: proof } : by.value === "recovery" ? { code: proof } : { factor_id: factor, code: proof });
    busy.value = false;
    if (!failure.value) onProved?.();
  };
  const turnTo = (way: By) => {
    failure.value = null;
    by.value = way;
  };
  return (
    <form onSubmit={(event) => void send(event)}>
      <WhichFactor by={by.value} />
      <ProofField key={by.value} by={by.value} />
      {failure.value && <Trouble failure={failure.value} />}
      <button class="main" aria-disabled={busy.value}>
        {by.value === "passkey" ? t("second.passkey") : submit}
      </button>
      {ways.filter((other) => other !== by.value).map((other) => (
        <button type="button" class="quiet" onClick={() => turnTo(other)}>
          {t(`second.by_${other}`)}
        </button>
      ))}
    </form>
  );
}

/** The factor that is proved, to choose where there are several of a kind. */
function WhichFactor({ by }: { by: By }) {
  const kind = by === "passkey" ? "passkey" : by === "factor" ? "totp" : "";
  const factors = verifiedFactors.value.filter((factor) => factor.kind === kind);
  if (factors.length < 2) return <input type="hidden" name="factor" value={factors[0]?.id ?? ""} />;
  return (
    <Field label={t("second.factor")}>
      {(given) => (
        <select {...given} name="factor">
          {factors.map(({ id, name }) => (
            <option value={id}>{name || t(by === "passkey" ? "second.a_passkey" : "second.app")}</option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** What is entered; of a passkey, the browser asks. */
function ProofField({ by }: { by: By }) {
  const input = useFirst<HTMLInputElement>();
  const lead = useFirst<HTMLParagraphElement>();
  if (by === "passkey") {
    return (
      <p {...lead} tabIndex={-1}>
        {t("second.passkey_lead")}
      </p>
    );
  }
  if (by === "password") {
    return <Field label={t("signin.password")}>{(given) => <input {...given} {...input} name="proof" type="password" autocomplete="current-password" required />}</Field>;
  }
  const isCode = by === "factor";
  return (
    <Field label={t(isCode ? "second.code" : "second.recovery")} hint={t(isCode ? "second.hint" : "second.recovery_hint")}>
      {(given) => <input {...given} {...input} name="proof" autocomplete="one-time-code" inputMode={isCode ? "numeric" : "text"} required />}
    </Field>
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
        <p>
          {t("stepup.none")}{" "}
          <a href={link({ page: "account", request: "", item: "" })} onClick={() => answer(false)}>
            {t("account.title")}
          </a>
        </p>
      ) : (
        <>
          <p>{needsSecond ? t("stepup.second") : t("stepup.fresh", { n: Math.ceil(Number(metadata["max_age_seconds"] ?? 300) / 60) })}</p>
          <ProofForm needsSecond={needsSecond} submit={t("stepup.go")} onProved={() => answer(true)} />
        </>
      )}
    </Dialog>
  );
}
