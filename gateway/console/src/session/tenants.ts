// The tenants that the user is a member of, and the one that the page is about.

import { computed, signal } from "@preact/signals";
import type { Membership } from "../generated/frontdesk/identity/v1/user_pb";
import { go, route } from "../route";
import { users } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";
import { tenantId } from "./session";

const KEPT = "frontdesk.tenant";

export const memberships = signal<Membership[] | null>(null);
export const trouble = signal<Failure | null>(null);
export const membership = computed(() => memberships.value?.find((one) => one.tenantId === tenantId.value));

export function may(scope: string): boolean {
  return membership.value?.scopes.includes(scope) ?? false;
}

/** Asks who is signed in, and goes to the tenant of the address, of last time, or the first. */
export async function loadTenants(): Promise<void> {
  trouble.value = null;
  try {
    const me = await users.getMe({});
    memberships.value = me.memberships;
  } catch (thrown) {
    trouble.value = failureOf(thrown);
    return;
  }
  follow(route.peek().tenant);
}

/** Takes the tenant of an address, if the user is a member of it. */
export function follow(wanted: string): void {
  const all = memberships.peek() ?? [];
  const one = [wanted, localStorage.getItem(KEPT)].find((id) => all.some((other) => other.tenantId === id)) ?? all[0]?.tenantId ?? "";
  if (one) localStorage.setItem(KEPT, one);
  if (route.peek().tenant !== one) go({ tenant: one, ...(route.peek().tenant && { request: "" }) }, { replace: true });
  tenantId.value = one;
}

export function leave(): void {
  memberships.value = null;
  tenantId.value = "";
}
