// Who the guests are. Reading customers takes an API key of the tenant beside the session:
// whoever has one may enter it, and it is kept in the memory of this page alone.

import { signal } from "@preact/signals";
import { CustomerService, type Customer } from "../generated/frontdesk/booking/v1/customer_service_pb";
import { leaves, onLeave } from "../session/session";
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
  const of = leaves;
  try {
    const { customer } = await customers.getCustomer({ customerId: id }, { headers: { "x-tenant-api-key": key } });
    if (of !== leaves) return null;
    if (customer) known.value = new Map(known.peek()).set(id, customer);
    apiKey.value = key;
    return null;
  } catch (thrown) {
    return failureOf(thrown);
  }
}

/** Finds guests with a key, by the beginning of a name, an address or a number. */
export async function findGuests(search: string, key: string): Promise<Customer[] | Failure> {
  const of = leaves;
  try {
    const { customers: found } = await customers.listCustomers({ search, pageSize: 10 }, { headers: { "x-tenant-api-key": key } });
    if (of !== leaves) return [];
    known.value = new Map([...known.peek(), ...found.map((one) => [one.id, one] as const)]);
    apiKey.value = key;
    return found;
  } catch (thrown) {
    return failureOf(thrown);
  }
}

onLeave(() => {
  known.value = new Map();
  apiKey.value = "";
});
