// The last decision of this page, and how it ended.

import type { BookingRequest } from "../generated/frontdesk/booking/v1/booking_request_pb";
import { rowOf } from "../inbox/list";
import { done, failed } from "./decisions";
import { isOpen } from "./under";
import { propertyName } from "../properties";
import { link, route } from "../route";
import { stayText } from "../text/format";
import { failureText, t, word } from "../text/text";
import type { Failure } from "../wire/failure";

export function Latest() {
  const [last] = done.value;
  // The open one says it itself.
  const bad = [...failed.value.values()].findLast(({ request: { id } }) => id !== route.value.request && isOpen(rowOf(id)?.value ?? { status: 0 }));
  return (
    <div role="status" class="latest">
      {last && (
        <p data-action={last.action}>
          <To request={last.request} />: {t(last.evidence ? (last.healed ? "done.healed" : "done.already") : `done.${last.action}`)}{" "}
          {last.evidence && <span class="evidence">{word("evidence", last.evidence)}</span>}
        </p>
      )}
      {bad && (
        <p class="warning">
          <To request={bad.request} />: <Sentence of={bad.failure} />
        </p>
      )}
    </div>
  );
}

function Sentence({ of }: { of: Failure }) {
  const [sentence, , lang] = failureText(of);
  return <span lang={lang}>{sentence}</span>;
}

function To({ request: { id, propertyId, checkIn, checkOut } }: { request: BookingRequest }) {
  return (
    <a href={link({ request: id })}>
      {propertyName(propertyId)}, {stayText(checkIn, checkOut)}
    </a>
  );
}
