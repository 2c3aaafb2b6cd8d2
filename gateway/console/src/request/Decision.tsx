// The decision about a request: what an approve would do, the buttons, what came of them.

import { useSignal } from "@preact/signals";
import type { BookingRequest } from "../generated/frontdesk/booking/v1/booking_request_pb";
import { approve, done, type Failed, failed, forgetFailure, isOpen, startReview, under } from "../decide/decisions";
import { advance, dialog } from "../inbox/cursor";
import { statusOf } from "../inbox/list";
import { Trouble } from "../parts/Trouble";
import { may } from "../session/tenants";
import { t, word } from "../text/text";
import { type Explanation, explain } from "./explain";
import { explained, open } from "./open";

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
      {failure.reason === "BOOKING_OVERLAP" && explanation && (
        <ul class="conflicts">
          {explanation.because.map((one) => (
            <li>{one}</li>
          ))}
        </ul>
      )}
      {isStale && <p>{t("stale.now", { status: word("status", statusOf(request)) })}</p>}
      {isStale && (
        <button type="button" onClick={() => forgetFailure(request.id)}>
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
  return (
    <div class="buttons">
      <button type="button" class="main" aria-disabled={isBusy} onClick={() => void approve(open.peek() ?? request, "", false)}>
        {t("decide.heal")}
      </button>
    </div>
  );
}

function Buttons({ request, explanation }: { request: BookingRequest; explanation: Explanation | null }) {
  const note = useSignal("");
  const override = useSignal(false);
  const action = under.value.get(request.id);
  const isBusy = action !== undefined;
  const label = (name: "approve" | "decline" | "review") => t(action === name ? `decide.${name}.busy` : `decide.${name}`);
  const doApprove = async () => {
    if (isBusy) return;
    if (!(await approve(open.peek() ?? request, note.value, override.value))) advance(request.id);
  };
  return (
    <div class="buttons">
      <label class="note">
        <span>{t("decide.note")}</span>
        <textarea id={`note-${request.id}`} rows={1} maxLength={4000} value={note.value} onInput={(event) => (note.value = event.currentTarget.value)} />
      </label>
      {explanation?.rulesAlone && may("bookings:manage") && (
        <label class="check">
          <input type="checkbox" checked={override.value} onChange={(event) => (override.value = event.currentTarget.checked)} />
          {t("decide.override")}
        </label>
      )}
      <button type="button" class="main approve" aria-disabled={isBusy} onClick={() => void doApprove()}>
        {label("approve")}
      </button>
      <button type="button" class="decline" aria-disabled={isBusy} onClick={() => !isBusy && (dialog.value = "decline")}>
        {label("decline")}
      </button>
      {statusOf(request) === "requested" && (
        <button type="button" class="quiet" aria-disabled={isBusy} onClick={() => !isBusy && void startReview(open.peek() ?? request)}>
          {label("review")}
        </button>
      )}
    </div>
  );
}
