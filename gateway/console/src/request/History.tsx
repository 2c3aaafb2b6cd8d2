// What happened to a booking request, and who did it.

import { ActorKind, type Actor } from "../generated/frontdesk/booking/v1/actor_pb";
import { ApproveEvidence, BookingRequestEventKind } from "../generated/frontdesk/booking/v1/booking_request_service_pb";
import { shortId } from "../properties";
import { listText, timeText } from "../text/format";
import { t, word } from "../text/text";
import { memberName } from "./members";
import { events } from "./open";

export function actorText(actor: Actor | undefined): string {
  if (!actor || actor.kind === ActorKind.UNSPECIFIED) return t("actor.nobody");
  const kind = ActorKind[actor.kind]?.toLowerCase() ?? "";
  const name = memberName(actor.id) || (actor.id && shortId(actor.id));
  const self = kind === "user" && memberName(actor.id) ? name : word("actor", kind, { name });
  const whom = actor.onBehalfOf && (memberName(actor.onBehalfOf) || shortId(actor.onBehalfOf));
  return whom ? t("actor.for", { self, whom }) : self;
}

export function History() {
  if (events.value.length === 0) return null;
  return (
    <section aria-labelledby="history">
      <h3 id="history">{t("history.title")}</h3>
      <ol class="history">
        {events.value.map(({ id, at, kind, by, evidence, overriddenRules }) => (
          <li key={id}>
            <span class="what">{word("event", (BookingRequestEventKind[kind] ?? "").toLowerCase())}</span>
            {evidence !== ApproveEvidence.UNSPECIFIED && <span class="evidence">{word("evidence", ApproveEvidence[evidence] ?? "")}</span>}
            {overriddenRules.length > 0 && <span class="hint">{t("history.rules", { rules: listText(overriddenRules) })}</span>}
            <span class="by">
              {actorText(by)}, {timeText(at)}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
