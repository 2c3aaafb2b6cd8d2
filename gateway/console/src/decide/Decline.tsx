// Declining one request or several: a reason by its number, words, and notes.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { type BookingRequest, DeclineReason } from "../generated/frontdesk/booking/v1/booking_request_pb";
import { advance, choose, chosenRequests, current, dialog, stayAt } from "../inbox/cursor";
import { rowOf, statusOf } from "../inbox/list";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { faultOf } from "../parts/once";
import { Trouble } from "../parts/Trouble";
import { propertyName } from "../properties";
import { stayText } from "../text/format";
import { t, word } from "../text/text";
import type { Failure } from "../wire/failure";
import { decline, type DeclineDraft, declineDraftOf, newDecline, type Reasons } from "./decisions";
import { isOpen } from "./under";

const CODES = [1, 2, 3, 4, 5, 6] as const;
const nameOf = (code: DeclineReason) => word("decline", (DeclineReason[code] ?? "").toLowerCase());
const FIELDS = ["decline_reason", "guest_message", "internal_note"];

const labelOf = (request: BookingRequest) => `${propertyName(request.propertyId)}, ${stayText(request.checkIn, request.checkOut)}`;

export function DeclineDialog() {
  if (dialog.value === "decline") {
    const request = current();
    return request ? <One request={request} /> : null;
  }
  return dialog.value === "decline_many" ? <Many /> : null;
}

const close = () => {
  dialog.value = "";
};

function One({ request }: { request: BookingRequest }) {
  // What is declined is what was there when it was asked for, whatever happens meanwhile.
  const meant = useRef(request).current;
  const draft = useMemo(() => declineDraftOf(meant.id), []);
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const send = async (reasons: Reasons, byMouse: boolean) => {
    busy.value = true;
    const outcome = await decline(meant, reasons);
    busy.value = false;
    if (typeof outcome === "string") return;
    failure.value = outcome;
    const reason = outcome?.reason;
    if (!reason) {
      close();
      // When the dialog is gone, behind which nothing takes the focus.
      setTimeout(() => (byMouse ? stayAt : advance)(meant.id));
    } else if (reason === "ETAG_MISMATCH" || reason === "INVALID_TRANSITION") close();
  };
  return (
    <Dialog title={t("decline.title")} onClose={close} busy={busy.value}>
      <p>{labelOf(meant)}</p>
      <Form draft={draft} busy={busy.value} failure={failure.value} onSend={send} />
    </Dialog>
  );
}

interface Undone {
  request: BookingRequest;
  failure: Failure;
}

/** Declines several, four at a time; gives those that were refused, and those that something else is under way with. */
async function declineAll(all: BookingRequest[], reasons: Reasons): Promise<{ undone: Undone[]; others: BookingRequest[] }> {
  const queue = [...all];
  const undone: Undone[] = [];
  const others: BookingRequest[] = [];
  const worker = async () => {
    for (let request = queue.shift(); request; request = queue.shift()) {
      const failure = await decline(request, reasons);
      if (failure === "left") return;
      if (failure === "busy") others.push(request);
      else if (failure) undone.push({ request, failure });
      else choose(request.id, false);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  return { undone, others };
}

function Many() {
  const meant = useRef(chosenRequests()).current;
  const draft = useMemo(newDecline, []);
  const busy = useSignal(false);
  const failures = useSignal<Undone[]>([]);
  const left = useSignal(meant);
  /** What somebody else has decided meanwhile. */
  const gone = useSignal<BookingRequest[]>([]);
  const send = async (reasons: Reasons) => {
    busy.value = true;
    // What failed has been read again, and is tried as it is now.
    if (failures.value.length > 0) {
      const now = left.value.map((request) => rowOf(request.id)?.peek() ?? request);
      left.value = now.filter(isOpen);
      gone.value = [...gone.value, ...now.filter((request) => !isOpen(request))];
      for (const { id } of gone.value) choose(id, false);
    }
    failures.value = [];
    const { undone, others } = await declineAll(left.value, reasons);
    busy.value = false;
    failures.value = undone;
    left.value = [...undone.map(({ request }) => request), ...others];
    if (left.value.length === 0 && gone.value.length === 0) close();
  };
  const [first] = failures.value;
  const isAlike = first !== undefined && failures.value.every(({ failure }) => failure.reason === first.failure.reason && failure.violations.length > 0);
  return (
    <Dialog title={t("decline.many", { n: left.value.length || meant.length })} onClose={close} busy={busy.value}>
      <Gone requests={gone.value} />
      {failures.value.length > 0 && !isAlike ? <Some undone={failures.value} of={meant.length} /> : <Which requests={left.value} />}
      {left.value.length > 0 && <Form draft={draft} busy={busy.value} failure={isAlike ? (first?.failure ?? null) : null} onSend={send} />}
    </Dialog>
  );
}

function Some({ undone, of }: { undone: Undone[]; of: number }) {
  return (
    <div>
      <p role="alert">{t("decline.some", { n: undone.length, of })}</p>
      <ul>
        {undone.map(({ request, failure }) => (
          <li>
            {labelOf(request)}
            <Trouble failure={failure} quiet />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Which({ requests }: { requests: BookingRequest[] }) {
  return (
    <details>
      <summary>{t("decline.which", { n: requests.length })}</summary>
      <ul>
        {requests.map((request) => (
          <li>{labelOf(request)}</li>
        ))}
      </ul>
    </details>
  );
}

function Gone({ requests }: { requests: BookingRequest[] }) {
  if (requests.length === 0) return null;
  return (
    <ul class="notice warn" role="status">
      {requests.map((request) => (
        <li>
          {labelOf(request)}: {word("status", statusOf(request))}
        </li>
      ))}
    </ul>
  );
}

interface FormProps {
  draft: DeclineDraft;
  busy: boolean;
  failure: Failure | null;
  onSend: (reasons: Reasons, byMouse: boolean) => Promise<void>;
}

function Form({ draft, busy, failure, onSend }: FormProps) {
  const { declineReason: words, reasonCode: code, guestMessage, internalNote } = draft;
  const hasMore = useRef(guestMessage.peek() !== "" || internalNote.peek() !== "").current;
  const byMouse = useRef(false);
  const reason = useRef<HTMLTextAreaElement>(null);
  const fault = (field: string) => faultOf(failure, field);
  const needed = fault("decline_reason");
  useEffect(() => {
    if (needed) reason.current?.focus();
  }, [failure]);
  const choose = (chosen: DeclineReason) => {
    // Words that somebody has written stay.
    if (words.value === "" || CODES.some((other) => nameOf(other) === words.value)) words.value = chosen === DeclineReason.OTHER ? "" : nameOf(chosen);
    code.value = chosen;
    if (chosen === DeclineReason.OTHER) reason.current?.focus();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (!busy) void onSend({ declineReason: words.value, reasonCode: code.value, guestMessage: guestMessage.value, internalNote: internalNote.value }, byMouse.current);
  };
  return (
    <form onSubmit={submit} onKeyDown={(event) => byDigit(event, choose)}>
      <Codes code={code.value} onChoose={choose} />
      <Field label={t("decline.words")} hint={t("decline.words_hint")} fault={needed && failure?.reason === "DECLINE_REASON_REQUIRED" ? t("decline.needed") : needed}>
        {(given) => (
          <textarea {...given} ref={reason} rows={2} maxLength={4000} aria-required="true" value={words.value} onInput={(event) => (words.value = event.currentTarget.value)} />
        )}
      </Field>
      <details open={hasMore}>
        <summary>{t("decline.more")}</summary>
        <Field label={t("decline.guest")} hint={t("decline.guest_hint")} fault={fault("guest_message")}>
          {(given) => <textarea {...given} rows={2} maxLength={4000} value={guestMessage.value} onInput={(event) => (guestMessage.value = event.currentTarget.value)} />}
        </Field>
        <Field label={t("decline.note")} hint={t("decline.note_hint")} fault={fault("internal_note")}>
          {(given) => <textarea {...given} rows={2} maxLength={4000} value={internalNote.value} onInput={(event) => (internalNote.value = event.currentTarget.value)} />}
        </Field>
      </details>
      {failure && <Trouble failure={FIELDS.some(fault) ? { ...failure, said: "" } : failure} />}
      <footer>
        <button class="decline main" aria-disabled={busy} onClick={(event) => (byMouse.current = event.detail > 0)}>
          {t(busy ? "decide.decline.busy" : "decide.decline")}
        </button>
        <button type="button" class="quiet" disabled={busy} onClick={close}>
          {t("cancel")}
        </button>
      </footer>
    </form>
  );
}

/** A digit chooses a reason where nobody writes. */
function byDigit(event: KeyboardEvent, choose: (code: DeclineReason) => void): void {
  const chosen = CODES.find((number) => String(number) === event.key);
  if (!chosen || event.target instanceof HTMLTextAreaElement || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  choose(chosen);
}

function Codes({ code, onChoose }: { code: DeclineReason; onChoose: (code: DeclineReason) => void }) {
  return (
    <fieldset class="reasons">
      <legend>{t("decline.reason")}</legend>
      {CODES.map((number) => (
        <label class="check">
          <input type="radio" name="reason" checked={code === number} onChange={() => onChoose(number)} />
          <kbd>{number}</kbd> {nameOf(number)}
        </label>
      ))}
    </fieldset>
  );
}
