// The texts of the page in the language of whoever reads it. German and English have the
// same keys; each is loaded when it is needed.

import { signal } from "@preact/signals";
import type { de } from "./de";
import type { de as more } from "./de_more";

export type Language = "de" | "en";
export type FirstTexts = typeof de;
export type MoreTexts = typeof more;
/** The keys of single texts. */
export type Key = keyof FirstTexts["texts"] | keyof MoreTexts["texts"];
type Group = Exclude<keyof FirstTexts | keyof MoreTexts, "texts" | "reasons">;
type Words = Record<string, Record<string, string | readonly [string, string]>>;

const KEPT = "frontdesk.language";

function preferred(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept === "de" || kept === "en") return kept;
  return navigator.languages.find((one) => /^(de|en)\b/.test(one))?.startsWith("en") ? "en" : "de";
}

export const language = signal<Language>(preferred());
const loaded = signal<Words>({});
let plural = new Intl.PluralRules("de");
let wantsMore = false;

async function textsOf(wanted: Language): Promise<Words> {
  const isGerman = wanted === "de";
  const first: Words = isGerman ? (await import("./de")).de : (await import("./en")).en;
  if (!wantsMore) return first;
  const rest: Words = isGerman ? (await import("./de_more")).de : (await import("./en_more")).en;
  return { ...first, ...rest, texts: { ...first["texts"], ...rest["texts"] }, reasons: { ...first["reasons"], ...rest["reasons"] } };
}

export async function speak(wanted: Language): Promise<void> {
  const texts = await textsOf(wanted);
  plural = new Intl.PluralRules(wanted);
  document.documentElement.lang = wanted;
  localStorage.setItem(KEPT, wanted);
  language.value = wanted;
  loaded.value = texts;
}

/** Loads the texts of what is loaded later. */
export async function speakMore(): Promise<void> {
  wantsMore = true;
  loaded.value = await textsOf(language.value);
}

type Values = Record<string, string | number>;

function filled(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** A text with values in its places; of two forms (`one | others`) that of the number `n`. */
export function t(key: Key, values: Values = {}): string {
  const text = String(loaded.value["texts"]?.[key] ?? "");
  const forms = text.split(" | ");
  const form = forms.length > 1 && plural.select(Number(values["n"])) !== "one" ? forms[1] : forms[0];
  return filled(form ?? "", values);
}

/** A text out of a group, by a word that the server sends; `other` when there is none. */
export function word(group: Group, name: string, values: Values = {}): string {
  const words = loaded.value[group];
  return filled(String(words?.[name] ?? words?.["other"] ?? name), { name, ...values });
}

/** What a reason means, and what to do about it. */
export function reasonText(reason: string): readonly [string, string] {
  const reasons = loaded.value["reasons"] as Record<string, readonly [string, string]> | undefined;
  return reasons?.[reason] ?? reasons?.["other"] ?? ["", ""];
}
