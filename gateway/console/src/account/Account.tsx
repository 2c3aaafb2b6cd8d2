// What somebody has for themselves: sessions, the password, a second factor.

import { useSignal } from "@preact/signals";
import { AuthService, LogoutScope, type Session } from "../generated/frontdesk/identity/v1/auth_service_pb";
import { Field } from "../parts/Field";
import { Form } from "../parts/Form";
import { faultOf } from "../parts/once";
import { usePages } from "../parts/pages";
import { Unread } from "../parts/Rows";
import { useSending } from "../parts/sending";
import { Trouble } from "../parts/Trouble";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { clientOf } from "../wire/calls";
import { user } from "../session/session";
import { Factors } from "./Factors";

const auth = clientOf(AuthService);

export function Account() {
  return (
    <div class="system">
      <h1>{t("account.title")}</h1>
      <p>{user.value?.email}</p>
      <Sessions />
      <Factors />
      <Password />
    </div>
  );
}

async function read() {
  return { rows: (await auth.listSessions({})).sessions, next: "" };
}

function Sessions() {
  const all = usePages(read);
  const sending = useSending();
  const said = useSignal("");
  const end = async (call: () => Promise<number>) => {
    const n = await sending.attempt(call);
    if (n === null) return;
    said.value = t("account.ended", { n });
    await all.load();
  };
  const endOne = async (sessionId: string) => {
    await auth.revokeSession({ sessionId });
    return 1;
  };
  const endOthers = async () => (await auth.logout({ scope: LogoutScope.OTHERS })).endedSessions;
  return (
    <section class="card-wide" aria-labelledby="sessions" aria-busy={all.loading.value}>
      <h2 id="sessions">{t("account.sessions")}</h2>
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      <Unread failure={all.failure.value} onAgain={all.again} />
      {sending.failure.value && <Trouble failure={sending.failure.value} />}
      <ul class="people">
        {all.rows.value.map((session) => (
          <One key={session.id} of={session} isBusy={sending.busy.value} onEnd={() => void end(() => endOne(session.id))} />
        ))}
      </ul>
      {all.rows.value.length > 1 && (
        <p>
          <button type="button" aria-disabled={sending.busy.value} onClick={() => void end(endOthers)}>
            {t("account.end_others")}
          </button>
        </p>
      )}
    </section>
  );
}

function One({ of: { current, createdAt, address, userAgent }, isBusy, onEnd }: { of: Session; isBusy: boolean; onEnd: () => void }) {
  return (
    <li>
      <span class="who">
        <strong>{address || "–"}</strong> {current && <span class="badge">{t("account.this")}</span>} <span class="hint">{t("account.since", { when: timeText(createdAt) })}</span>
        <br />
        <span class="hint">{userAgent}</span>
      </span>
      {!current && (
        <button type="button" class="quiet" aria-disabled={isBusy} aria-label={`${t("account.end")}: ${address || userAgent}`} onClick={onEnd}>
          {t("account.end")}
        </button>
      )}
    </li>
  );
}

function Password() {
  const sending = useSending();
  const isDone = useSignal(false);
  const send = async (form: HTMLFormElement) => {
    const given = new FormData(form);
    isDone.value = false;
    if (!(await sending.attempt(() => auth.changePassword({ currentPassword: String(given.get("current")), newPassword: String(given.get("new")) })))) return;
    isDone.value = true;
    form.reset();
  };
  return (
    <section class="card-wide" aria-labelledby="password">
      <h2 id="password">{t("account.password")}</h2>
      <div role="status">{isDone.value && <p class="notice">{t("account.changed")}</p>}</div>
      <Form of={sending} submit={t("account.password")} onSend={send}>
        <input class="unseen" type="email" autocomplete="username" value={user.value?.email ?? ""} readOnly tabIndex={-1} aria-hidden="true" />
        <Field label={t("account.current")}>{(given) => <input {...given} name="current" type="password" autocomplete="current-password" required />}</Field>
        <Field label={t("password.new")} hint={t("password.hint")} fault={faultOf(sending.failure.value, "new_password")}>
          {(given) => <input {...given} name="new" type="password" autocomplete="new-password" minLength={8} maxLength={256} required />}
        </Field>
      </Form>
    </section>
  );
}
