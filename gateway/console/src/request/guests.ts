// Who the guests are. Reading customers takes an API key of the tenant beside the session:
// whoever has one may enter it, and it is kept in the memory of this page alone.

import type { CallOptions } from "@connectrpc/connect";
import { signal } from "@preact/signals";
import { CustomerService, type Customer } from "../generated/frontdesk/booking/v1/customer_service_pb";
import { attempt, type Result } from "../parts/once";
import { leaves, onLeave } from "../session/session";
import { clientOf } from "../wire/calls";

const customers = clientOf(CustomerService);
const known = signal<ReadonlyMap<string, Customer>>(new Map());
export const apiKey = signal("");
/** Refusals of the key, for which another one helps. */
export const KEYS = ["API_KEY_INVALID", "ADDRESS_NOT_ALLOWED"];

/** A guest, if the key has shown it. */
export function guestOf(id: string): Customer | undefined {
  return known.value.get(id);
}

/** Reads a guest with a key, which is kept if it works. */
export async function readGuest(id: string, key: string): Promise<Result<Customer[]>> {
  if (known.peek().has(id)) return { answer: [], failure: null };
  return await attempt(() => byKey(key, async (options) => [(await customers.getCustomer({ customerId: id }, options)).customer]));
}

/** Finds guests with a key, by the beginning of a name, an address or a number. */
export function findGuests(search: string, key: string): Promise<Result<Customer[]>> {
  return attempt(() => byKey(key, async (options) => (await customers.listCustomers({ search, pageSize: 10 }, options)).customers));
}

/** Keeps a key and what it has shown, unless the page is at another tenant by then. */
async function byKey(key: string, read: (options: CallOptions) => Promise<(Customer | undefined)[]>): Promise<Customer[]> {
  const of = leaves;
  const found = (await read({ headers: { "x-tenant-api-key": key } })).filter((one) => one !== undefined);
  if (of !== leaves) return [];
  known.value = new Map([...known.peek(), ...found.map((one) => [one.id, one] as const)]);
  apiKey.value = key;
  return found;
}

/** Reads a guest again when it is shown next: it was changed. */
export function forgetGuest(id: string): void {
  const rest = new Map(known.peek());
  rest.delete(id);
  known.value = rest;
}

onLeave(() => {
  known.value = new Map();
  apiKey.value = "";
});

/** The address of a letter to somebody: what follows a `?` in a name is none of its headers. */
export function mailTo(email: string): string {
  return `mailto:${encodeURIComponent(email).replace("%40", "@")}`;
}
