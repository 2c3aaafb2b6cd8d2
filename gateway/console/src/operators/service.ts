// What operators of the platform call. These calls are for no tenant, also when the operator
// is a member of one: it may be suspended.

import { AuditService } from "../generated/later/frontdesk/identity/v1/audit_service_pb";
import { FactorService } from "../generated/later/frontdesk/identity/v1/factor_service_pb";
import { TenantService } from "../generated/later/frontdesk/identity/v1/tenant_service_pb";
import type { User } from "../generated/later/frontdesk/identity/v1/user_pb";
import { UserService } from "../generated/later/frontdesk/identity/v1/user_service_pb";
import { platformScopes } from "../session/tenants";
import { clientOf, TENANT } from "../wire/calls";

export const tenants = clientOf(TenantService);
export const users = clientOf(UserService);
export const factors = clientOf(FactorService);
export const audit = clientOf(AuditService);

export const OUTSIDE = { headers: { [TENANT]: "" } };
export const inTenant = (id: string) => ({ headers: { [TENANT]: id } });

export const SCOPES = ["platform:operate", "platform:tenants", "platform:users"];

export function mayOperate(scope: string): boolean {
  return platformScopes.value.includes(scope);
}

/** The user with an address, which no call finds by itself: users are read until it comes. */
export async function userByEmail(email: string): Promise<User | undefined> {
  const wanted = email.trim().toLowerCase();
  let pageToken = "";
  do {
    const page = await users.listUsers({ pageSize: 200, pageToken }, OUTSIDE);
    const found = page.users.find((user) => user.email === wanted);
    if (found) return found;
    pageToken = page.nextPageToken;
  } while (pageToken);
  return undefined;
}
