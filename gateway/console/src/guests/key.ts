// The API key of the tenant by which guests are read, and calls with it.

import { CustomerService } from "../generated/later/frontdesk/booking/v1/customer_service_pb";
import { apiKey } from "../request/guests";
import { clientOf } from "../wire/calls";

export const service = clientOf(CustomerService);

/** Headers of a call that reads guests. */
export function byKey(key = apiKey.peek()): { headers: HeadersInit } {
  return { headers: { "x-tenant-api-key": key } };
}
