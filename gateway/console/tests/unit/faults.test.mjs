// What is wrong with a field, in the language of the page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "./load.mjs";

const { faultOf, faultText, language, speak, speakMore } = await load("parts/fault#faultText", "parts/once#faultOf", "text/text#language,speak,speakMore");

/** Sources that word what fields take, each with sentences that no form of the console leads to. */
const SOURCES = {
  "proto/frontdesk/rest/v1/field.proto": [],
  "proto/src/check.rs": ["takes {takes}"],
  "proto/src/limits.rs": [],
  "services/identity/src/domain/email.rs": [],
  "services/identity/src/domain/field.rs": [],
  "services/identity/src/domain/scopes.rs": ["takes {}"],
  "services/identity/src/credential/password_rules.rs": [],
  "services/identity/src/changes/api_key.rs": [],
  "services/identity/src/changes/email.rs": [],
  "services/identity/src/changes/recovery.rs": [],
  "services/identity/src/changes/tenant_deletion.rs": [],
  "services/identity/src/changes/view_as.rs": [],
  "services/boot/src/networks.rs": [],
  "services/booking/src/rpc/stay_rules.rs": [],
  "services/booking/src/rpc/fields.rs": [],
  // Of a rule that a stay breaks, its own text says more.
  "services/booking/src/domain/rules.rs": [
    "is in the past: it is {today} at the property",
    "is a {}, when nobody arrives at the property",
    "is a {}, when nobody leaves the property",
    "is too soon: the property is asked {days} days ahead, so from {first} on",
    "is too far ahead: the property takes stays {days} days ahead, so until {last}",
  ],
};

/** Texts of a source that say what a field takes, apart from its tests. */
function sentencesOf(path) {
  const source = readFileSync(join(import.meta.dirname, "../../../..", path), "utf8").split("#[cfg(test)]")[0].replace(/^\s*\/\/.*$/gm, "");
  return [...source.matchAll(/"((?:takes|must|is|needs|`\{text\}`) (?:[^"\\]|\\")*)"/g)].map(([, text]) => text.replaceAll('\\"', '"'));
}

/** As it is sent: with numbers in its places, and what stands before it. */
function sent(sentence) {
  const filled = sentence.replace("{line}", " on one line").replace(/, \{(check_in|from)\}$/, ", 2027-07-02").replace("{text}", "10.0.0.1/8").replace("{error}", "is neither an address nor a network such as 192.0.2.0/24").replace(/\{\w*\}/g, "4000");
  return filled.startsWith("is neither") ? `\`10.0.0.1/8\` ${filled}` : filled;
}

test("what the server says of fields is said in words of the page", async () => {
  await speakMore(["more"]);
  for (const spoken of ["de", "en"]) {
    await speak(spoken);
    for (const [path, others] of Object.entries(SOURCES)) {
      const sentences = sentencesOf(path);
      assert.notEqual(sentences.length, 0, path);
      for (const sentence of sentences.filter((one) => !others.includes(one))) {
        const text = faultText(sent(sentence));
        assert.ok(typeof text === "string" && /^\S.*\.$/.test(text) && !/[{}]/.test(text), `${path}: ${sentence}: ${JSON.stringify(text)}`);
      }
    }
  }
});

test("limits are numbers of the page, and what is not known stays as it was said", async () => {
  await speakMore(["more"]);
  await speak("de");
  assert.equal(faultText("takes at most 4000 characters"), "Höchstens 4.000 Zeichen.");
  assert.equal(faultText("takes at most 1 entries"), "Höchstens 1 Eintrag.");
  assert.equal(faultText("must be a date such as 2026-07-01, in the years 2000 to 2199"), "Das muss ein Datum in den Jahren 2000 bis 2199 sein.");
  assert.match(faultText("must be after check_in, 2027-07-02"), /^Das muss nach diesem Tag liegen: Fr\., 2\. Juli 2027\.$/);
  assert.equal(faultText("must be a UUID such as 0190163d-8694-739b-aea5-966c26f8ad91"), "Das muss eine UUID sein, zum Beispiel 0190163d-8694-739b-aea5-966c26f8ad91.");
  await speak("en");
  assert.equal(language.value, "en");
  assert.equal(faultText("takes at most 4000 characters"), "At most 4,000 characters.");
  assert.deepEqual(faultText("takes Mondays alone").props, { lang: "en", children: "takes Mondays alone" });
  assert.equal(faultText(""), "");
});

test("a field is told from others, and has what is said of its entries", async () => {
  await speakMore(["more"]);
  await speak("de");
  const failure = { violations: [{ field: "name_of_street", description: "is odd" }, { field: "names[1]", description: "is needed" }] };
  assert.deepEqual([faultOf(failure, "name"), faultOf(failure, "names"), faultOf(null, "names")], ["", "Das ist nötig.", ""]);
});
