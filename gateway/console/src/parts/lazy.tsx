// Parts of the page that are loaded after the first ones.

import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { speakMore, t } from "../text/text";

type Parts = Record<string, ComponentType<object>>;

let styled: Promise<void> | null = null;

/** The style of what is loaded later, which `page.html` names. */
function style(): Promise<void> {
  styled ??= new Promise((resolve, reject) => {
    const link = document.getElementById("later") as HTMLLinkElement;
    link.onload = () => resolve();
    link.onerror = () => {
      styled = null;
      link.rel = "prefetch";
      reject(new Error("no style"));
    };
    link.rel = "stylesheet";
  });
  return styled;
}

/** Components of a module that is loaded when it is first needed. */
export function lazy<P extends Parts>(importing: () => Promise<P>) {
  const parts = signal<P | null>(null);
  const isMissing = signal(false);
  const load = () => {
    if (parts.value) return;
    Promise.all([importing(), speakMore(), style()]).then(
      ([found]) => {
        parts.value = found;
        isMissing.value = false;
      },
      () => {
        isMissing.value = true;
      },
    );
  };
  function Lazy({ of }: { of: keyof P & string }) {
    useEffect(load, []);
    const Part: ComponentType<object> | undefined = parts.value?.[of];
    if (Part) return <Part />;
    return isMissing.value ? (
      <p role="alert">
        {t("lazy.missing")}{" "}
        <button type="button" onClick={load}>
          {t("again")}
        </button>
      </p>
    ) : null;
  }
  return { load, Lazy };
}
