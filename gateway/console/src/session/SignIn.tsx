// Signing in: a passkey alone, or the password, then a second factor where the user has one.

import { useSignal } from "@preact/signals";
import { Field } from "../parts/Field";
import { useFirst } from "../parts/Heading";
import { Trouble } from "../parts/Trouble";
import { t } from "../text/text";
import { at } from "../wire/base";
import type { Failure } from "../wire/failure";
import { beginByPasskey, hasPasskeys } from "./passkey";
import { ProofForm } from "./Proof";
import { beginBy, end, endedElsewhere, stage, user } from "./session";

export function SignInPage() {
  return (
    <main class="narrow card">
      <h1>Frontdesk</h1>
      <SignIn />
    </main>
  );
}

export function SignIn() {
  return stage.value === "second" ? <SecondFactor /> : <Password />;
}

function Password() {
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const first = useFirst<HTMLInputElement>();
  const tried = async (begin: () => Promise<Failure | null>) => {
    if (busy.value) return;
    busy.value = true;
    failure.value = null;
    failure.value = await begin();
    busy.value = false;
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    void tried(() => beginBy({ email: String(given.get("email")), password: String(given.get("password")) }));
  };
  return (
    <form onSubmit={submit}>
      {endedElsewhere.value && (
        <p class="notice" role="status">
          {t("session.ended")}
        </p>
      )}
      <Field label={t("signin.email")}>
        {(given) => <input {...given} {...first} name="email" type="email" autocomplete="username" required />}
      </Field>
      <Field label={t("signin.password")}>
        {(given) => <input {...given} name="password" type="password" autocomplete="current-password" required />}
      </Field>
      {failure.value && <Trouble failure={failure.value} />}
      <button class="main" aria-disabled={busy.value}>
        {t("signin.go")}
      </button>
      {hasPasskeys && (
        <button type="button" aria-disabled={busy.value} onClick={() => void tried(beginByPasskey)}>
          {t("signin.passkey")}
        </button>
      )}
      <a href={at("recover-password")}>{t("signin.forgotten")}</a>
    </form>
  );
}

function SecondFactor() {
  return (
    <>
      <p>{t("second.lead", { name: user.value?.email ?? "" })}</p>
      <ProofForm needsSecond submit={t("second.go")} />
      <p>
        <button type="button" class="quiet" onClick={() => void end()}>
          {t("signin.other")}
        </button>
      </p>
    </>
  );
}
