// What the pages of letters have in common: the token of the link, and calls by it.

import { signal } from "@preact/signals";
import { post, refusalOf } from "../session/endpoint";
import type { Failure } from "../wire/failure";

export const failure = signal<Failure | null>(null);
export const busy = signal(false);

/** What stands behind `#token=`; empty without a link. */
export function linkToken(): string {
  return new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
}

/** Takes the token out of the address and the history, when it is used up. */
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
    return null;
  } finally {
    busy.value = false;
  }
}
