// One user of the platform: what operators see of it, and do with it.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type User, UserKind } from "../generated/later/frontdesk/identity/v1/user_pb";
import { Heading } from "../parts/Heading";
import { Trouble } from "../parts/Trouble";
import { go, link } from "../route";
import { user as me } from "../session/session";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { type Failure, failureOf } from "../wire/failure";
import { Events } from "./Log";
import { mayOperate, OUTSIDE, users } from "./service";
import { type Act, Acting } from "./UserActs";
import { UserState } from "./Users";

function actsOf(user: User): Act[] {
  return ["rename", user.disabledAt ? "enable" : "disable", "unlock", "factors", "password", "scopes", "delete"];
}

export function OneUser({ id }: { id: string }) {
  const user = useSignal<User | null>(null);
  const failure = useSignal<Failure | null>(null);
  const doing = useSignal<Act | null>(null);
  const said = useSignal("");
  const load = async () => {
    failure.value = null;
    try {
      user.value = (await users.getUser({ userId: id }, OUTSIDE)).user ?? null;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
  };
  useEffect(() => void load(), [id]);
  const found = user.value;
  const done = (sentence: string) => {
    const act = doing.value;
    doing.value = null;
    if (act === "delete") return go({ page: "operators", item: "users" });
    said.value = sentence;
    void load();
  };
  return (
    <>
      <p>
        <a href={link({ page: "operators", item: "users" })}>{t("users.all")}</a>
      </p>
      {found && (
        <Heading>
          {found.displayName || found.email} <UserState of={found} />
        </Heading>
      )}
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      {failure.value && (
        <Trouble failure={failure.value}>
          <button type="button" onClick={() => void load()}>
            {t("again")}
          </button>
        </Trouble>
      )}
      {found && (
        <section class="card-wide" aria-label={found.displayName || found.email}>
          <Facts user={found} />
          <div class="buttons">
            {actsOf(found)
              .filter((act) => found.id !== me.value?.id || (act !== "disable" && act !== "delete"))
              .map((act) => (
                <button type="button" {...(act === "delete" && { class: "decline" })} onClick={() => (doing.value = act)}>
                  {t(`users.${act}`)}
                </button>
              ))}
          </div>
        </section>
      )}
      {found && mayOperate("platform:operate") && <Events userId={id} />}
      {found && doing.value && <Acting key={doing.value} act={doing.value} user={found} onDone={done} onClose={() => (doing.value = null)} />}
    </>
  );
}

function Facts({ user }: { user: User }) {
  return (
    <dl class="facts">
      <dt>{t("signin.email")}</dt>
      <dd>
        {user.email} <span class="hint">{user.emailConfirmedAt ? t("users.confirmed", { when: timeText(user.emailConfirmedAt) }) : t("users.not_confirmed")}</span>
      </dd>
      <dt>{t("users.kind")}</dt>
      <dd>{t(user.kind === UserKind.SERVICE ? "users.service" : "users.person")}</dd>
      {user.disabledAt && (
        <>
          <dt>{t("users.disabled")}</dt>
          <dd>{t("account.since", { when: timeText(user.disabledAt) })}</dd>
        </>
      )}
      <dt>{t("edit.created")}</dt>
      <dd>{timeText(user.createdAt)}</dd>
      <dt>{t("fact.id")}</dt>
      <dd>
        <code>{user.id}</code>
      </dd>
    </dl>
  );
}
