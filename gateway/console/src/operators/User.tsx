// One user of the platform: what operators see of it, and do with it.

import { useSignal } from "@preact/signals";
import { type User, UserKind } from "../generated/later/frontdesk/identity/v1/user_pb";
import { OnePage } from "../parts/OnePage";
import { useRow } from "../parts/row";
import { go, link } from "../route";
import { user as me } from "../session/session";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { Events } from "./Log";
import { mayOperate, OUTSIDE, users } from "./service";
import { type Act, Acting } from "./UserActs";
import { UserState } from "./Users";

/** Nobody shuts out themselves. */
function actsOf({ id, disabledAt }: User): Act[] {
  if (id === me.value?.id) return ["rename", "unlock", "factors", "password", "scopes"];
  return ["rename", disabledAt ? "enable" : "disable", "unlock", "factors", "password", "scopes", "delete"];
}

export function OneUser({ id }: { id: string }) {
  const user = useRow(async () => (await users.getUser({ userId: id }, OUTSIDE)).user);
  const doing = useSignal<Act | null>(null);
  const done = (sentence: string) => {
    const act = doing.value;
    doing.value = null;
    if (act === "delete") return go({ page: "operators", item: "users" });
    user.said.value = sentence;
    void user.load();
  };
  return (
    <OnePage of={user} back={link({ page: "operators", item: "users" })} all={t("users.all")} title={(found) => <Title of={found} />}>
      {(found) => (
        <>
          <section class="card-wide" aria-label={found.displayName || found.email}>
            <Facts user={found} />
            <div class="buttons">
              {actsOf(found).map((act) => (
                <button key={act} type="button" {...(act === "delete" && { class: "decline" })} onClick={() => (doing.value = act)}>
                  {t(`users.${act}`)}
                </button>
              ))}
            </div>
          </section>
          {mayOperate("platform:operate") && <Events userId={id} />}
          {doing.value && <Acting key={doing.value} act={doing.value} user={found} onDone={done} onClose={() => (doing.value = null)} />}
        </>
      )}
    </OnePage>
  );
}

function Title({ of }: { of: User }) {
  return (
    <>
      {of.displayName || of.email} <UserState of={of} />
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
