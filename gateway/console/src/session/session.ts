// Who is signed in. The access token is in this module's memory and nowhere else; a new
// one comes by the session's cookie, before the old one is too old and when the page is
// loaded. Pages of one browser tell each other when the session begins and ends.

import { computed, signal } from "@preact/signals";
import { type Factor, prove, refresh, refusalOf, signIn, signOut, type Tokens } from "./endpoint";
import type { Failure } from "../wire/failure";
import { NETWORK } from "../wire/failure";

/**
 * `second`: the password was proved, and a second factor is asked for. `out`: nobody is
 * signed in. `unreachable`: the gateway does not answer, so that nobody knows.
 */
export type Stage = "starting" | "out" | "second" | "in" | "unreachable";

export const stage = signal<Stage>("starting");
/** Whether the session ended by itself, and not by this page. */
export const endedElsewhere = signal(false);
export const user = signal<Tokens["user"] | null>(null);
export const factors = signal<Factor[]>([]);
export const tenantId = signal("");
/** Recovery codes that were given with the last proof; they are shown once. */
export const newCodes = signal<string[]>([]);
/** What asks for a proof at the moment, and who waits for it. */
export const asked = signal<{ metadata: Record<string, string>; answer: (proved: boolean) => void } | null>(null);
export const verifiedFactors = computed(() => factors.value.filter((factor) => factor.verified));

let token = "";
/** When the token is to be replaced, in milliseconds of the page. */
let staleAt = 0;
let timer = 0;
const others = new BroadcastChannel(`frontdesk ${document.baseURI.split("#")[0]}`);

/** Reasons with which a session is over, whatever is tried. */
const ENDS = ["SESSION_ENDED", "SIGN_IN_REQUIRED", "REFRESH_TOKEN_INVALID", "REFRESH_TOKEN_REUSED", "TOKEN_INVALID", "CREDENTIALS_MISSING"];

others.onmessage = ({ data }) => {
  if (data === "out" && stage.value !== "out") over(true);
  if (data === "in" && stage.value === "out") void start();
};

function levelOf(access: string): string {
  const claims = access.split(".")[1]?.replace(/-/g, "+").replace(/_/g, "/") ?? "";
  try {
    return (JSON.parse(atob(claims)) as { aal?: string }).aal ?? "";
  } catch {
    return "";
  }
}

function take(tokens: Tokens): void {
  token = tokens.access;
  // A minute before it is too old, and never at once.
  const left = Math.max(tokens.expires_in - 60, 5) * 1000;
  staleAt = performance.now() + left;
  clearTimeout(timer);
  timer = window.setTimeout(() => void refreshed(token).catch(() => {}), left);
  user.value = tokens.user;
  factors.value = tokens.factors ?? [];
  if (tokens.recovery_codes?.length) newCodes.value = tokens.recovery_codes;
  endedElsewhere.value = false;
  stage.value = verifiedFactors.value.length > 0 && levelOf(token) !== "aal2" ? "second" : "in";
}

function over(elsewhere: boolean): void {
  token = "";
  clearTimeout(timer);
  asked.value?.answer(false);
  endedElsewhere.value = elsewhere && stage.value !== "starting";
  stage.value = "out";
  user.value = null;
  newCodes.value = [];
}

/** Says whether a reason ends the session, which is over then. */
export function isEnd(reason: string): boolean {
  const ends = ENDS.includes(reason);
  if (ends && stage.value !== "out") {
    over(true);
    others.postMessage("out");
  }
  return ends;
}

/** Goes on with the session that the browser has, if it has one. */
export async function start(): Promise<void> {
  try {
    take(await exclusively(refresh));
  } catch (thrown) {
    const { reason } = refusalOf(thrown);
    if (reason === NETWORK) stage.value = "unreachable";
    else over(stage.value !== "starting" && stage.value !== "unreachable");
  }
}

/** One page of the browser at a time: each exchange replaces the cookie of all. */
function exclusively<T>(exchange: () => Promise<T>): Promise<T> {
  return navigator.locks ? navigator.locks.request("frontdesk session", exchange) as Promise<T> : exchange();
}

let refreshing: Promise<string> | null = null;

/** A token that is newer than this one. */
export function refreshed(than: string): Promise<string> {
  if (token && token !== than) return Promise.resolve(token);
  refreshing ??= exclusively(refresh)
    .then((tokens) => {
      take(tokens);
      return token;
    })
    .catch((thrown: unknown) => {
      isEnd(refusalOf(thrown).reason);
      throw thrown;
    })
    .finally(() => {
      refreshing = null;
    });
  return refreshing;
}

/** The token for a call. */
export function access(): Promise<string> {
  return token && performance.now() < staleAt ? Promise.resolve(token) : refreshed(token);
}

export async function begin(email: string, password: string): Promise<Failure | null> {
  return await proved(() => signIn(email, password));
}

/** Proves the password again, a second factor or a recovery code in this session. */
export async function proveBy(proof: object): Promise<Failure | null> {
  return await proved(() => exclusively(() => prove(proof, token)));
}

async function proved(ask: () => Promise<Tokens>): Promise<Failure | null> {
  try {
    take(await ask());
  } catch (thrown) {
    const failure = refusalOf(thrown);
    isEnd(failure.reason);
    return failure;
  }
  if (stage.value === "in") others.postMessage("in");
  return null;
}

/** Asks whoever is at the page for a proof, and says whether there is one now. */
export async function proveAgain(metadata: Record<string, string>): Promise<boolean> {
  if (asked.value) return false;
  const given = await new Promise<boolean>((answer) => {
    asked.value = { metadata, answer };
  });
  asked.value = null;
  return given;
}

export async function end(): Promise<Failure | null> {
  try {
    await signOut();
  } catch (thrown) {
    const failure = refusalOf(thrown);
    if (!ENDS.includes(failure.reason)) return failure;
  }
  over(false);
  others.postMessage("out");
  return null;
}
