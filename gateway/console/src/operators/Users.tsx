// The users of the platform, by their addresses. No call searches them: a search looks in
// those that are loaded, and says so.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type User, UserKind } from "../generated/later/frontdesk/identity/v1/user_pb";
import { Heading } from "../parts/Heading";
import { Trouble } from "../parts/Trouble";
import { go, link } from "../route";
import { t } from "../text/text";
import { type Failure, failureOf } from "../wire/failure";
import { CreateUser } from "./CreateUser";
import { OUTSIDE, users } from "./service";

export function Users() {
  const found = useSignal<User[]>([]);
  const next = useSignal("");
  const search = useSignal("");
  const loading = useSignal(true);
  const failure = useSignal<Failure | null>(null);
  const creating = useSignal(false);
  const load = async (pageToken: string) => {
    loading.value = true;
    failure.value = null;
    try {
      const page = await users.listUsers({ pageSize: 200, pageToken }, OUTSIDE);
      found.value = pageToken ? [...found.value, ...page.users] : page.users;
      next.value = page.nextPageToken;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
    loading.value = false;
  };
  useEffect(() => void load(""), []);
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = found.value.filter(({ id, email, displayName }) => words.every((one) => `${email} ${displayName.toLowerCase()} ${id}`.includes(one)));
  return (
    <>
      <Heading>{t("operators.users")}</Heading>
      <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        <label class="wide">
          <span>{t("users.search")}</span>
          <input type="search" value={search.value} onInput={(event) => (search.value = event.currentTarget.value)} />
        </label>
      </form>
      <p>
        <button type="button" class="main" onClick={() => (creating.value = true)}>
          {t("users.new")}
        </button>
      </p>
      {failure.value && (
        <Trouble failure={failure.value}>
          <button type="button" onClick={() => void load("")}>
            {t("again")}
          </button>
        </Trouble>
      )}
      <section class="card-wide" aria-label={t("operators.users")} aria-busy={loading.value}>
        <div role="status">
          {shown.length === 0 && !loading.value && !failure.value && <p class="empty">{t("inbox.nothing_found")}</p>}
          {words.length > 0 && next.value && <p class="hint">{t("users.searched", { n: found.value.length })}</p>}
        </div>
        <ul class="people">
          {shown.map((user) => (
            <li key={user.id}>
              <span class="who">
                <a href={link({ page: "operators", item: `users/${user.id}` })}>
                  <strong>{user.displayName || user.email}</strong>
                </a>{" "}
                <span class="hint">{user.email}</span>
              </span>
              <UserState of={user} />
            </li>
          ))}
        </ul>
        {next.value && (
          <p>
            <button type="button" aria-disabled={loading.value} onClick={() => void load(next.value)}>
              {t(words.length > 0 ? "inbox.search_on" : "inbox.more")}
            </button>
          </p>
        )}
      </section>
      {creating.value && <CreateUser onCreated={({ id }) => go({ page: "operators", item: `users/${id}` })} onClose={() => (creating.value = false)} />}
    </>
  );
}

export function UserState({ of: { kind, disabledAt } }: { of: User }) {
  return (
    <>
      {kind === UserKind.SERVICE && <span class="badge">{t("users.service")}</span>}
      {disabledAt && (
        <span class="badge" data-status="declined">
          {t("users.disabled")}
        </span>
      )}
    </>
  );
}
