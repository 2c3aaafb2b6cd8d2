// The users of the platform, by their addresses. No call searches them: a search looks in
// those that are loaded, and says so.

import { useSignal } from "@preact/signals";
import { type User, UserKind } from "../generated/later/frontdesk/identity/v1/user_pb";
import { Heading } from "../parts/Heading";
import { usePages } from "../parts/pages";
import { Rows, Unread } from "../parts/Rows";
import { go, link } from "../route";
import { t } from "../text/text";
import { CreateUser } from "./CreateUser";
import { OUTSIDE, users } from "./service";

async function read(pageToken: string) {
  const { users: rows, nextPageToken } = await users.listUsers({ pageSize: 200, pageToken }, OUTSIDE);
  return { rows, next: nextPageToken };
}

export function Users() {
  const all = usePages(read);
  const search = useSignal("");
  const creating = useSignal(false);
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = all.rows.value.filter(({ id, email, displayName }) => words.every((one) => `${email} ${displayName.toLowerCase()} ${id}`.includes(one)));
  const isPart = words.length > 0 && all.next.value !== "";
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
      <Unread failure={all.failure.value} onAgain={all.again} />
      <section class="card-wide" aria-label={t("operators.users")} aria-busy={all.loading.value}>
        <Rows
          of={all}
          shown={shown}
          empty={t("inbox.nothing_found")}
          said={isPart && <p class="hint">{t("users.searched", { n: all.rows.value.length })}</p>}
          more={t(isPart ? "inbox.search_on" : "inbox.more")}
        >
          {(user) => (
            <li key={user.id}>
              <span class="who">
                <a href={link({ page: "operators", item: `users/${user.id}` })}>
                  <strong>{user.displayName || user.email}</strong>
                </a>{" "}
                <span class="hint">{user.email}</span>
              </span>
              <UserState of={user} />
            </li>
          )}
        </Rows>
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
