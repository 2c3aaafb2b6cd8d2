// The gateway's sessions of pages: the refresh token is in a cookie that no script reads,
// and the access token in the answer.

import { at } from "../wire/base";
import { type Failure, failureOfProblem, NETWORK, Refused } from "../wire/failure";
import { language } from "../text/text";

export interface Factor {
  id: string;
  /** `totp` or `passkey`. */
  kind: string;
  name: string;
  verified: boolean;
}

export interface Tokens {
  access: string;
  expires_in: number;
  user: { id: string; email: string; display_name: string };
  factors?: Factor[];
  /** Codes that stand in for a factor, when the first one was verified. */
  recovery_codes?: string[];
}

/** How long a call may take, in milliseconds: longer than the gateway lets it. */
export const LONGEST = 15_000;

/** Posts to a path of the API in its JSON, or to the session. */
export async function post<T>(path: string, body?: object, token?: string, method = "POST"): Promise<T> {
  const headers: Record<string, string> = { "accept-language": language.value };
  if (body) headers["content-type"] = "application/json";
  if (token) headers["authorization"] = `Bearer ${token}`;
  let answer: Response;
  try {
    answer = await fetch(at(path), { method, headers, signal: AbortSignal.timeout(LONGEST), ...(body && { body: JSON.stringify(body) }) });
  } catch {
    throw new Refused(failureOfProblem(null, null));
  }
  const json = (await answer.json().catch(() => null)) as Record<string, unknown> | null;
  if (!answer.ok) throw new Refused(failureOfProblem(json, answer.headers.get("retry-after")));
  return json as T;
}

const SESSION = "console/session";

/** Takes what somebody is known by: an address and its password, or a passkey. */
export const signIn = (known: object) => post<Tokens>(SESSION, known);
export const refresh = () => post<Tokens>(`${SESSION}/refresh`);
export const prove = (proof: object, token: string) => post<Tokens>(`${SESSION}/proof`, proof, token);
export const signOut = () => post<null>(SESSION, undefined, undefined, "DELETE");

export function refusalOf(thrown: unknown): Failure {
  return thrown instanceof Refused ? thrown.failure : { ...failureOfProblem(null, null), reason: NETWORK, said: String(thrown) };
}
