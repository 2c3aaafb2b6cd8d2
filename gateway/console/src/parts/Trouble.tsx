// What went wrong: a sentence, what to do, what the server said, the id that finds the call
// in the log, and the page of the runbook.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Failure } from "../wire/failure";
import { reasonText, t } from "../text/text";

export function Trouble({ failure, children }: { failure: Failure; children?: ComponentChildren }) {
  const [sentence, advice] = reasonText(failure.reason);
  return (
    <div class="trouble" role="alert">
      <p>
        <strong>{sentence}</strong> {advice}
        {failure.retryAfter > 0 && ` ${t("trouble.wait", { n: failure.retryAfter })}`}
      </p>
      {children}
      <Details failure={failure} />
    </div>
  );
}

function Details({ failure: { reason, said, requestId, runbook } }: { failure: Failure }) {
  const copied = useSignal(false);
  if (!requestId) return null;
  const copy = async () => {
    await navigator.clipboard?.writeText(requestId).catch(() => {});
    copied.value = true;
  };
  return (
    <div class="details">
      <p>
        {t("trouble.id")} <code>{requestId}</code>{" "}
        <button type="button" class="small" onClick={() => void copy()}>
          {copied.value ? t("trouble.copied") : t("trouble.copy")}
        </button>
        {runbook && (
          <>
            {" "}
            <a href={runbook} target="_blank" rel="noreferrer">
              {t("trouble.runbook", { reason })}
            </a>
          </>
        )}
      </p>
      {said && (
        <details>
          <summary>{t("trouble.said")}</summary>
          <p lang="en" class="said">
            {said}
          </p>
        </details>
      )}
    </div>
  );
}
