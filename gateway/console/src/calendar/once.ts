// A call that somebody means once, and that changes what a property has: its row is read again,
// whatever came of it.

import { once as onceOf, type Result } from "../parts/once";
import { readAgain } from "./year";

export async function once<T>(method: string, input: object, property: string, call: (headers: HeadersInit) => Promise<T>): Promise<Result<T>> {
  const result = await onceOf(method, input, call);
  readAgain(property);
  return result;
}
