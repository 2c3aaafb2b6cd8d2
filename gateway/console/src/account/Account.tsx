// What somebody has for themselves: sessions, the password, a second factor.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { AuthService, LogoutScope, type Session } from "../generated/frontdesk/identity/v1/auth_service_pb";
import { Field } from "../parts/Field";
import { Trouble } from "../parts/Trouble";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { clientOf } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";
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

function Sessions() {
  const all = useSignal<Session[]>([]);
  const failure = useSignal<Failure | null>(null);
  const said = useSignal("");
  const busy = useSignal(false);
  const tried = async (call: () => Promise<unknown>) => {
    if (busy.value) return;
    busy.value = true;
    failure.value = null;
    try {
      await call();
      all.value = (await auth.listSessions({})).sessions;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
    busy.value = false;
  };
  useEffect(() => void tried(async () => {}), []);
  const end = (sessionId: string) =>
    void tried(async () => {
      await auth.revokeSession({ sessionId });
      said.value = t("account.ended", { n: 1 });
    });
  const endOthers = () =>
    void tried(async () => {
      const { endedSessions } = await auth.logout({ scope: LogoutScope.OTHERS });
      said.value = t("account.ended", { n: endedSessions });
    });
  return (
    <section class="card-wide" aria-labelledby="sessions">
      <h2 id="sessions">{t("account.sessions")}</h2>
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      {failure.value && <Trouble failure={failure.value} />}
      <ul class="people">
        {all.value.map(({ id, current, createdAt, address, userAgent }) => (
          <li key={id}>
            <span class="who">
              <strong>{address || "–"}</strong> {current && <span class="badge">{t("account.this")}</span>} <span class="hint">{t("account.since", { when: timeText(createdAt) })}</span>
              <br />
              <span class="hint">{userAgent}</span>
            </span>
            {!current && (
              <button type="button" class="quiet" aria-disabled={busy.value} aria-label={`${t("account.end")}: ${address || userAgent}`} onClick={() => end(id)}>
                {t("account.end")}
              </button>
            )}
          </li>
        ))}
      </ul>
      {all.value.length > 1 && (
        <p>
          <button type="button" aria-disabled={busy.value} onClick={endOthers}>
            {t("account.end_others")}
          </button>
        </p>
      )}
    </section>
  );
}

function Password() {
  const failure = useSignal<Failure | null>(null);
  const isDone = useSignal(false);
  const busy = useSignal(false);
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy.value) return;
    const form = event.currentTarget as HTMLFormElement;
    const given = new FormData(form);
    busy.value = true;
    failure.value = null;
    isDone.value = false;
    try {
      await auth.changePassword({ currentPassword: String(given.get("current")), newPassword: String(given.get("new")) });
      isDone.value = true;
      form.reset();
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
    busy.value = false;
  };
  return (
    <section class="card-wide" aria-labelledby="password">
      <h2 id="password">{t("account.password")}</h2>
      <form onSubmit={(event) => void send(event)}>
        <input class="unseen" type="email" autocomplete="username" value={user.value?.email ?? ""} readOnly tabIndex={-1} aria-hidden="true" />
        <Field label={t("account.current")}>{(given) => <input {...given} name="current" type="password" autocomplete="current-password" required />}</Field>
        <Field label={t("password.new")} hint={t("password.hint")}>
          {(given) => <input {...given} name="new" type="password" autocomplete="new-password" minLength={8} maxLength={256} required />}
        </Field>
        {failure.value && <Trouble failure={failure.value} />}
        <div role="status">{isDone.value && <p class="notice">{t("account.changed")}</p>}</div>
        <footer>
          <button class="main" aria-disabled={busy.value}>
            {t("account.password")}
          </button>
        </footer>
      </form>
    </section>
  );
}
