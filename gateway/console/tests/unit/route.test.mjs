import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { go, route, NO_FILTERS, parse, written, matches, wordsOf, belongs, compare } = await load("route", "inbox/search", "inbox/list");
const tenant = "0d000000-0000-7000-8000-00000000000a";
const request = "0d000000-0000-7000-8000-00000000050b";

test("a place is written as it is read", () => {
  const place = { tenant, page: "requests", day: "", item: "", request, filters: { ...NO_FILTERS, status: "all", guest: request, from: "2027-04-01", search: "späte Ankunft & Hund", order: "check_in" } };
  assert.deepEqual(parse(written(place)), place);
  assert.equal(written({ ...place, request: "", filters: NO_FILTERS }), `#/${tenant}/requests`);
  assert.deepEqual(parse("#//operators/users/u-1"), { tenant: "", page: "operators", day: "", item: "users/u-1", request: "", filters: NO_FILTERS });
  assert.equal(written({ ...place, page: "properties", item: "new" }), `#/${tenant}/properties/new`);
  assert.equal(written({ ...place, page: "calendar", day: "2027-04-01" }), `#/${tenant}/calendar?day=2027-04-01`);
  assert.deepEqual(parse(`#/${tenant}/calendar?day=2027-04-01`), { tenant, page: "calendar", day: "2027-04-01", item: "", request: "", filters: NO_FILTERS });
});

test("what cannot be read of a link is left out", () => {
  assert.deepEqual(parse("#/x/requests/1?status=sold&from=2027-13-40&property=<b>"), { tenant: "", page: "requests", day: "", item: "", request: "", filters: NO_FILTERS });
  assert.deepEqual(parse(""), { tenant: "", page: "requests", day: "", item: "", request: "", filters: NO_FILTERS });
});

test("what is open of a page is left with it", () => {
  go({ tenant, page: "guests", item: "new" });
  go({ tenant: request, request: "", filters: { property: "" } });
  assert.deepEqual([route.value.page, route.value.item], ["requests", ""]);
  go({ page: "guests", item: "new" });
  go({ item: "one" });
  assert.equal(route.value.item, "one");
  go({ page: "requests", item: "", request: "", filters: NO_FILTERS });
});

test("a search finds words in any order, without case and accents", () => {
  const found = { id: request, message: "Wir kommen spät.", internalNote: "", declineReason: "", declineMessage: "" };
  assert.ok(matches(found, "Alpine Chalet", wordsOf(" SPAT  chalet ")));
  assert.ok(!matches(found, "Alpine Chalet", wordsOf("spät Hütte")));
  assert.ok(matches(found, "", wordsOf("50b")));
});

test("a request belongs to the list of its status, property and nights", () => {
  const one = { id: request, status: 1, propertyId: tenant, guestId: request, checkIn: "2027-04-06", checkOut: "2027-04-10" };
  const fits = (filters) => belongs(one, { ...NO_FILTERS, ...filters });
  assert.ok(fits({}) && fits({ status: "all", property: tenant, guest: request, from: "2027-04-09", to: "2027-04-07" }));
  for (const other of [{ status: "confirmed" }, { property: request }, { guest: tenant }, { from: "2027-04-10" }, { to: "2027-04-06" }]) {
    assert.ok(!fits(other), JSON.stringify(other));
  }
});

test("rows come in the order that was asked for", () => {
  const row = (seconds, nanos, checkIn) => ({ createdAt: { seconds, nanos }, checkIn });
  const [old, late, latest] = [row(1n, 0, "2027-05-01"), row(2n, 1, "2027-04-01"), row(2n, 2, "2027-04-01")];
  const sorted = (order) => [late, latest, old].toSorted((a, b) => compare(a, b, order));
  assert.deepEqual(sorted("newest"), [latest, late, old]);
  assert.deepEqual(sorted("oldest"), [old, late, latest]);
  assert.deepEqual(sorted("check_in"), [late, latest, old]);
});

test("the address follows a search when it rests, and before the place is another one", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const written = [];
  globalThis.history = { replaceState: (_, __, hash) => written.push(`replace ${hash}`), pushState: (_, __, hash) => written.push(`push ${hash}`) };
  go({ tenant }, { replace: true });
  for (const search of ["d", "di", "diva"]) go({ filters: { search } }, { replace: true });
  assert.deepEqual([written, route.value.filters.search], [[], "diva"]);
  context.mock.timers.tick(200);
  go({ filters: { search: "div" } }, { replace: true });
  go({ request });
  context.mock.timers.tick(200);
  const at = `#/${tenant}/requests`;
  assert.deepEqual(written, [`replace ${at}?search=diva`, `replace ${at}?search=div`, `push ${at}/${request}?search=div`]);
});

test("a browser that keeps nothing is no hindrance", async () => {
  const { kept, keep } = await load("kept");
  globalThis.localStorage = new Proxy({}, { get: () => () => { throw new DOMException("blocked", "SecurityError"); } });
  assert.equal(kept("frontdesk.language"), null);
  keep("frontdesk.language", "de");
});
