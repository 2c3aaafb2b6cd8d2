// Looking as a member of a tenant: from where it began to where it ends. The token is in the
// memory of the session's module alone, so that a page that is loaded again looks no more.

import { effect, signal } from "@preact/signals";
import { go, NO_FILTERS, type Route, route } from "../route";
import { look, lookAway, view, viewFailure } from "../session/session";
import type { Failure } from "../wire/failure";

export interface Whom {
  name: string;
  tenant: string;
  tenantName: string;
}

/** The look that ended last: by whoever looked, because its time was over, or as it was refused. */
export const ended = signal<{ name: string; how: "ended" | "over" | Failure } | null>(null);

let before: Route | null = null;
let name = "";
let timer: ReturnType<typeof setTimeout> | undefined;

export function begin(whom: Whom, access: string, seconds: number): void {
  before = route.peek();
  name = whom.name;
  ended.value = null;
  look({ name, tenantName: whom.tenantName, until: Date.now() + seconds * 1000 }, access);
  timer = setTimeout(() => end("over"), seconds * 1000);
  go({ tenant: whom.tenant, page: "requests", request: "", item: "", day: "", filters: NO_FILTERS });
}

export function end(how: "ended" | "over"): void {
  ended.value = { name, how };
  lookAway();
}

// Whatever ends it leads back to where it began.
effect(() => {
  if (view.value || !before) return;
  const { tenant, item } = before;
  before = null;
  clearTimeout(timer);
  const failure = viewFailure.peek();
  // A machine that slept hears of its time from the server first.
  if (failure) ended.value = { name, how: failure.reason === "TOKEN_EXPIRED" ? "over" : failure };
  go({ tenant, page: "operators", request: "", item, filters: NO_FILTERS });
});
