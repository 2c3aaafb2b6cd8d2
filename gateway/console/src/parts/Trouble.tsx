// What went wrong: a sentence, what to do, what the server said, the id that finds the call
// in the log, and the page of the runbook.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { Failure } from "../wire/failure";
import { failureText, t } from "../text/text";

interface Props {
  failure: Failure;
  /** What to do here, where it is not what the reason's text says. */
  advice?: string | undefined;
  /** One of several, of which something else tells at once. */
  quiet?: boolean;
  children?: ComponentChildren;
}

export function Trouble({ failure, advice: here, quiet, children }: Props) {
  const [sentence, advice, lang] = failureText(failure);
  return (
    <div class="trouble" role={quiet ? undefined : "alert"}>
      <p>
        <strong lang={lang}>{sentence}</strong> {here ?? advice}
        {failure.retryAfter > 0 && ` ${t("trouble.wait", { n: failure.retryAfter })}`}
      </p>
      {children}
      <Details failure={failure} />
    </div>
  );
}

function Details({ failure: { said, requestId, runbook } }: { failure: Failure }) {
  const copied = useSignal(false);
  const id = useRef<HTMLElement>(null);
  if (!requestId) return null;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(requestId);
      copied.value = true;
    } catch {
      // Without HTTPS or leave: it is chosen, for whoever copies it by hand.
      if (id.current) getSelection()?.selectAllChildren(id.current);
    }
  };
  return (
    <div class="details">
      <p>
        {t("trouble.id")} <code ref={id}>{requestId}</code>{" "}
        <button type="button" class="small" onClick={() => void copy()}>
          {copied.value ? t("trouble.copied") : t("trouble.copy")}
        </button>
        {runbook && (
          <>
            {" "}
            <a href={runbook} target="_blank" rel="noreferrer">
              {t("trouble.runbook", { reason: runbook.split("/").at(-1) ?? "" })}
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
