// A line of an audit log: what was done, whether it was allowed, who did it, and from where.

import type { ComponentChildren } from "preact";
import type { AuditEvent } from "../generated/later/frontdesk/identity/v1/audit_service_pb";
import { timeText } from "../text/format";
import { type Key, t, word } from "../text/text";
import { roleText } from "./role";

interface Props {
  of: AuditEvent;
  /** The name of a user; empty when it is not known. */
  nameOf?: (id: string) => string;
  who: ComponentChildren;
  /** Where it belongs to. */
  children?: ComponentChildren;
}

export function Happening({ of, nameOf = () => "", who, children }: Props) {
  const { at, action, success, address, requestId, reason, times } = of;
  const did = word("did", action);
  const subject = subjectText(of, nameOf);
  return (
    <li>
      <span class="what">{did === action ? <code>{action}</code> : did}</span>
      {!success && <span class="fault">{t("audit.failed")}</span>}
      {times > 1 && <span>{t("audit.times", { n: times })}</span>}
      {subject && <span>{subject}</span>}
      {reason && <span>{reason}</span>}
      <span class="by">
        {who}, {timeText(at)}
        {address && `, ${t("audit.from", { address })}`}
      </span>
      {children}
      {requestId && (
        <span class="hint">
          <code>{requestId}</code>
        </span>
      )}
    </li>
  );
}

/** What it was done to: people by their names, words by what they mean, and ids as they are. */
export function subjectText({ action, subject }: Pick<AuditEvent, "action" | "subject">, nameOf: (id: string) => string): string {
  const hasRole = /^(member|invitation)_/.test(action);
  const textOf = (part: string) => nameOf(part) || t(`about.${action}.${part}` as Key) || (hasRole ? roleText(part) : part);
  return subject.split(" ").map(textOf).join(", ");
}
