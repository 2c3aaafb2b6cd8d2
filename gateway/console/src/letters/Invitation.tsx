// An invitation by its link: accept it with an account, make an account by it, or decline.

import { signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Field } from "../parts/Field";
import { roleText } from "../parts/role";
import { Sure } from "../parts/Sure";
import { SignIn } from "../session/SignIn";
import { access, end, stage, start, user } from "../session/session";
import { t } from "../text/text";
import { ask, busy, forgetToken, linkToken } from "./ask";
import { Finished } from "./Finished";
import { NewPassword } from "./NewPassword";

interface Offer {
  tenant_name: string;
  email: string;
  role: string;
  inviter: string;
  has_account: boolean;
  needs_letter: boolean;
}

const offer = signal<Offer | null>(null);
const ended = signal<"" | "accepted" | "joined" | "declined" | "letter">("");
const token = linkToken();

async function finish(how: "accepted" | "joined" | "declined", asked: Promise<object | null>): Promise<void> {
  if (!(await asked)) return;
  forgetToken();
  ended.value = how;
}

export function Invitation() {
  const declining = useSignal(false);
  useEffect(() => {
    void start();
    void ask<Offer>("v1/invitations/lookup", { token }).then((found) => (offer.value = found));
  }, []);
  if (ended.value === "letter") return <p role="status" class="notice">{t("invite.letter_sent", { email: offer.value?.email ?? "" })}</p>;
  if (ended.value) return <Finished>{t(`invite.${ended.value}`, { tenant: offer.value?.tenant_name ?? "" })}</Finished>;
  const found = offer.value;
  return (
    <>
      <h1>{t("invite.title")}</h1>
      {found && (
        <>
          <p>{t(found.inviter ? "invite.lead" : "invite.lead_nobody", { inviter: found.inviter, tenant: found.tenant_name, role: roleText(found.role), email: found.email })}</p>
          <Answer found={found} />
          <button type="button" class="quiet" onClick={() => (declining.value = true)}>
            {t("invite.decline")}
          </button>
          {declining.value && (
            <Sure
              title={t("invite.decline")}
              lead={t("invite.decline_sure", { tenant: found.tenant_name })}
              onGo={() => finish("declined", ask("v1/invitations/decline", { token }))}
              onClose={() => (declining.value = false)}
            />
          )}
        </>
      )}
    </>
  );
}

function Answer({ found }: { found: Offer }) {
  const wantsSignIn = useSignal(found.has_account);
  if (stage.value === "in") return <Accept />;
  if (wantsSignIn.value || stage.value === "second") return <SignIn />;
  return (
    <>
      {found.needs_letter ? <ForLetter /> : <Join />}
      <button type="button" class="quiet" onClick={() => (wantsSignIn.value = true)}>
        {t("invite.have_account")}
      </button>
    </>
  );
}

function Accept() {
  const accept = async () => finish("accepted", ask("v1/invitations/accept", { token }, await access()));
  return (
    <>
      <p>{t("invite.as", { email: user.value?.email ?? "" })}</p>
      <button type="button" class="main" aria-disabled={busy.value} onClick={() => void accept()}>
        {t("invite.accept")}
      </button>
      <button type="button" class="quiet" onClick={() => void end()}>
        {t("signin.other")}
      </button>
    </>
  );
}

function Join() {
  const name = useSignal("");
  const join = (password: string) => finish("joined", ask("v1/invitations/join", { token, display_name: name.value, password }));
  return (
    <>
      <p>{t("invite.join_lead")}</p>
      <Field label={t("invite.name")}>
        {(given) => <input {...given} autocomplete="name" maxLength={200} value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} />}
      </Field>
      <NewPassword submit={t("invite.join")} onSet={join} />
    </>
  );
}

function ForLetter() {
  const send = async () => {
    if (!(await ask("v1/invitations/letter", { token }))) return;
    forgetToken();
    ended.value = "letter";
  };
  return (
    <>
      <p>{t("invite.needs_letter")}</p>
      <button type="button" class="main" aria-disabled={busy.value} onClick={() => void send()}>
        {t("invite.send_letter")}
      </button>
    </>
  );
}
