// An import of guests from a file: what is sent of it, and what came of its lines so far. What
// is stored is not stored twice, so that the same file can be sent again whatever ended it.

import { batch, signal } from "@preact/signals";
import { forgetGuest } from "../request/guests";
import { refusalOf } from "../session/endpoint";
import { access, isEnd, tenantId } from "../session/session";
import { language } from "../text/text";
import { at } from "../wire/base";
import { TENANT } from "../wire/calls";
import { type Failure, failureOfProblem, Refused } from "../wire/failure";
import { type Kind, kindOf, type Piece, piecesOf } from "./pieces";

export const OUTCOMES = ["created", "updated", "unchanged", "merged", "refused"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What came of a line, in the JSON of the API. */
export interface Line {
  line: number;
  outcome: Outcome;
  customer_id: string;
  external_id: string;
  reason: string;
  message: string;
}

/** How long a piece may take, in milliseconds: each of its lines waits for its turn. */
const PATIENCE = 120_000;
/** How often a piece is sent that there was no room for. */
const TRIES = 5;

async function refused(answer: Response, token: string): Promise<Refused> {
  const problem = (await answer.json().catch(() => null)) as Record<string, unknown> | null;
  const failure = failureOfProblem(problem, answer.headers.get("retry-after"));
  isEnd(failure, token);
  return new Refused(failure);
}

/** Messages of an answer, one in each line, as many at once as have come. */
async function* messagesOf(answer: Response): AsyncGenerator<Record<string, unknown>[]> {
  const reader = answer.body?.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield lines.filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

interface Sent {
  piece: Piece;
  kind: Kind;
  source: string;
  tenant: string;
}

/** Sends a piece; `hear` is told what came of its lines while they come. */
async function send({ piece, kind, source, tenant }: Sent, hear: (lines: Line[]) => void): Promise<void> {
  const token = await access();
  const query = source ? `?${new URLSearchParams({ source })}` : "";
  const headers = { authorization: `Bearer ${token}`, accept: "application/x-ndjson", "accept-language": language.value, "content-type": kind, [TENANT]: tenant };
  const answer = await fetch(at(`v1/customers/import${query}`), { method: "POST", headers, body: piece.body, signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw await refused(answer, token);
  for await (const messages of messagesOf(answer)) {
    hear(messages.flatMap(({ result }) => (result ? [result as Line] : [])).map((one) => ({ ...one, line: one.line + piece.before })));
    const error = messages.find((message) => message["error"])?.["error"];
    if (error) throw new Refused(failureOfProblem(error as Record<string, unknown>, null));
    if (messages.some((message) => message["summary"])) return;
  }
  // It broke off without a word.
  throw new Refused(failureOfProblem(null, null));
}

async function patiently(sent: Sent, hear: (lines: Line[]) => void): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await send(sent, hear);
    } catch (thrown) {
      const { reason, retryAfter } = refusalOf(thrown);
      if (reason !== "OVERLOADED" || retryAfter === 0 || tries === TRIES) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, retryAfter * 1000));
    }
  }
}

/** As when it was changed after it was chosen. */
function unreadable(): never {
  throw new Refused(failureOfProblem({ code: "FILE_UNREADABLE" }, null));
}

export type Import = ReturnType<typeof importOf>;

export function importOf() {
  const lines = signal<Line[]>([]);
  /** How much of the file has been read, of 1. */
  const share = signal(0);
  const busy = signal(false);
  const failure = signal<Failure | null>(null);
  /** How it ended. */
  const ended = signal<"" | "whole" | "stopped" | "broken">("");
  let isStopped = false;

  const hear = (more: Line[]) => {
    lines.value = lines.peek().concat(more);
    // What is known of them by their ids may be another one now.
    for (const { outcome, customer_id } of more) if (outcome === "updated") forgetGuest(customer_id);
  };

  async function run(file: Blob, source: string): Promise<void> {
    if (busy.peek()) return;
    isStopped = false;
    batch(() => {
      busy.value = true;
      [lines.value, share.value, failure.value, ended.value] = [[], 0, null, ""];
    });
    const tenant = tenantId.peek();
    try {
      const bytes = new Uint8Array(await file.arrayBuffer().catch(unreadable));
      const kind = kindOf(bytes);
      for (const piece of piecesOf(bytes, kind)) {
        if (isStopped) break;
        await patiently({ piece, kind, source, tenant }, hear);
        share.value = bytes.length > 0 ? piece.end / bytes.length : 1;
      }
      ended.value = share.peek() < 1 ? "stopped" : "whole";
    } catch (thrown) {
      failure.value = { ...refusalOf(thrown), once: true };
      ended.value = "broken";
    }
    busy.value = false;
  }

  /** Ends it behind the piece that is under way. */
  function stop(): void {
    isStopped = true;
  }

  return { lines, share, busy, failure, ended, run, stop };
}
