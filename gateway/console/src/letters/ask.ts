// What the pages of letters have in common: the token of the link, and calls by it.

import { signal } from "@preact/signals";
import { post, refusalOf } from "../session/endpoint";
import type { Failure } from "../wire/failure";

export const failure = signal<Failure | null>(null);
export const busy = signal(false);

// Out of the address at once, where others see it and histories keep it. For a page that is
// loaded again it is beside its entry of the history.
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) history.replaceState({ token: given }, "", location.pathname);
// Another link in the same window.
addEventListener("hashchange", () => location.reload());

/** What stood behind `#token=`; empty without a link. */
export function linkToken(): string {
  return (history.state as { token?: string } | null)?.token ?? "";
}

/** Forgets the token, when it is used up or of no use. */
export function forgetToken(): void {
  history.replaceState(null, "", location.pathname);
}

/** Calls, and says what was answered; `null` when it was refused, which is shown. */
export async function ask<T extends object>(path: string, body: object, token?: string): Promise<T | null> {
  if (busy.value) return null;
  busy.value = true;
  failure.value = null;
  try {
    return await post<T>(path, body, token);
  } catch (thrown) {
    failure.value = refusalOf(thrown);
    if (failure.value.reason === "LINK_INVALID") forgetToken();
    return null;
  } finally {
    busy.value = false;
  }
}
