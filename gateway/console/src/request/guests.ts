// Who the guests are. Reading customers takes an API key of the tenant beside the session:
// whoever has one may enter it, and it is kept in the memory of this page alone.

import { signal } from "@preact/signals";
import { CustomerService, type Customer } from "../generated/frontdesk/booking/v1/customer_service_pb";
import { tenantId } from "../session/session";
import { clientOf } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";

const customers = clientOf(CustomerService);
const known = signal<ReadonlyMap<string, Customer>>(new Map());
export const apiKey = signal("");

/** A guest, if the key has shown it. */
export function guestOf(id: string): Customer | undefined {
  return known.value.get(id);
}

/** Reads a guest with a key, which is kept if it works. */
export async function readGuest(id: string, key: string): Promise<Failure | null> {
  if (!id || known.peek().has(id)) return null;
  try {
    const { customer } = await customers.getCustomer({ customerId: id }, { headers: { "x-tenant-api-key": key } });
    if (customer) known.value = new Map(known.peek()).set(id, customer);
    apiKey.value = key;
    return null;
  } catch (thrown) {
    return failureOf(thrown);
  }
}

tenantId.subscribe(() => {
  known.value = new Map();
  apiKey.value = "";
});
