// What the server says of the value of a field, which it does in English: in words of the page
// where they are known, and otherwise as it was said.

import type { VNode } from "preact";
import { dayOf } from "../text/days";
import { dayText } from "../text/format";
import { word } from "../text/text";

/** A sentence of the page, or of the server; empty for nothing. */
export type Fault = string | VNode;

/** What follows the name of the field, as `proto/src` and the services write it. */
const KINDS: readonly (readonly [name: string, form: RegExp])[] = [
  ["needed", /^is needed\b|^needs at least one (?:entry|scope)$/],
  ["blank", /^must not be blank$/],
  ["line_characters", /^takes (?<least>\d+) to (?<most>\d+) characters(?: on one line|, no control characters)$/],
  ["characters", /^takes (?<least>\d+) to (?<most>\d+) characters$/],
  ["least_characters", /^takes at least (?<n>\d+) characters(?: on one line)?$/],
  ["most_characters", /^takes at most (?<n>\d+) characters(?: on one line)?$/],
  ["bytes", /^takes (?<least>\d+) to (?<most>\d+) bytes$/],
  ["most_bytes", /^takes at most (?<n>\d+) bytes$/],
  ["most_entries", /^takes (?:at most )?(?<n>\d+) (?:entries|networks at most)$/],
  ["range", /^takes (?<least>-?\d+) to (?<most>-?\d+)$/],
  ["least", /^takes (?<least>-?\d+) or more$/],
  ["most", /^takes at most (?<most>-?\d+)$/],
  ["negative", /^must not be negative$/],
  ["uuid", /^must be a UUID such as (?<example>.+)$/],
  ["date", /^must be a date such as .+, in the years (?<from>\d+) to (?<to>\d+)$/],
  ["time", /^is not a valid time$/],
  ["past", /^must be in the future$/],
  ["after", /^must be after [^,]+, (?<day>.+)$/],
  ["not_before", /^must not be before [^,]+, (?<day>.+)$/],
  ["most_nights", /^is \d+ nights after .+; (?<most>\d+) is the most$/],
  ["weekday", /^takes monday to sunday$/],
  ["weekday_twice", /^is there twice$/],
  ["time_zone", /^must be an IANA time zone such as (?<example>.+)$/],
  ["slug", /^takes (?<least>\d+) to (?<most>\d+) letters, digits and hyphens in lower case$/],
  ["slug_deleted", /^takes no name that begins with "deleted-"$/],
  ["control", /^must not hold control characters$/],
  ["line", /^must be one line without control characters$/],
  ["turned", /^must not hold characters that turn the direction of writing\b/],
  ["email_long", /^must be an e-mail address: it has (?<most>\d+) bytes at most$/],
  ["email_local_long", /^must be an e-mail address: before the @ are (?<most>\d+) bytes at most$/],
  ["email_local", /^must be an e-mail address: before the @ /],
  ["email_domain", /^must be an e-mail address: after the @ /],
  ["email", /^must be an e-mail address$/],
  ["email_same", /^is the address that the account has$/],
  ["password_email", /^must not be the e-mail address or the name in it, which are guessed first$/],
  ["password_common", /^is among the passwords that most people choose, which are guessed first; take another one$/],
  ["address", /^is no IP address$/],
  ["network", /^`(?<given>.*)` is neither an address nor a network such as (?<example>.+)$/],
  ["network_bits", /^`(?<given>.*)` has bits beyond the network; write its first address$/],
  ["guests", /^is more than the property takes: at most (?<most>\d+)$/],
  ["nights_crossed", /^is less than min_nights: no stay would fit$/],
  ["days_crossed", /^is less than lead_days: no stay would fit$/],
];

export function faultText(said: string): Fault {
  for (const [name, form] of KINDS) {
    const found = form.exec(said);
    if (found) return word("fault", name, limits(found.groups));
  }
  return said && <span lang="en">{said}</span>;
}

/** Numbers where they are limits, and days as the page writes them; years and what was entered stay as they are. */
function limits(values: Record<string, string> = {}): Record<string, string | number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, name === "day" ? dateText(value) : ["n", "least", "most"].includes(name) ? Number(value) : value]));
}

function dateText(date: string): string {
  const day = dayOf(date);
  return Number.isNaN(day) ? date : dayText(day);
}
