// The texts of the page in the language of whoever reads it. German and English have the
// same keys; they are in parts, and each is loaded when it is needed.

import { signal } from "@preact/signals";
import { keep, kept } from "../kept";
import type { de } from "./de";
import type { de as admin } from "./de_admin";
import type { de as audit } from "./de_audit";
import type { de as letters } from "./de_letters";
import type { de as more } from "./de_more";
import type { de as session } from "./de_session";

export type Language = "de" | "en";
export type FirstTexts = typeof de;
export type MoreTexts = typeof more;
export type AdminTexts = typeof admin;
export type AuditTexts = typeof audit;
export type LetterTexts = typeof letters;
export type SessionTexts = typeof session;
/** The keys of single texts. */
export type Key = keyof (FirstTexts & AdminTexts & AuditTexts & LetterTexts & MoreTexts & SessionTexts)["texts"];
type Group = Exclude<keyof (FirstTexts & AdminTexts & AuditTexts & MoreTexts), "texts" | "reasons">;
/** What is loaded after the first texts. */
export type Part = "admin" | "audit" | "letters" | "more" | "session";
type Words = Record<string, Record<string, string | readonly [string, string]>>;

const KEPT = "frontdesk.language";

function preferred(): Language {
  const before = kept(KEPT);
  if (before === "de" || before === "en") return before;
  return navigator.languages.find((one) => /^(de|en)\b/.test(one))?.startsWith("en") ? "en" : "de";
}

export const language = signal<Language>(preferred());
const loaded = signal<Words>({});
let plural: Intl.PluralRules | undefined;
const wanted = new Set<Part | "first">(["first"]);

/** A module has its texts under the name of its language. */
const TEXTS: Record<Part | "first", Record<Language, () => Promise<Partial<Record<Language, Words>>>>> = {
  first: { de: () => import("./de"), en: () => import("./en") },
  admin: { de: () => import("./de_admin"), en: () => import("./en_admin") },
  audit: { de: () => import("./de_audit"), en: () => import("./en_audit") },
  letters: { de: () => import("./de_letters"), en: () => import("./en_letters") },
  more: { de: () => import("./de_more"), en: () => import("./en_more") },
  session: { de: () => import("./de_session"), en: () => import("./en_session") },
};

async function textsOf(language: Language): Promise<Words> {
  const count = wanted.size;
  const parts = await Promise.all([...wanted].map(async (part) => (await TEXTS[part][language]())[language] as Words));
  // Another part was asked for meanwhile.
  if (count !== wanted.size) return await textsOf(language);
  const all = (group: string) => Object.assign({}, ...parts.map((part) => part[group]));
  return Object.assign({}, ...parts, { texts: all("texts"), reasons: all("reasons") });
}

export async function speak(chosen: Language): Promise<void> {
  const texts = await textsOf(chosen);
  plural = new Intl.PluralRules(chosen);
  document.documentElement.lang = chosen;
  keep(KEPT, chosen);
  language.value = chosen;
  loaded.value = texts;
}

/** Loads the texts of what is loaded later. */
export async function speakMore(parts: readonly Part[]): Promise<void> {
  for (const part of parts) wanted.add(part);
  let spoken, texts;
  do {
    spoken = language.value;
    texts = await textsOf(spoken);
    // Another language was chosen meanwhile, perhaps without these parts.
  } while (spoken !== language.value);
  loaded.value = texts;
}

type Values = Record<string, string | number>;

/** A text with values in its places, numbers as the language writes them; of two forms (`one | others`) that of the number `n`. */
function filled(text: string, values: Values): string {
  const [one = "", others = one] = text.split(" | ");
  const form = plural?.select(Number(values["n"])) === "one" ? one : others;
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => ((values[name] ?? whole) as number).toLocaleString(language.value));
}

export function t(key: Key, values: Values = {}): string {
  return filled(String(loaded.value["texts"]?.[key] ?? ""), values);
}

/**
 * A text out of a group, by a word that the server sends; `other` when there is none, which
 * may say that word as it is read: `range misplaced`.
 */
export function word(group: Group, name: string, values: Values = {}): string {
  const words = loaded.value[group];
  return filled(String(words?.[name] ?? words?.["other"] ?? name), { name: name.toLowerCase().replaceAll("_", " "), ...values });
}

/** What a reason means, and what to do about it; with `once`, where asking again does nothing twice. */
export function reasonText(reason: string, once = false): readonly [string, string] {
  const reasons = loaded.value["reasons"] as Record<string, readonly [string, string]> | undefined;
  return (once ? reasons?.[`${reason}_ONCE`] : undefined) ?? reasons?.[reason] ?? reasons?.["other"] ?? ["", ""];
}

/** The same of a refusal; where its reason has no text here, the sentence is what the server said. */
export function failureText(failure: { reason: string; stated: boolean; said: string; once?: boolean }): readonly [sentence: string, advice: string, lang?: "en"] {
  const [sentence, advice] = reasonText(failure.reason, failure.once);
  const isOther = sentence === reasonText("other")[0];
  return isOther && failure.stated && failure.said ? [failure.said, advice, "en"] : [sentence, advice];
}
