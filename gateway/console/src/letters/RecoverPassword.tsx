// A new password by the link of a letter, or the letter.

import { useSignal } from "@preact/signals";
import { Field } from "../parts/Field";
import { t } from "../text/text";
import { ask, busy, forgetToken, linkToken } from "./ask";
import { Finished } from "./Finished";
import { NewPassword } from "./NewPassword";

export function RecoverPassword() {
  const token = useSignal(linkToken());
  const other = () => {
    forgetToken();
    token.value = "";
  };
  return (
    <>
      <h1>{t("recover.title")}</h1>
      {token.value ? <ByLink token={token.value} onOther={other} /> : <ForLetter />}
    </>
  );
}

function ByLink({ token, onOther }: { token: string; onOther: () => void }) {
  const isDone = useSignal(false);
  if (isDone.value) return <Finished>{t("recover.done")}</Finished>;
  const set = async (password: string) => {
    if (await ask("v1/auth/recovery/password", { token, password })) {
      forgetToken();
      isDone.value = true;
    }
  };
  return (
    <>
      <p>{t("recover.lead")}</p>
      <NewPassword submit={t("recover.set")} onSet={set} />
      <button type="button" class="quiet" onClick={onOther}>
        {t("recover.other")}
      </button>
    </>
  );
}

function ForLetter() {
  const sent = useSignal("");
  if (sent.value) return <p role="status" class="notice">{t("recover.sent", { email: sent.value })}</p>;
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const email = String(new FormData(event.currentTarget as HTMLFormElement).get("email"));
    if (await ask("v1/auth/recovery", { email })) sent.value = email;
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <p>{t("recover.ask")}</p>
      <Field label={t("signin.email")}>{(given) => <input {...given} name="email" type="email" autocomplete="username" required />}</Field>
      <button class="main" aria-disabled={busy.value}>
        {t("recover.send")}
      </button>
    </form>
  );
}
