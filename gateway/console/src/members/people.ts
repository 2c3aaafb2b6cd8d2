// The members of the tenant, its roles and its open invitations, as they were read last.

import { signal } from "@preact/signals";
import { type Invitation, InvitationService } from "../generated/frontdesk/identity/v1/invitation_service_pb";
import { type Member, type Role, TenantService } from "../generated/later/frontdesk/identity/v1/tenant_service_pb";
import { leaves, onLeave, tenantId } from "../session/session";
import { may } from "../session/tenants";
import { clientOf } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";

export const tenants = clientOf(TenantService);
export const invitations = clientOf(InvitationService);

export const members = signal<Member[]>([]);
export const roles = signal<Role[]>([]);
export const invited = signal<Invitation[]>([]);
export const failure = signal<Failure | null>(null);
export const loading = signal(false);
/** What was done last. */
export const said = signal("");

async function everybody(tenant: string): Promise<Member[]> {
  const all: Member[] = [];
  let pageToken = "";
  do {
    const page = await tenants.listMembers({ tenantId: tenant, pageSize: 200, pageToken });
    all.push(...page.members);
    pageToken = page.nextPageToken;
  } while (pageToken);
  return all;
}

export async function load(): Promise<void> {
  const tenant = tenantId.value;
  const of = leaves;
  loading.value = true;
  failure.value = null;
  const into = <T>(kept: { value: T }, found: T) => {
    if (of === leaves) kept.value = found;
  };
  try {
    into(members, await everybody(tenant));
    into(roles, (await tenants.listRoles({ tenantId: tenant })).roles);
    if (may("members:manage")) into(invited, (await invitations.listInvitations({ tenantId: tenant })).invitations);
  } catch (thrown) {
    into(failure, failureOf(thrown));
  }
  into(loading, false);
}

onLeave(() => {
  members.value = [];
  roles.value = [];
  invited.value = [];
  failure.value = null;
  loading.value = false;
  said.value = "";
});

/** Makes a change, says what was done, and reads all of it again. */
export async function change(call: () => Promise<unknown>, sentence: string): Promise<Failure | null> {
  failure.value = null;
  const of = leaves;
  try {
    await call();
  } catch (thrown) {
    const refusal = failureOf(thrown);
    if (of === leaves) failure.value = refusal;
    return refusal;
  }
  if (of !== leaves) return null;
  said.value = sentence;
  await load();
  return null;
}
