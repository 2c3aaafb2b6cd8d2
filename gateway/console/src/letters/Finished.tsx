import type { ComponentChildren } from "preact";
import { t } from "../text/text";
import { base } from "../wire/base";

/** How a page ends: what was done, and the way to the console. */
export function Finished({ children }: { children: ComponentChildren }) {
  return (
    <div role="status">
      <p class="notice">{children}</p>
      <p>
        <a class="button main" href={base}>
          {t("letter.on")}
        </a>
      </p>
    </div>
  );
}
