import assert from "node:assert/strict";
import { test } from "node:test";
import { call, gatewayOf, newRequest, openDesk, openRequest, proxyOf, requestNow, rowOf } from "./desk.mjs";

const tab = (page, name) => page.getByRole("link", { name: new RegExp(`^${name}`) });

test("what another client does appears in place", async (context) => {
  const page = await openDesk(context);
  const { id } = await newRequest();
  await rowOf(page, id).waitFor();
  assert.equal(await page.locator("li.row").first().locator("a").getAttribute("id"), `row-${id}`);
  await openRequest(page, id);
  await call("POST", `/v1/booking-requests/${id}/decline`, { decline_reason: "Elsewhere", internal_note: "Seen by phone" });
  await rowOf(page, id).getByText("Declined").waitFor();
  await page.getByRole("article").getByText("Elsewhere").waitFor();
  assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0);
});

test("a page that was cut off says so, and misses nothing", async (context) => {
  const proxy = await proxyOf(context);
  const page = await openDesk(context, { url: proxy.url });
  const before = await newRequest();
  await rowOf(page, before.id).waitFor();
  proxy.cut();
  await page.getByText("No changes have come in since").waitFor();
  const missed = await newRequest();
  await call("POST", `/v1/booking-requests/${before.id}/decline`, { decline_reason: "Meanwhile" });
  proxy.mend();
  // It may have tried by itself by now.
  await page.getByRole("button", { name: "Try now" }).evaluateAll((all) => all.forEach((one) => one.click()));
  await rowOf(page, missed.id).waitFor();
  await rowOf(page, before.id).getByText("Declined").waitFor();
  await page.getByText("No changes have come in since").waitFor({ state: "detached" });
});

test("a network that is lost is told at once, and nothing is lost by it", async (context) => {
  const page = await openDesk(context);
  const before = await newRequest();
  await rowOf(page, before.id).waitFor();
  await page.context().setOffline(true);
  await page.getByText("No changes have come in since").waitFor();
  const missed = await newRequest();
  await page.context().setOffline(false);
  await rowOf(page, missed.id).waitFor();
  await page.getByText("No changes have come in since").waitFor({ state: "detached" });
});

test("a gateway that ends and comes back is told, and nothing is lost by it", async (context) => {
  const gateway = await gatewayOf(context);
  const { url } = await proxyOf(context, { gateway: gateway.url });
  const page = await openDesk(context, { url });
  const [open, other] = [await newRequest(), await newRequest()];
  await rowOf(page, open.id).waitFor();
  await openRequest(page, open.id);
  await gateway.stop();
  await page.getByText("No changes have come in since").waitFor({ timeout: 20_000 });
  const missed = await newRequest();
  await call("POST", `/v1/booking-requests/${other.id}/decline`, { decline_reason: "Meanwhile" });
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("alert").getByText("Frontdesk cannot be reached.").waitFor();
  assert.equal((await requestNow(open.id)).status, "requested");

  await gateway.start();
  // It goes on by itself.
  await rowOf(page, missed.id).waitFor({ timeout: 30_000 });
  await rowOf(page, other.id).getByText("Declined").waitFor();
  await page.getByText("No changes have come in since").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Approve" }).click();
  await rowOf(page, open.id).getByText("Confirmed").waitFor();
  const { events } = await call("GET", `/v1/booking-requests/${open.id}/history`);
  assert.deepEqual(events.map(({ kind }) => kind), ["created", "approved"]);
  await page.reload();
  await rowOf(page, missed.id).waitFor();
});

test("a decision whose reply is lost is made once", async (context) => {
  const { id } = await newRequest();
  const proxy = await proxyOf(context);
  const page = await openDesk(context, { url: proxy.url });
  await openRequest(page, id);
  const keys = [];
  // It arrives, and its answer does not.
  await page.route("**/ApproveBookingRequest", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    if (keys.length > 1) return await route.continue();
    await route.fetch();
    await route.abort();
  });
  await page.route("**/GetBookingRequest", (route) => (keys.length === 1 ? route.abort() : route.continue()));
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("alert").getByText("nothing is done twice").waitFor();
  assert.equal((await requestNow(id)).status, "confirmed");
  await page.getByRole("button", { name: "Approve" }).click();
  await rowOf(page, id).getByText("Confirmed").waitFor();
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
  await page.unroute("**/GetBookingRequest");
  assert.equal((await requestNow(id)).status, "confirmed");
  const { events } = await call("GET", `/v1/booking-requests/${id}/history`);
  assert.deepEqual(events.map(({ kind }) => kind), ["created", "approved"]);
});

test("a page whose parts are gone leads to the new version", async (context) => {
  const page = await openDesk(context);
  await page.locator("li.row, .empty").first().waitFor();
  let asked = 0;
  await page.route(/\/(Calendar|de|de_more)-\w+\.js$/, (route) => {
    asked += 1;
    return route.fulfill({ status: 404, body: "" });
  });
  await page.getByRole("button", { name: "Deutsch" }).click();
  await page.getByRole("alert").getByText("there may be a new version").waitFor();
  await page.getByRole("link", { name: "Calendar" }).click();
  await page.getByRole("main").getByRole("alert").waitFor();
  await page.unroute(/\/(Calendar|de|de_more)-\w+\.js$/);
  await page.getByRole("main").getByRole("button", { name: "Load the page again" }).click();
  await page.locator(".tape-row").first().waitFor();
  assert.ok(asked > 1);
});

test("a link leads to the same list and request when the page is loaded again", async (context) => {
  const { id, check_in } = await newRequest();
  await call("POST", `/v1/booking-requests/${id}/review`, {});
  const page = await openDesk(context);
  await tab(page, "Under review").click();
  await page.getByText("Filters and order").click();
  await page.getByLabel("Nights from").fill(check_in);
  await page.getByLabel("Search").fill("week");
  await openRequest(page, id);
  const address = page.url();
  assert.match(address, new RegExp(`/requests/${id}\\?status=under_review&from=${check_in}&search=week$`));
  await page.reload();
  await page.getByRole("article").getByText(id).waitFor();
  assert.equal(await page.getByLabel("Search").inputValue(), "week");
  assert.equal(await tab(page, "Under review").getAttribute("aria-current"), "page");
});

test("the id of a request that is not in the list, in the search, leads to it", async (context) => {
  const [{ id }, listed] = [await newRequest(), await newRequest({ message: "Found by its id" })];
  await call("POST", `/v1/booking-requests/${id}/decline`, { decline_reason: "Elsewhere" });
  const page = await openDesk(context);
  await rowOf(page, listed.id).waitFor();
  await page.getByLabel("Search").fill(` ${id.toUpperCase()} `);
  await page.getByRole("article").getByText(id).waitFor();
  assert.equal(await page.getByLabel("Search").inputValue(), "");
  await rowOf(page, listed.id).waitFor();
  await page.getByLabel("Search").fill(listed.id);
  await page.waitForFunction(() => document.querySelectorAll("li.row").length === 1);
  await rowOf(page, listed.id).waitFor();
  await page.getByRole("article").getByText(id).waitFor();
});

test("what is decided goes from a list when its tab is chosen again", async (context) => {
  const [decided, open] = [await newRequest(), await newRequest()];
  const page = await openDesk(context);
  await openRequest(page, open.id);
  await call("POST", `/v1/booking-requests/${decided.id}/decline`, { decline_reason: "Elsewhere" });
  await rowOf(page, decided.id).getByText("Declined").waitFor();
  await tab(page, "Requested").click();
  await rowOf(page, decided.id).waitFor({ state: "detached" });
  // The second time the address stays as it is.
  await call("POST", `/v1/booking-requests/${open.id}/decline`, { decline_reason: "Elsewhere" });
  await rowOf(page, open.id).getByText("Declined").waitFor();
  await tab(page, "Requested").click();
  await rowOf(page, open.id).waitFor({ state: "detached" });
});

test("a long list comes page by page", async (context) => {
  const all = [];
  for (let made = 0; made < 55; made += 1) all.push(await newRequest({ message: "Long list" }));
  const page = await openDesk(context);
  await page.getByRole("button", { name: "Load more" }).waitFor();
  const first = await page.locator("li.row").count();
  await page.getByRole("button", { name: "Load more" }).click();
  await rowOf(page, all[0].id).waitFor();
  assert.ok((await page.locator("li.row").count()) > first);
  const ids = await page.locator("li.row a").evaluateAll((rows) => rows.map(({ id }) => id));
  assert.equal(new Set(ids).size, ids.length);
});
