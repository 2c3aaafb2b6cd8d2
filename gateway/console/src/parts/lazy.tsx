// Parts of the page that are loaded after the first ones.

import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { type Part as Texts, speakMore, t } from "../text/text";

/** The names of what can be shown. */
type Parts<M> = { [Name in keyof M]: M[Name] extends ComponentType<object> ? Name : never }[keyof M];

const styles: Partial<Record<string, Promise<void>>> = {};

/**
 * A style that is loaded later, by its name in `page.html`: of forms, or of all other pages. One
 * that is disabled there is loaded when it is not any more.
 */
export function style(name: "forms" | "later"): Promise<void> {
  return (styles[name] ??= new Promise((resolve, reject) => {
    const link = document.getElementById(name) as HTMLLinkElement;
    link.onload = () => resolve();
    link.onerror = () => {
      delete styles[name];
      link.disabled = true;
      reject(new Error("no style"));
    };
    link.rel = "stylesheet";
    link.disabled = false;
  }));
}

/** Whether texts of the page are missing, as when a new version has taken the place of this one. */
export const missing = signal(false);

/** What is not there any more comes with the page of the new version, at the same place. */
export function Missing() {
  return (
    <p role="alert">
      {t("lazy.missing")}{" "}
      <button type="button" onClick={() => location.reload()}>
        {t("lazy.reload")}
      </button>
    </p>
  );
}

/** Tries twice: what failed by chance is there a moment later. */
export async function twice<T>(loading: () => Promise<T>): Promise<T> {
  try {
    return await loading();
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return await loading();
  }
}

/** Components of a module that is loaded when it is first needed, with its texts. */
export function lazy<M>(importing: () => Promise<M>, texts: readonly Texts[] = ["more"]) {
  const parts = signal<M | null>(null);
  const isMissing = signal(false);
  const load = () => {
    if (parts.value) return;
    twice(() => Promise.all([importing(), speakMore(texts), style("forms"), texts.includes("more") && style("later")])).then(
      ([found]) => {
        parts.value = found;
        isMissing.value = false;
      },
      () => {
        isMissing.value = true;
      },
    );
  };
  /** `quiet`: whether another part of the module says that it is missing. */
  function Lazy({ of, quiet = false }: { of: Parts<M>; quiet?: boolean }) {
    useEffect(load, []);
    const Part = parts.value?.[of] as ComponentType<object> | undefined;
    if (Part) return <Part />;
    return isMissing.value && !quiet ? <Missing /> : null;
  }
  return { load, Lazy };
}
