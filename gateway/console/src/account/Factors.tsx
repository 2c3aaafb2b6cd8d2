// Second factors: passkeys, an app that shows codes, and codes that stand in for them.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { type Factor, FactorKind } from "../generated/frontdesk/identity/v1/factor_pb";
import { type EnrolFactorResponse, FactorService } from "../generated/frontdesk/identity/v1/factor_service_pb";
import { Field } from "../parts/Field";
import { Form } from "../parts/Form";
import { useRow } from "../parts/row";
import { Unread } from "../parts/Rows";
import { type Sending, useSending } from "../parts/sending";
import { Sure } from "../parts/Sure";
import { Trouble } from "../parts/Trouble";
import { hasPasskeys } from "../session/passkey";
import { factors as known, newCodes, proveBy } from "../session/session";
import { timeText } from "../text/format";
import { language, t } from "../text/text";
import { clientOf } from "../wire/calls";
import { NewPasskey } from "./Passkey";

const service = clientOf(FactorService);

interface Own {
  factors: Factor[];
  codesLeft: number;
}

async function read(): Promise<Own> {
  const { factors, recoveryCodesLeft } = await service.listFactors({});
  const verified = factors.filter(({ verified }) => verified);
  // The next proof is by one of these.
  known.value = verified.map(({ id, kind, name, verified }) => ({ id, kind: kind === FactorKind.PASSKEY ? "passkey" : "totp", name, verified }));
  return { factors: verified, codesLeft: recoveryCodesLeft };
}

/** What is asked before it is done. */
interface Question {
  title: string;
  lead: string;
  onGo: () => Promise<void>;
}

export function Factors() {
  const own = useRow(read);
  const sending = useSending();
  const enrolled = useSignal<EnrolFactorResponse | null>(null);
  const isMaking = useSignal(false);
  const sure = useSignal<Question | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  /** Reads all of it again after a change, and says what was done. */
  const changed = async (sentence: string) => {
    own.said.value = "";
    await own.load();
    own.said.value = sentence;
  };
  const made = (isMade: boolean) => {
    isMaking.value = false;
    heading.current?.focus();
    if (isMade) void changed(t("passkey.made"));
  };
  const proved = () => {
    enrolled.value = null;
    heading.current?.focus();
    void changed("");
  };
  const found = own.now.value;
  return (
    <section class="card-wide" aria-labelledby="factors">
      <h2 id="factors" ref={heading} tabIndex={-1}>{t("account.factors")}</h2>
      <div role="status">{own.said.value && <p class="notice">{own.said.value}</p>}</div>
      <Unread failure={own.failure.value} onAgain={own.load} />
      {sending.failure.value && <Trouble failure={sending.failure.value} />}
      {found?.factors.length === 0 && !enrolled.value && <p>{t("account.no_factor")}</p>}
      <ul class="people">
        {found?.factors.map((factor) => (
          <Row key={factor.id} factor={factor} onRemove={() => (sure.value = removal(factor, sending, changed))} />
        ))}
      </ul>
      {enrolled.value && <Enrol enrolled={enrolled.value} onProved={proved} />}
      {isMaking.value && <NewPasskey onDone={made} />}
      {!enrolled.value && !isMaking.value && <Add of={sending} onPasskey={() => (isMaking.value = true)} onEnrolled={(answer) => (enrolled.value = answer)} />}
      {newCodes.value.length > 0 ? <Codes /> : found && found.factors.length > 0 && <CodesLeft n={found.codesLeft} onRenew={() => (sure.value = renewal(sending, changed))} />}
      {sure.value && <Sure {...sure.value} onClose={() => (sure.value = null)} />}
    </section>
  );
}

type Changed = (sentence: string) => Promise<void>;

function removal({ id, name }: Factor, { attempt }: Sending, changed: Changed): Question {
  const onGo = async () => {
    if (await attempt(() => service.removeFactor({ factorId: id }))) await changed(t("account.removed"));
  };
  return { title: t("account.remove"), lead: t("account.remove_sure", { name: name || t("second.app") }), onGo };
}

function renewal({ attempt }: Sending, changed: Changed): Question {
  const onGo = async () => {
    const answer = await attempt(() => service.regenerateRecoveryCodes({}));
    if (!answer) return;
    newCodes.value = answer.recoveryCodes;
    await changed("");
  };
  return { title: t("account.codes_new"), lead: t("account.codes_sure"), onGo };
}

function Add({ of: { busy, attempt }, onPasskey, onEnrolled }: { of: Sending; onPasskey: () => void; onEnrolled: (answer: EnrolFactorResponse) => void }) {
  const enrol = async () => {
    // Names are told apart, also from one that was begun and left.
    const name = new Date().toLocaleString(language.value, { dateStyle: "medium", timeStyle: "medium" });
    const answer = await attempt(() => service.enrolFactor({ kind: FactorKind.TOTP, name }));
    if (answer) onEnrolled(answer);
  };
  return (
    <p>
      {hasPasskeys && (
        <button type="button" onClick={onPasskey}>
          {t("passkey.add")}
        </button>
      )}{" "}
      <button type="button" aria-disabled={busy.value} onClick={() => void enrol()}>
        {t("account.add")}
      </button>
    </p>
  );
}

function CodesLeft({ n, onRenew }: { n: number; onRenew: () => void }) {
  return (
    <p>
      {t("account.codes_left", { n })}{" "}
      <button type="button" class="quiet" onClick={onRenew}>
        {t("account.codes_new")}
      </button>
    </p>
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
  const sending = useSending();
  const send = async (form: HTMLFormElement) => {
    const code = String(new FormData(form).get("code"));
    const isProved = await sending.send(async () => {
      const failure = await proveBy({ factor_id: enrolled.factor?.id ?? "", code });
      return failure ? { answer: null, failure } : { answer: true, failure };
    });
    if (isProved) onProved();
  };
  return (
    <Form of={sending} submit={t("account.confirm")} onSend={send}>
      <p>{t("account.secret")}</p>
      <p>
        <code class="secret">{enrolled.secret.replace(/(.{4})(?=.)/g, "$1 ")}</code>{" "}
        <a href={enrolled.uri}>{t("account.open_app")}</a>
      </p>
      <Field label={t("second.code")} hint={t("second.hint")}>
        {(given) => <input {...given} name="code" inputMode="numeric" autocomplete="one-time-code" required />}
      </Field>
    </Form>
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
