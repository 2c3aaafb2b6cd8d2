// One booking request: the stay, what an approve would do, what is around its dates, the
// decision, and what happened to it.

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { BookingRequest } from "../generated/frontdesk/booking/v1/booking_request_pb";
import { DeclineReason } from "../generated/frontdesk/booking/v1/booking_request_pb";
import { isOpen } from "../decide/under";
import { isWide } from "../inbox/cursor";
import { isPartly, StatusBadge } from "../parts/Badge";
import { Trouble } from "../parts/Trouble";
import { properties, propertyName } from "../properties";
import { link, route } from "../route";
import { nightsText, stayText, timeText } from "../text/format";
import { t, word } from "../text/text";
import { Decision } from "./Decision";
import { Guest } from "./Guest";
import { actorText, History } from "./History";
import { loadMembers } from "./members";
import { failures, follow, open, readAgain } from "./open";
import { Strip } from "./Strip";

export function Detail() {
  useLayoutEffect(follow, []);
  useEffect(() => void loadMembers(), [route.value.tenant]);
  const request = open.value;
  const [failure] = failures.value;
  return (
    <article class="request" aria-labelledby="request">
      {/* That of the list, where it is beside this. */}
      <h1 class="alone unseen">{t("detail.title")}</h1>
      <a class="back" href={link({ request: "" })}>
        {t("detail.back")}
      </a>
      {failure && (
        <Trouble failure={failure}>
          <button type="button" onClick={readAgain}>
            {t("again")}
          </button>
        </Trouble>
      )}
      {request && <Shown request={request} />}
    </article>
  );
}

function Shown({ request }: { request: BookingRequest }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { id, checkIn, checkOut } = request;
  useEffect(() => {
    // The list is not beside it: whoever came here by a key or a link goes on from the top.
    if (!isWide()) heading.current?.focus();
  }, [id]);
  return (
    <>
      <header>
        <h2 id="request" ref={heading} tabIndex={-1}>
          {propertyName(request.propertyId)} <StatusBadge request={request} />
        </h2>
        <p class="stay">
          {stayText(checkIn, checkOut)} <span class="nights">{nightsText(checkIn, checkOut)}</span>
        </p>
      </header>
      {isPartly(request) && <Uncovered request={request} />}
      <Strip request={request} />
      <Decision key={id} request={request} />
      <Facts request={request} />
      <History />
    </>
  );
}

function Uncovered({ request }: { request: BookingRequest }) {
  const nights = request.fulfilment?.uncovered ?? [];
  return (
    <div class="notice warn">
      <p>{t("partly.lead", { n: nights.length })}</p>
      <ul>
        {nights.map(({ checkIn, checkOut }) => (
          <li>
            {stayText(checkIn, checkOut)} ({nightsText(checkIn, checkOut)})
          </li>
        ))}
      </ul>
    </div>
  );
}

function Facts({ request }: { request: BookingRequest }) {
  const { guestId, guestCount, message, internalNote, declineReason, declineReasonCode, declineMessage, decider } = request;
  const most = properties.value.get(request.propertyId)?.maxGuests;
  return (
    <dl class="facts">
      <dt>{t("fact.guests")}</dt>
      <dd>
        {t("guests", { n: guestCount })}
        {most ? ` ${t("fact.most", { n: most })}` : ""}
      </dd>
      {guestId && (
        <>
          <dt>{t("fact.guest")}</dt>
          <dd>
            <Guest key={guestId} id={guestId} />
          </dd>
        </>
      )}
      {message && (
        <>
          <dt>{t("fact.message")}</dt>
          <dd class="text">{message}</dd>
        </>
      )}
      {internalNote && (
        <>
          <dt>{t("fact.note")}</dt>
          <dd class="text">{internalNote}</dd>
        </>
      )}
      {declineReason && (
        <>
          <dt>{t("fact.declined")}</dt>
          <dd class="text">
            {declineReasonCode !== DeclineReason.UNSPECIFIED && `${word("decline", (DeclineReason[declineReasonCode] ?? "").toLowerCase())}: `}
            {declineReason}
          </dd>
        </>
      )}
      {declineMessage && (
        <>
          <dt>{t("fact.decline_message")}</dt>
          <dd class="text">{declineMessage}</dd>
        </>
      )}
      {!isOpen(request) && decider && (
        <>
          <dt>{t("fact.decider")}</dt>
          <dd>{actorText(decider)}</dd>
        </>
      )}
      <dt>{t("fact.created")}</dt>
      <dd>{timeText(request.createdAt)}</dd>
      <dt>{t("fact.id")}</dt>
      <dd>
        <code>{request.id}</code>
      </dd>
    </dl>
  );
}
