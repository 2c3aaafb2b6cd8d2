// The decision about a request: what an approve would do, the buttons, what came of them.

import { useEffect } from "preact/hooks";
import type { BookingRequest } from "../generated/frontdesk/booking/v1/booking_request_pb";
import { approve, done, draftOf, type Failed, failed, forgetFailure, startReview } from "../decide/decisions";
import { isOpen, under } from "../decide/under";
import { dialog, stayAt } from "../inbox/cursor";
import { statusOf } from "../inbox/list";
import { Trouble } from "../parts/Trouble";
import { may } from "../session/tenants";
import { t, word } from "../text/text";
import { type Explanation, explain } from "./explain";
import { explained, open } from "./open";

/** The second one of two clicks was meant for what the first one has done already. */
const isRepeat = (event: MouseEvent) => event.detail > 1;

export function Decision({ request }: { request: BookingRequest }) {
  const answer = explained.value;
  const explanation = answer && answer.bookingRequestId === request.id ? explain(answer, request) : null;
  const failure = failed.value.get(request.id);
  const last = done.value.find((one) => one.request.id === request.id);
  const decided = !isOpen(request);
  // It reads as confirmed, and an approve would make its row say so, too.
  const heals = decided && explanation?.verdict === "heals";
  return (
    <section class="decision" aria-label={t("decision.label")}>
      {last?.evidence && (
        <p class="notice" role="status">
          <span class="evidence">{word("evidence", last.evidence)}</span> {t(last.healed ? "done.healed_why" : "done.already_why")}
        </p>
      )}
      {failure && <Refusal failed={failure} explanation={explanation} request={request} />}
      {(!decided || heals) && explanation && failure?.failure.reason !== "BOOKING_OVERLAP" && <Explained explanation={explanation} />}
      {heals && may("bookings:approve") && <PutRight request={request} />}
      {!decided && (may("bookings:approve") ? <Buttons request={request} explanation={explanation} /> : <p class="hint">{t("decision.not_yours")}</p>)}
    </section>
  );
}

function Explained({ explanation: { verdict, sentence, because } }: { explanation: Explanation }) {
  return (
    <div class="explained" data-verdict={verdict}>
      <p>{sentence}</p>
      {because.length > 0 && (
        <ul>
          {because.map((one) => (
            <li>{one}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** What failed, and where it is another state now, that state. */
function Refusal({ failed: { action, failure }, explanation, request }: { failed: Failed; explanation: Explanation | null; request: BookingRequest }) {
  const isStale = failure.reason === "ETAG_MISMATCH" || failure.reason === "INVALID_TRANSITION";
  return (
    <Trouble failure={failure}>
      {failure.reason === "BOOKING_OVERLAP" && (
        <ul class="conflicts">
          {explanation?.verdict === "refused" && explanation.because.length > 0
            ? explanation.because.map((one) => <li>{one}</li>)
            : failure.metadata["conflict_kind"] && <li>{word("conflict", failure.metadata["conflict_kind"])}</li>}
        </ul>
      )}
      {isStale && <p>{t("stale.now", { status: word("status", statusOf(request)) })}</p>}
      {isStale && (
        <button
          type="button"
          onClick={() => {
            stayAt(request.id);
            forgetFailure(request.id);
          }}
        >
          {t("stale.seen")}
        </button>
      )}
      {failure.reason === "BOOKING_OVERLAP" && action === "approve" && (
        <button type="button" class="decline" onClick={() => (dialog.value = "decline")}>
          {t("decide.decline")}
        </button>
      )}
    </Trouble>
  );
}

function PutRight({ request }: { request: BookingRequest }) {
  const isBusy = under.value.has(request.id);
  const heal = async () => {
    if ((await approve(open.peek() ?? request, "", false)) === null) stayAt(request.id);
  };
  return (
    <div class="buttons">
      <button type="button" class="main" aria-disabled={isBusy} onClick={(event) => !isRepeat(event) && void heal()}>
        {t("decide.heal")}
      </button>
    </div>
  );
}

function Buttons({ request, explanation }: { request: BookingRequest; explanation: Explanation | null }) {
  const { note, override } = draftOf(request.id);
  const rulesAlone = explanation?.rulesAlone && may("bookings:manage");
  // What is not on the screen is not meant.
  useEffect(() => {
    if (!rulesAlone) override.value = false;
  }, [rulesAlone]);
  const action = under.value.get(request.id);
  const isBusy = action !== undefined;
  const label = (name: "approve" | "decline" | "review") => t(action === name ? `decide.${name}.busy` : `decide.${name}`);
  // The next one is not opened under the mouse, where one more click would decide it, too.
  const doApprove = async () => {
    if ((await approve(open.peek() ?? request, note.value, override.value)) === null) stayAt(request.id);
  };
  const press = (act: () => void) => (event: MouseEvent) => {
    if (!isBusy && !isRepeat(event)) act();
  };
  return (
    <div class="buttons">
      <label class="note">
        <span>{t("decide.note")}</span>
        <textarea id={`note-${request.id}`} rows={1} maxLength={4000} value={note.value} onInput={(event) => (note.value = event.currentTarget.value)} />
      </label>
      {rulesAlone && (
        <label class="check">
          <input type="checkbox" checked={override.value} onChange={(event) => (override.value = event.currentTarget.checked)} />
          {t("decide.override")}
        </label>
      )}
      <button type="button" class="main approve" aria-disabled={isBusy} onClick={press(() => void doApprove())}>
        {label("approve")}
      </button>
      <button type="button" class="decline" aria-disabled={isBusy} onClick={press(() => (dialog.value = "decline"))}>
        {label("decline")}
      </button>
      {statusOf(request) === "requested" && (
        <button type="button" class="quiet" aria-disabled={isBusy} onClick={press(() => void startReview(open.peek() ?? request))}>
          {label("review")}
        </button>
      )}
    </div>
  );
}
