// What an operator sees who looks as somebody else: before it begins, while it lasts, and that
// it has ended.

import { now } from "../now";
import { Ask } from "../parts/Ask";
import { Field } from "../parts/Field";
import { useFocus } from "../parts/Heading";
import { faultOf } from "../parts/once";
import { Trouble } from "../parts/Trouble";
import { view } from "../session/session";
import { t } from "../text/text";
import { OUTSIDE, users } from "./service";
import { begin, end, ended, type Whom } from "./look";

export function ViewAs({ userId, whom, onClose }: { userId: string; whom: Whom; onClose: () => void }) {
  const { name, tenant, tenantName } = whom;
  const ask = (given: FormData) => users.viewAs({ userId, tenantId: tenant, reason: String(given.get("reason")).trim() }, OUTSIDE);
  return (
    <Ask
      title={t("view.title", { name })}
      lead={t("view.lead", { name, tenant: tenantName })}
      submit={t("view.go")}
      call={ask}
      onDone={({ access, expiresIn }) => begin(whom, access, expiresIn)}
      onClose={onClose}
    >
      {(failure) => (
        <Field label={t("tenants.reason")} hint={t("view.reason_hint", { tenant: tenantName })} fault={faultOf(failure, "reason")}>
          {(given) => <input {...given} name="reason" required maxLength={500} autocomplete="off" />}
        </Field>
      )}
    </Ask>
  );
}

/** Above every page, as long as it lasts. */
export function Viewing() {
  const lead = useFocus<HTMLParagraphElement>();
  const seen = view.value;
  if (!seen) return null;
  const minutes = Math.max(Math.ceil((seen.until - now.value) / 60_000), 1);
  return (
    <section class="viewing" aria-label={t("view.label")}>
      <p ref={lead} tabIndex={-1}>
        <strong>{t("view.now", { name: seen.name, tenant: seen.tenantName })}</strong> {t("view.nothing")} {t("view.left", { n: minutes })}
      </p>
      <button type="button" class="main" onClick={() => end("ended")}>
        {t("view.end")}
      </button>
    </section>
  );
}

/** That it has ended, where it began. */
export function Ended() {
  const last = ended.value;
  const failure = typeof last?.how === "object" ? last.how : null;
  return (
    <>
      <div role="status">{last && <p class="notice">{t(last.how === "over" ? "view.over" : "view.ended", { name: last.name })}</p>}</div>
      {failure && <Trouble failure={failure} advice={failure.reason === "STEP_UP_REQUIRED" ? t("view.second") : undefined} />}
    </>
  );
}
