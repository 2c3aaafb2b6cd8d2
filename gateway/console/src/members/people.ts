// The members of the tenant, its roles and its open invitations, as they were read last.

import { signal } from "@preact/signals";
import { type Invitation, InvitationService } from "../generated/frontdesk/identity/v1/invitation_service_pb";
import { type Member, type Role, TenantService } from "../generated/later/frontdesk/identity/v1/tenant_service_pb";
import { allOf } from "../parts/pages";
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
export const loading = signal(true);
/** What was done last. */
export const said = signal("");

/** What is asked for before something newer, or for another tenant, is late. */
let turn = 0;

async function everybody(tenant: string): Promise<Member[]> {
  const { rows } = await allOf(async (pageToken) => {
    const page = await tenants.listMembers({ tenantId: tenant, pageSize: 200, pageToken });
    return { rows: page.members, next: page.nextPageToken };
  });
  return rows;
}

/** Reads all of it again; beside what was refused, where something was. */
export async function load(refused: Failure | null = null): Promise<void> {
  const tenant = tenantId.value;
  const mine = ++turn;
  const into = <T>(kept: { value: T }, found: T) => {
    if (mine === turn) kept.value = found;
  };
  loading.value = true;
  failure.value = refused;
  try {
    into(members, await everybody(tenant));
    into(roles, (await tenants.listRoles({ tenantId: tenant })).roles);
    if (may("members:manage")) into(invited, (await invitations.listInvitations({ tenantId: tenant })).invitations);
  } catch (thrown) {
    into(failure, refused ?? failureOf(thrown));
  }
  into(loading, false);
}

onLeave(() => {
  turn += 1;
  members.value = [];
  roles.value = [];
  invited.value = [];
  failure.value = null;
  loading.value = true;
  said.value = "";
});

/** Makes a change, says what was done, and reads all of it again. */
export async function change(call: () => Promise<unknown>, sentence: string): Promise<Failure | null> {
  failure.value = null;
  said.value = "";
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
