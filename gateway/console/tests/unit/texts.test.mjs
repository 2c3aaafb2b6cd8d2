import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { load } from "./load.mjs";

const [first, more] = [await load("text/de", "text/en"), await load("text/de_more", "text/en_more")];
const whole = (language) => ({
  ...first[language],
  ...more[language],
  texts: { ...first[language].texts, ...more[language].texts },
  reasons: { ...first[language].reasons, ...more[language].reasons },
});
const [de, en] = [whole("de"), whole("en")];

/** Each text with the keys that lead to it. */
function flat(value, keys = []) {
  if (typeof value === "string") return [{ key: keys.join(" > "), text: value }];
  return Object.entries(value).flatMap(([name, inner]) => flat(inner, [...keys, name]));
}

/** The places for values in a text, each once. */
const places = (text) => [...new Set([...text.matchAll(/\{\w+\}/g)].map(String))].sort();
const [german, english] = [flat(de), flat(en)];

test("German and English have the same texts, with the same values in them", () => {
  const form = ({ key, text }) => [key, places(text)];
  assert.deepEqual(english.map(form), german.map(form));
});

test("no text is empty", () => {
  for (const { key, text } of [...german, ...english]) assert.notEqual(text.trim(), "", key);
});

test("both languages have one form and another where a number is in the text", () => {
  const forms = ({ key, text }) => [key, text.split(" | ").length];
  assert.deepEqual(english.map(forms), german.map(forms));
});

test("every text is used", () => {
  const source = readdirSync(join(import.meta.dirname, "../../src"), { recursive: true })
    .filter((path) => /\.tsx?$/.test(path) && !path.startsWith("generated") && !/^text\/(de|en)/.test(path))
    .map((path) => readFileSync(join(import.meta.dirname, "../../src", path), "utf8"))
    .join("\n");
  // Some are named by a part that stands there and one that is a value.
  const named = (key) => source.includes(`"${key}"`) || [...source.matchAll(/`((?:[a-z]+|\$\{\w+\})\.[\w.${}]*)`/g)].some(([, form]) => new RegExp(`^${form.replace(/[.?]/g, "\\$&").replace(/\$\{[^}]*\}/g, ".+")}$`).test(key));
  assert.deepEqual(Object.keys(de.texts).filter((key) => !named(key)), []);
});

test("every word of a group of the protos has a text", () => {
  const names = (path, type) => {
    const proto = readFileSync(join(import.meta.dirname, "../../../../proto/frontdesk/booking/v1", path), "utf8");
    const [, body] = new RegExp(`enum ${type} \\{([^]*?)\\n\\}`).exec(proto);
    const prefix = type.replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
    return [...body.matchAll(new RegExp(`${prefix}_(\\w+) = [1-9]`, "g"))].map(([, name]) => name);
  };
  const lower = (name) => name.toLowerCase();
  const has = (group, wanted) => assert.deepEqual(wanted.filter((name) => !(name in de[group])), [], group);
  has("evidence", names("booking_request_service.proto", "ApproveEvidence"));
  has("status", names("booking_request.proto", "BookingRequestStatus").map(lower));
  has("decline", names("booking_request.proto", "DeclineReason").map(lower));
  has("occupancy", names("property_service.proto", "OccupancyKind").map(lower));
  has("inconsistency", names("diagnostics_service.proto", "InconsistencyKind").map(lower));
  has("layout", names("diagnostics_service.proto", "StorageLayout").map(lower));
  has("hold", names("diagnostics_service.proto", "RequestHold").map(lower));
  has("choice", names("resolution.proto", "ResolutionChoice").map(lower));
  has("booking", names("booking.proto", "BookingStatus").map(lower).filter((name) => name !== "unknown"));
  has("actor", names("actor.proto", "ActorKind").map(lower));
});

test("what the console's calls are refused with by their own options has a sentence", () => {
  const proto = readFileSync(join(import.meta.dirname, "../../../../proto/frontdesk/booking/v1/booking_request_service.proto"), "utf8");
  const reasons = ["ApproveBookingRequest", "DeclineBookingRequest", "StartReview"].flatMap((rpc) => {
    const [, body] = new RegExp(`rpc ${rpc}\\([^]*?reasons: \\[([^\\]]*)`).exec(proto);
    return [...body.matchAll(/ERROR_REASON_(\w+)/g)].map(([, name]) => name);
  });
  // A key is made for each intent, so that none is used for two.
  const missing = reasons.filter((reason) => !(reason in de.reasons) && reason !== "IDEMPOTENCY_KEY_REUSED");
  assert.deepEqual(missing, []);
});
