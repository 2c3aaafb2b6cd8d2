// Who is signed in. The access token is in this module's memory and nowhere else; a new
// one comes by the session's cookie, before the old one is too old and when the page is
// loaded. Pages of one browser tell each other when the session begins and ends.

import { batch, computed, signal } from "@preact/signals";
import { type Factor, prove, refresh, refusalOf, signIn, signOut, type Tokens } from "./endpoint";
import { base } from "../wire/base";
import { type Failure, failureOfProblem, Refused } from "../wire/failure";

/**
 * `second`: the password was proved, and a second factor is asked for. `out`: nobody is
 * signed in. `unreachable`: the gateway does not answer, so that nobody knows.
 */
export type Stage = "starting" | "out" | "second" | "in" | "unreachable";

export const stage = signal<Stage>("starting");
/** Why nobody knows who is signed in. */
export const startFailure = signal<Failure | null>(null);
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

/** An operator looks as somebody else, with a token that reads and changes nothing. */
export interface View {
  name: string;
  tenantName: string;
  /** In milliseconds since 1970; it tells one look from another, too. */
  until: number;
}

export const view = signal<View | null>(null);
/** Why a look ended that nobody ended. */
export const viewFailure = signal<Failure | null>(null);
let viewToken = "";
/** As whom the page is seen: who is signed in, or one look of theirs. */
export const seenAs = computed(() => String(view.value?.until ?? user.value?.id));

/** How often the page has left a tenant: what was asked for before is of that one. */
export let leaves = 0;
const forgets: (() => void)[] = [];

/** Runs when the page leaves a tenant, and with it whoever was signed in. */
export function onLeave(forget: () => void): void {
  forgets.push(forget);
}

tenantId.subscribe(() => {
  leaves += 1;
  batch(() => forgets.forEach((forget) => forget()));
});

let token = "";
/** Raised when a session is over: tokens that were asked for before come too late. */
let epoch = 0;
/** When the token is to be replaced, in milliseconds of the page. */
let staleAt = 0;
let timer = 0;
const others = new BroadcastChannel(`frontdesk ${base}`);

/** Reasons with which a session is over, whatever is tried. */
const ENDS = ["SESSION_ENDED", "SIGN_IN_REQUIRED", "REFRESH_TOKEN_INVALID", "REFRESH_TOKEN_REUSED", "TOKEN_INVALID", "CREDENTIALS_MISSING"];

const ends = ({ reason, metadata }: Failure) => ENDS.includes(reason) && metadata["session"] !== "open";

/** Another page says that the session is over, or whose it is now. */
others.onmessage = ({ data }) => {
  if (data === "out") over(true);
  else if (stage.value !== "in" || data !== user.value?.id) void start();
};

function levelOf(access: string): string {
  const claims = access.split(".")[1]?.replace(/-/g, "+").replace(/_/g, "/") ?? "";
  try {
    return (JSON.parse(atob(claims)) as { aal?: string }).aal ?? "";
  } catch {
    return "";
  }
}

function take(tokens: Tokens, of: number): void {
  if (of !== epoch) throw new Refused(failureOfProblem({ code: "SESSION_ENDED" }, null));
  if (user.value && user.value.id !== tokens.user.id) forgetUser();
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

/** From now on the page is that of somebody else. */
export function look(as: View, by: string): void {
  tenantId.value = "";
  viewToken = by;
  view.value = as;
}

/** The page is that of who is signed in again. */
export function lookAway(refusal: Failure | null = null): void {
  if (!view.value) return;
  tenantId.value = "";
  viewToken = "";
  viewFailure.value = refusal;
  view.value = null;
}

/** What is shown and asked is of one user. */
function forgetUser(): void {
  lookAway();
  tenantId.value = "";
  asked.value?.answer(false);
  newCodes.value = [];
  user.value = null;
}

function over(elsewhere: boolean): void {
  if (stage.value === "out") return;
  token = "";
  epoch += 1;
  clearTimeout(timer);
  endedElsewhere.value = elsewhere && stage.value !== "starting";
  stage.value = "out";
  forgetUser();
}

/** With these a look is over, too: its token is as it was given. */
const VIEW_ENDS = ["STEP_UP_REQUIRED", "TENANT_ACCESS_DENIED", "TOKEN_EXPIRED"];

/** Says whether a refusal ends the session, or a look, which is over then; one of an earlier token does not. */
export function isEnd(refusal: Failure, of: string): boolean {
  if (view.value && of === viewToken) {
    const isOver = ends(refusal) || VIEW_ENDS.includes(refusal.reason);
    if (isOver) lookAway(refusal);
    return isOver;
  }
  if (of !== token || !ends(refusal)) return false;
  if (stage.value !== "out") {
    over(true);
    others.postMessage("out");
  }
  return true;
}

/** Goes on with the session that the browser has, if it has one. */
export async function start(): Promise<void> {
  const mine = epoch;
  try {
    take(await exclusively(refresh), mine);
  } catch (thrown) {
    if (mine !== epoch) return;
    startFailure.value = refusalOf(thrown);
    if (ends(startFailure.value)) over(stage.value !== "starting" && stage.value !== "unreachable");
    else stage.value = "unreachable";
  }
}

/**
 * One page of the browser at a time: each exchange replaces the cookie of all. Where another
 * one has just done so all the same, the browser has the new cookie by now.
 */
async function exclusively<T>(exchange: () => Promise<T>): Promise<T> {
  const twice = () =>
    exchange().catch((thrown: unknown) => {
      if (refusalOf(thrown).metadata["session"] === "open") return exchange();
      throw thrown;
    });
  return navigator.locks ? ((await navigator.locks.request("frontdesk session", twice)) as T) : twice();
}

let refreshing: Promise<string> | null = null;

/** A token that is newer than this one. */
export function refreshed(than: string): Promise<string> {
  if (token && token !== than) return Promise.resolve(token);
  const [of, mine] = [token, epoch];
  refreshing ??= exclusively(refresh)
    .then((tokens) => {
      take(tokens, mine);
      return token;
    })
    .catch((thrown: unknown) => {
      isEnd(refusalOf(thrown), of);
      throw thrown;
    })
    .finally(() => {
      refreshing = null;
    });
  return refreshing;
}

/** The token for a call. */
export function access(): Promise<string> {
  if (view.value) return Promise.resolve(viewToken);
  return token && performance.now() < staleAt ? Promise.resolve(token) : refreshed(token);
}

/** Signs in by what somebody is known by. */
export async function beginBy(known: object): Promise<Failure | null> {
  return await proved(() => signIn(known));
}

/** Proves the password again, a second factor or a recovery code in this session. */
export async function proveBy(proof: object): Promise<Failure | null> {
  return await proved(() => prove(proof, token));
}

async function proved(ask: () => Promise<Tokens>): Promise<Failure | null> {
  const [of, mine] = [token, epoch];
  try {
    take(await exclusively(ask), mine);
  } catch (thrown) {
    const failure = refusalOf(thrown);
    isEnd(failure, of);
    return failure;
  }
  if (stage.value === "in") others.postMessage(user.value?.id);
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
    await exclusively(signOut);
  } catch (thrown) {
    const failure = refusalOf(thrown);
    if (!ends(failure)) return failure;
  }
  over(false);
  others.postMessage("out");
  return null;
}
