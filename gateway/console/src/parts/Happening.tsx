// A line of an audit log: what was done, whether it was allowed, who did it, and from where.

import type { ComponentChildren } from "preact";
import type { AuditEvent } from "../generated/later/frontdesk/identity/v1/audit_service_pb";
import { timeText } from "../text/format";
import { t } from "../text/text";

interface Props {
  of: AuditEvent;
  /** What it was done to, as people call it. */
  subject: string;
  who: ComponentChildren;
  /** Where it belongs to. */
  children?: ComponentChildren;
}

export function Happening({ of: { at, action, success, address, requestId, reason, times }, subject, who, children }: Props) {
  return (
    <li>
      <span class="what">
        <code>{action}</code>
      </span>
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
