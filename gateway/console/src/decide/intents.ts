// Keys of what somebody means to do: asking for the same again, after a reply that was lost
// or by a second click, is the same to the server (`Idempotency-Key`).

import { newKey } from "../wire/calls";
import { NETWORK } from "../wire/failure";

const keys = new Map<string, string>();
/** After these nobody knows whether it was done. */
const OPEN = new Set([NETWORK, "CANCELED", "DEADLINE_EXCEEDED", "IDEMPOTENCY_KEY_IN_USE", "OUTCOME_UNKNOWN", "REQUEST_TIMEOUT", "SHUTTING_DOWN", "UPSTREAM_UNAVAILABLE"]);

function nameOf(method: string, input: object): string {
  return `${method} ${JSON.stringify(input)}`;
}

export function keyOf(method: string, input: object): string {
  const name = nameOf(method, input);
  const key = keys.get(name) ?? newKey();
  keys.set(name, key);
  return key;
}

/** The same again is meant anew from now on, unless nobody knows how this ended. */
export function settled(method: string, input: object, reason: string): void {
  if (!OPEN.has(reason)) keys.delete(nameOf(method, input));
}
