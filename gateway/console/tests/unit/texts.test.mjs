import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { load } from "./load.mjs";

const parts = await Promise.all(["", "_admin", "_audit", "_letters", "_more", "_session"].map((part) => load(`text/de${part}`, `text/en${part}`)));
const { failureText, reasonText, roleText, speak, speakMore, subjectText, word } = await load("text/text", "parts/role", "parts/Happening#subjectText");

/** A language with all of its parts. */
function whole(language) {
  const all = (group) => Object.assign({}, ...parts.map((part) => part[language][group]));
  return { ...Object.assign({}, ...parts.map((part) => part[language])), texts: all("texts"), reasons: all("reasons") };
}

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
  const sources = readdirSync(join(import.meta.dirname, "../../src"), { recursive: true })
    .filter((path) => /\.tsx?$/.test(path) && !path.startsWith("generated") && !/^text\/(de|en)/.test(path))
    .map((path) => readFileSync(join(import.meta.dirname, "../../src", path), "utf8"));
  // Some are named by a part that stands there and one that is a value. Where the value comes
  // first, it stands in the same file.
  const fits = (source, form, key) =>
    new RegExp(`^${form.replace(/[.?]/g, "\\$&").replace(/\$\{[^}]*\}/g, ".+")}$`).test(key) && (!form.startsWith("$") || source.includes(`"${key.split(".")[0]}"`));
  const named = (key) =>
    sources.some((source) => source.includes(`"${key}"`) || [...source.matchAll(/`((?:[a-z]+|\$\{\w+\})\.[\w.${}]*)`/g)].some(([, form]) => fits(source, form, key)));
  assert.deepEqual(Object.keys(de.texts).filter((key) => !named(key)), []);
});

// Others that read as what they mean need none: `word` says them as they are read.
test("every word of a group of the protos has a text, where a name does not say enough", () => {
  const names = (path, type) => {
    const proto = readFileSync(join(import.meta.dirname, "../../../../proto/frontdesk/booking/v1", path), "utf8");
    const [, body] = new RegExp(`enum ${type} \\{([^]*?)\\n\\}`).exec(proto);
    const prefix = type.replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
    return [...body.matchAll(new RegExp(`${prefix}_(\\w+) = [1-9]`, "g"))].map(([, name]) => name);
  };
  const lower = (name) => name.toLowerCase();
  const has = (group, wanted) => assert.deepEqual(wanted.filter((name) => !(name in de[group])), [], group);
  has("status", names("booking_request.proto", "BookingRequestStatus").map(lower));
  has("decline", names("booking_request.proto", "DeclineReason").map(lower));
  has("occupancy", names("property_service.proto", "OccupancyKind").map(lower));
  has("layout", names("diagnostics_service.proto", "StorageLayout").map(lower));
  has("hold", names("diagnostics_service.proto", "RequestHold").map(lower));
  has("choice", names("resolution.proto", "ResolutionChoice").map(lower));
  has("booking", names("booking.proto", "BookingStatus").map(lower).filter((name) => name !== "unknown"));
  has("outcome", names("customer_service.proto", "ImportOutcome").map(lower));
  has("actor", names("actor.proto", "ActorKind").map(lower));
});

test("every scope has a text", () => {
  const source = readFileSync(join(import.meta.dirname, "../../../../services/identity/src/domain/scopes.rs"), "utf8");
  const scopes = [...source.matchAll(/pub const (?:TENANT|PLATFORM)_SCOPES: [^=]*= \[([^\]]*)\]/g)].flatMap(([, list]) => [...list.matchAll(/"([^"]+)"/g)].map(([, scope]) => scope));
  assert.equal(scopes.length, 17);
  assert.deepEqual(scopes.filter((scope) => !(scope in de.scope)), []);
});

const identity = (path) => readFileSync(join(import.meta.dirname, "../../../../services/identity/src", path), "utf8");

test("whatever identity writes into its audit log has a text", () => {
  const [, body] = /pub enum AuditAction \{([^]*?)\n {4}\}/.exec(identity("domain/audit.rs"));
  const actions = [...body.matchAll(/^ {8}\w+ = "(\w+)",$/gm)].map(([, word]) => word);
  assert.equal(actions.length, body.match(/ = "/g).length);
  assert.ok(actions.length > 60);
  assert.deepEqual(Object.keys(de.did).sort(), actions.sort());
});

test("what is said of an event has the words of identity", () => {
  const words = (path, form) => [...identity(path).matchAll(form)].map(([, word]) => word);
  const said = (action) => Object.keys(de.texts).filter((key) => key.startsWith(`about.${action}.`)).map((key) => key.split(".")[2]);
  assert.deepEqual(said("logout").sort(), words("changes/logout.rs", /LogoutScope::\w+ => \([^)]*\)?, "(\w+)"\)/g).sort());
  const [, policies] = /pub enum SecondFactorPolicy \{([^]*?)\n {4}\}/.exec(identity("domain/factor.rs"));
  assert.deepEqual(said("second_factor_policy_changed").sort(), [...policies.matchAll(/ = "(\w+)"/g)].map(([, word]) => word).sort());
});

test("every built-in role has a name, and others keep theirs", async () => {
  const [, names] = /pub fn name\(self\) -> &'static str \{([^]*?)\n {4}\}/.exec(identity("domain/roles.rs"));
  const roles = [...names.matchAll(/=> "(\w+)"/g)].map(([, name]) => name);
  assert.deepEqual(Object.keys(de.texts).filter((key) => key.startsWith("role.")).sort(), roles.map((name) => `role.${name}`).sort());
  await speak("de");
  await speakMore(["more"]);
  assert.deepEqual(["owner", "night-shift", "constructor"].map(roleText), ["Eigentümer", "night-shift", "constructor"]);
});

test("an event is told with names of people and roles, and an unknown one as it is", async () => {
  await speak("de");
  await speakMore(["more", "audit"]);
  const nameOf = (id) => (id === "1" ? "Olga Owner" : "");
  const told = (action, subject) => [word("did", action), subjectText({ action, subject }, nameOf)];
  assert.deepEqual(told("member_role_changed", "1 viewer"), ["Rolle eines Mitglieds geändert", "Olga Owner, Beobachter"]);
  assert.deepEqual(told("logout", "others"), ["Abmeldung", "alle anderen Sitzungen"]);
  assert.deepEqual(told("role_deleted", "owner"), ["Rolle gelöscht", "owner"]);
  assert.deepEqual(told("door_opened", "2"), ["door_opened", "2"]);
});

/** What any call may be refused with. */
const GENERAL = ["NETWORK", "TOKEN_EXPIRED", "SESSION_ENDED", "SIGN_IN_REQUIRED", "SCOPE_MISSING", "TENANT_ACCESS_DENIED", "TENANT_SUSPENDED", "VIEW_ONLY", "ORIGIN_NOT_ALLOWED", "STEP_UP_REQUIRED", "CALLER_UNCONFIRMED"]
  .concat(["INVALID_FIELD", "OVERLOADED", "TOO_MANY_CALLS", "TOO_MANY_ATTEMPTS", "SHUTTING_DOWN", "UPSTREAM_UNAVAILABLE", "DEADLINE_EXCEEDED", "OUTCOME_UNKNOWN", "INTERNAL"])
  .concat(["CONTENTION", "LOCK_TIMEOUT", "STATEMENT_TIMEOUT", "DB_UNAVAILABLE", "DB_OVERLOADED", "DB_READ_ONLY", "DB_ERROR"]);

test("what any call may be refused with has a sentence", () => {
  assert.deepEqual(GENERAL.filter((reason) => !(reason in de.reasons)), []);
});

test("what has no text of its own is told as the server says it", async () => {
  await speak("en");
  await speakMore(["more"]);
  assert.equal(word("inconsistency", "range_gone"), "range gone");
  assert.equal(word("evidence", "MARKED_BY_HAND"), "marked by hand");
  const refused = { reason: "NEW_ONE", stated: true, said: "The night is taken." };
  assert.deepEqual(failureText(refused), ["The night is taken.", reasonText("other")[1], "en"]);
  assert.deepEqual(failureText({ ...refused, stated: false }), reasonText("other"));
  assert.deepEqual(failureText({ ...refused, reason: "OVERLOADED" }), reasonText("OVERLOADED"));
});
