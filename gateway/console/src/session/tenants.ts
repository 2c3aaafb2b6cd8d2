// The tenants that the user is a member of, and the one that the page is about.

import { computed, signal } from "@preact/signals";
import type { Membership } from "../generated/frontdesk/identity/v1/user_pb";
import { keep, kept } from "../kept";
import { go, route } from "../route";
import { users } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";
import { seenAs, tenantId, view } from "./session";

const KEPT = "frontdesk.tenant";

export const memberships = signal<Membership[] | null>(null);
/** What the user may do outside tenants. */
export const platformScopes = signal<string[]>([]);
export const trouble = signal<Failure | null>(null);
/** Whether the address was of a tenant that the user is not a member of, and another one is shown. */
export const isOther = signal(false);
export const membership = computed(() => memberships.value?.find((one) => one.tenantId === tenantId.value));

export function may(scope: string): boolean {
  return membership.value?.scopes.includes(scope) ?? false;
}

/** Asks who is signed in, and goes to the tenant of the address, of last time, or the first. */
export async function loadTenants(): Promise<void> {
  trouble.value = null;
  const of = seenAs.peek();
  try {
    const me = await users.getMe({});
    if (seenAs.peek() !== of) return;
    platformScopes.value = me.platformScopes;
    memberships.value = me.memberships;
  } catch (thrown) {
    if (seenAs.peek() === of) trouble.value = failureOf(thrown);
    return;
  }
  follow(route.peek().tenant);
}

/** Takes the tenant of an address, if the user is a member of it. */
export function follow(wanted: string): void {
  const all = memberships.peek() ?? [];
  const one = [wanted, kept(KEPT)].find((id) => all.some((other) => other.tenantId === id)) ?? all[0]?.tenantId ?? "";
  if (one && !view.peek()) keep(KEPT, one);
  if (route.peek().tenant !== one) go({ tenant: one, ...(route.peek().tenant && { request: "" }) }, { replace: true });
  tenantId.value = one;
  isOther.value = Boolean(wanted && one && wanted !== one);
}

export function leave(): void {
  isOther.value = false;
  memberships.value = null;
  tenantId.value = "";
}

seenAs.subscribe(() => {
  memberships.value = null;
});
