// Names of the people of the tenant, for who may see them.

import { signal } from "@preact/signals";
import { TenantService } from "../generated/frontdesk/identity/v1/tenant_service_pb";
import { allOf } from "../parts/pages";
import { leaves, onLeave, tenantId, user } from "../session/session";
import { may } from "../session/tenants";
import { clientOf } from "../wire/calls";

const tenants = clientOf(TenantService);
const names = signal<ReadonlyMap<string, string>>(new Map());
let of = "";

export async function loadMembers(): Promise<void> {
  const tenant = tenantId.value;
  if (!tenant || of === tenant || !may("members:view")) return;
  of = tenant;
  const turn = leaves;
  try {
    const { rows } = await allOf(async (pageToken) => {
      const { members, nextPageToken } = await tenants.listMembers({ tenantId: tenant, pageSize: 200, pageToken });
      return { rows: members.flatMap(({ user: member }) => member ?? []), next: nextPageToken };
    });
    if (turn === leaves) names.value = new Map(rows.map(({ id, displayName, email }) => [id, displayName || email]));
  } catch {
    if (turn === leaves) of = "";
  }
}

onLeave(() => {
  of = "";
  names.value = new Map();
});

/** The name of a user; empty when it is not known here. */
export function memberName(id: string): string {
  return names.value.get(id) ?? (user.value?.id === id ? user.value.display_name || user.value.email : "");
}
