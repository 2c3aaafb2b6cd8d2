// Passkeys: what this page asks the browser for, and what it says when it gives none.

import { type Failure, failureOfProblem } from "../wire/failure";
import { post, refusalOf } from "./endpoint";
import { access, beginBy, proveBy } from "./session";

/** Whether the browser has them, in a form that needs no code of our own. */
export const hasPasskeys = typeof PublicKeyCredential === "function" && "parseRequestOptionsFromJSON" in PublicKeyCredential;

/** What the browser says (Web Authentication, 5.1), as reasons with texts. */
const SAYS: Record<string, string> = {
  AbortError: "PASSKEY_NOT_GIVEN",
  InvalidStateError: "PASSKEY_THERE",
  NotAllowedError: "PASSKEY_NOT_GIVEN",
  SecurityError: "PASSKEY_ELSEWHERE",
};

/** What the server says of passkeys, where the texts are about codes and passwords. */
const MEANS: Record<string, string> = { FACTOR_PROOF_WRONG: "PASSKEY_WRONG", LOGIN_FAILED: "PASSKEY_UNKNOWN" };

interface Challenge {
  /** JSON text for the browser. */
  options: string;
}

function failureOfBrowser(thrown: unknown): Failure {
  const reason = thrown instanceof DOMException ? SAYS[thrown.name] : undefined;
  return reason ? { ...failureOfProblem(null, null), reason } : refusalOf(thrown);
}

function written(credential: Credential | null): string {
  return JSON.stringify((credential as PublicKeyCredential | null)?.toJSON());
}

async function used(options: string): Promise<string> {
  return written(await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(options)) }));
}

/** Does something with the browser, and says what failed. */
async function tried(act: () => Promise<Failure | null>): Promise<Failure | null> {
  try {
    const failure = await act();
    return failure && { ...failure, reason: MEANS[failure.reason] ?? failure.reason };
  } catch (thrown) {
    return failureOfBrowser(thrown);
  }
}

/** Signs in with a passkey alone. */
export function beginByPasskey(): Promise<Failure | null> {
  return tried(async () => {
    const { options } = await post<Challenge>("v1/auth/passkeys/challenge", {});
    return await beginBy({ credential: await used(options) });
  });
}

/** Proves a passkey in the session. */
export function proveByPasskey(factorId: string): Promise<Failure | null> {
  return tried(async () => {
    const { options } = await post<Challenge>(`v1/auth/factors/${factorId}/challenge`, {}, await access());
    return await proveBy({ factor_id: factorId, credential: await used(options) });
  });
}

/** Makes the passkey that was enrolled, from what its challenge says, and proves it. */
export function makePasskey(factorId: string, options: string): Promise<Failure | null> {
  return tried(async () => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(options));
    return await proveBy({ factor_id: factorId, credential: written(await navigator.credentials.create({ publicKey })) });
  });
}
