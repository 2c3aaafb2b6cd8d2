// What an approve would do now, as a sentence out of what ExplainApproval says.

import { ApproveEvidence, ApproveOutcome } from "../generated/frontdesk/booking/v1/booking_request_service_pb";
import { BookingStatus } from "../generated/frontdesk/booking/v1/booking_pb";
import { StayCoverage, type BookingRequest } from "../generated/frontdesk/booking/v1/booking_request_pb";
import type { ExplainApprovalResponse, StayConflict } from "../generated/frontdesk/booking/v1/diagnostics_service_pb";
import { common, dayOf, nights } from "../text/days";
import { dayText, stayText } from "../text/format";
import { failureText, t, word } from "../text/text";

export type Verdict = "books" | "heals" | "nothing" | "refused";

export interface Explanation {
  verdict: Verdict;
  sentence: string;
  /** Each thing that is in the way, each rule that the stay breaks. */
  because: string[];
  /** Whether rules alone are in the way. */
  rulesAlone: boolean;
}

const HOLDS = [BookingStatus.REQUESTED, BookingStatus.INQUIRY, BookingStatus.PENDING, BookingStatus.UNDER_REVIEW];
const FREED = [BookingStatus.CANCELLED, BookingStatus.DECLINED, BookingStatus.NO_SHOW];

function kindOf({ block, deleted, status }: StayConflict): string {
  if (block) return "block";
  if (deleted) return "deleted";
  if (FREED.includes(status)) return "freed";
  return HOLDS.includes(status) ? "hold" : "booking";
}

/** What is in the way and for which nights; no word of whose it is, unless the guest's own. */
export function conflictText(conflict: StayConflict, { checkIn, checkOut }: Pick<BookingRequest, "checkIn" | "checkOut">): string {
  const shared = common([conflict.startDate, conflict.endDate], [checkIn, checkOut]);
  const what = word("conflict", conflict.sameGuest ? `own_${kindOf(conflict)}` : kindOf(conflict));
  const whole = stayText(conflict.startDate, conflict.endDate);
  if (!shared) return t("conflict.apart", { what, whole });
  const [n, of] = [nights(...shared), nights(checkIn, checkOut)];
  return t(n === of ? "conflict.shares_all" : "conflict.shares", { what, whole, n, of });
}

function coverageText({ fulfilment }: ExplainApprovalResponse): string {
  if (!fulfilment || fulfilment.uncovered.length === 0) return "";
  const open = fulfilment.uncovered.map(({ checkIn, checkOut }) => stayText(checkIn, checkOut)).join("; ");
  return ` ${t(fulfilment.coverage === StayCoverage.NONE ? "explain.covers_none" : "explain.covers_part", { open })}`;
}

/** The value of a rule that is a day. */
function dateText(value: string): string {
  const day = dayOf(value);
  return Number.isNaN(day) ? value : dayText(day);
}

export function explain(answer: ExplainApprovalResponse, request: BookingRequest): Explanation {
  const evidence = word("evidence", ApproveEvidence[answer.evidence] ?? "");
  const foreign = answer.conflicts.filter((conflict) => !conflict.sameGuest);
  const conflicts = (answer.wouldSucceed ? answer.conflicts : foreign.length > 0 ? foreign : answer.conflicts).map((one) => conflictText(one, request));
  const rules = answer.ruleViolations.map(({ rule, value, message }) => word("rule", rule, { n: Number(value), value: dateText(value), message }));
  if (!answer.wouldSucceed) {
    const [sentence, advice] = failureText({ reason: answer.refusalReason, stated: answer.refusalReason !== "", said: `${answer.refusalReason}.` });
    const isOverlap = answer.refusalReason === "BOOKING_OVERLAP";
    return {
      verdict: "refused",
      sentence: isOverlap || rules.length === 0 ? `${t("explain.refused")} ${sentence} ${isOverlap ? "" : advice}`.trim() : t("explain.rules", { n: rules.length }),
      because: [...conflicts, ...rules],
      rulesAlone: rules.length > 0 && !isOverlap,
    };
  }
  if (answer.outcome === ApproveOutcome.APPROVED) {
    const sentence = t("explain.books", { n: nights(request.checkIn, request.checkOut) });
    return { verdict: "books", sentence, because: rules, rulesAlone: false };
  }
  const verdict = answer.outcome === ApproveOutcome.HEALED ? "heals" : "nothing";
  return { verdict, sentence: `${t(`explain.${verdict}`, { evidence })}${coverageText(answer)}`, because: conflicts, rulesAlone: false };
}
