import assert from "node:assert/strict";
import { test } from "node:test";
import { assertExplained, assertTold, call, CHALET, desk, GUESTS, newRequest, openDesk, openRequest, refuse, requestNow, rowOf } from "./desk.mjs";

test("a request is approved, with a note", async (context) => {
  const [neighbour, { id }] = [await newRequest(), await newRequest()];
  const page = await openDesk(context);
  let approvals = 0;
  page.on("request", (request) => (approvals += request.url().endsWith("/ApproveBookingRequest") ? 1 : 0));
  await openRequest(page, id);
  await page.getByText("An approval makes the booking now").waitFor();
  await page.getByLabel("Internal note").fill("By the console");
  const box = await page.getByRole("button", { name: "Approve" }).boundingBox();
  const click = (options) => page.mouse.click(box.x + 10, box.y + 10, options);
  // What has just come takes no click yet.
  await page.waitForFunction(() => getComputedStyle(document.querySelector("button.approve")).pointerEvents !== "none");
  await click({ clickCount: 2 });
  await rowOf(page, id).getByText("Confirmed").waitFor();
  await page.getByText("approved.").waitFor();
  const now = await requestNow(id);
  assert.deepEqual([now.status, now.internal_note], ["confirmed", "By the console"]);
  const { events } = await call("GET", `/v1/booking-requests/${id}/history`);
  assert.deepEqual(events.map(({ kind }) => kind), ["created", "approved"]);
  // Clicks at the same place after the reply: the next request is not there.
  await page.waitForFunction(() => document.activeElement?.id === "request");
  await page.getByRole("article").getByText(id).waitFor();
  await click();
  await click({ clickCount: 2 });
  // What has just been opened takes no click before one could look.
  const takes = await page.evaluate(async (row) => {
    document.getElementById(row).click();
    for (;;) {
      await new Promise(requestAnimationFrame);
      const button = document.querySelector("button.approve");
      if (button) return getComputedStyle(button).pointerEvents;
    }
  }, `row-${neighbour.id}`);
  assert.equal(takes, "none");
  await page.getByRole("article").getByText(neighbour.id).waitFor();
  assert.equal(approvals, 1);
  assert.equal((await requestNow(neighbour.id)).status, "requested");
});

test("a request is declined with a reason, and not without", async (context) => {
  const { id } = await newRequest();
  const page = await openDesk(context);
  await openRequest(page, id);
  await page.getByRole("button", { name: "Decline" }).click();
  const dialog = page.getByRole("dialog", { name: "Decline request" });
  await dialog.getByRole("button", { name: "Decline" }).click();
  const words = dialog.getByLabel("Reason in words");
  await dialog.getByText("Nothing is declined without a reason in words.").waitFor();
  assert.equal(await words.getAttribute("aria-invalid"), "true");
  const described = await words.getAttribute("aria-describedby");
  const texts = await Promise.all(described.split(" ").map((one) => page.locator(`[id="${one}"]`).textContent()));
  assert.ok(texts.includes("Nothing is declined without a reason in words."), texts.join());
  assert.equal((await requestNow(id)).status, "requested");

  await dialog.getByLabel("Property closed").check();
  assert.equal(await words.inputValue(), "Property closed");
  await words.fill("Closed for the winter");
  await dialog.getByText("Message and note").click();
  await dialog.getByLabel("Message to the guest").fill("Come in spring.");
  await dialog.getByRole("button", { name: "Decline" }).click();
  await rowOf(page, id).getByText("Declined").waitFor();
  const { status, decline_reason, decline_reason_code, decline_message } = await requestNow(id);
  assert.deepEqual([status, decline_reason, decline_reason_code, decline_message], ["declined", "Closed for the winter", "property_closed", "Come in spring."]);
});

test("a conflict says what is in the way and for which nights, and not whose it is", async (context) => {
  const { id, check_in, check_out } = await newRequest();
  const second = new Date(Date.parse(check_in) + 2 * 86_400_000).toISOString().slice(0, 10);
  await call("POST", "/v1/bookings", { property_id: CHALET, guest_id: GUESTS[1], check_in: second, check_out });
  const page = await openDesk(context);
  await openRequest(page, id);
  await page.getByText("An approval would be refused now").waitFor();
  await page.getByRole("button", { name: "Approve" }).click();
  const alert = page.getByRole("alert");
  await alert.getByText("Nights of this stay are taken.").waitFor();
  await alert.getByText(/^Another booking from .* has 2 of the 4 nights\.$/).waitFor();
  const text = await alert.textContent();
  assert.ok(!text.includes(GUESTS[1]) && !text.includes("healed"), text);
  assert.match(await alert.locator("code").first().textContent(), /^[0-9a-f-]{36}$/);
  assert.match(await alert.getByRole("link").getAttribute("href"), /\/runbook\/BOOKING_OVERLAP$/);
  assert.equal((await requestNow(id)).status, "requested");
});

test("a conflict that came after the page was read is named, and forgotten when it is gone", async (context) => {
  const { id, check_in, check_out } = await newRequest();
  const page = await openDesk(context, { place: `requests/${id}` });
  await page.getByText("An approval makes the booking now").waitFor();
  // The page hears nothing of what comes.
  await page.route("**/WatchBookingRequests", (route) => route.abort());
  await page.reload();
  await page.getByText("An approval makes the booking now").waitFor();
  const second = new Date(Date.parse(check_in) + 2 * 86_400_000).toISOString().slice(0, 10);
  const made = await call("POST", "/v1/bookings", { property_id: CHALET, guest_id: GUESTS[1], check_in: second, check_out });
  await page.getByRole("button", { name: "Approve" }).click();
  const alert = page.getByRole("alert");
  await alert.getByText(/^Another booking from .* has 2 of the 4 nights\.$/).waitFor();
  await page.unroute("**/WatchBookingRequests");
  await call("POST", `/v1/bookings/${made.id}/cancel`, {});
  await alert.waitFor({ state: "detached", timeout: 25_000 });
  await page.getByText("An approval makes the booking now").waitFor();
});

const HEALS = [
  ["CONFIRMED_AT_SET", "the time of its confirmation is there"],
  ["APPROVED_BOOKING", "its booking is confirmed"],
  ["INVENTORY_ACTIVE", "its nights are taken in the inventory"],
  ["RELATED_BOOKING", "the guest has a confirmed booking for exactly these days"],
  ["OVERLAP_SAME_GUEST", "the guest has a booking in these days"],
];

for (const [name, evidence] of HEALS) {
  test(`what had been approved is put right, and says by what: ${name.toLowerCase()}`, async (context) => {
    const id = desk.variables[`DEMO_${name}`];
    const page = await openDesk(context, { place: `requests/${id}?status=all` });
    await page.getByText(`The request has in fact been approved (${evidence})`).waitFor();
    // One that reads as confirmed is not approved by its words, but put right.
    await page.getByRole("button", { name: /^(Approve|Put right)$/ }).click();
    await page.locator(".latest").getByText(evidence).waitFor();
    assert.equal((await requestNow(id)).status, "confirmed");
  });
}

test("nights that no booking covers are seen", async (context) => {
  const { id, check_in, check_out } = await newRequest();
  const part = new Date(Date.parse(check_in) + 86_400_000).toISOString().slice(0, 10);
  await call("POST", "/v1/bookings", { property_id: CHALET, guest_id: GUESTS[0], check_in: part, check_out });
  await call("POST", `/v1/booking-requests/${id}/approve`, {});
  const page = await openDesk(context, { place: `requests/${id}?status=confirmed` });
  const article = page.getByRole("article");
  await article.getByText("No booking covers these nights").waitFor();
  await article.getByText("(1 night)").waitFor();
  await article.locator(".bar[data-kind=uncovered]").waitFor();
  await rowOf(page, id).getByText("Not all nights are covered").waitFor();
});

test("who the guest is is shown with an API key, which is kept nowhere", async (context) => {
  const { id } = await newRequest();
  const page = await openDesk(context, { place: `requests/${id}` });
  const key = desk.variables.TENANT_API_KEY;
  await page.getByRole("button", { name: "Show the guest" }).click();
  const dialog = page.getByRole("dialog", { name: "Show the guest" });
  await dialog.getByLabel("API key").fill(`${key}0`);
  await dialog.getByRole("button", { name: "Show the guest" }).click();
  await dialog.getByText("This API key does not work.").waitFor();
  await dialog.getByLabel("API key").fill(key);
  await dialog.getByRole("button", { name: "Show the guest" }).click();
  await dialog.waitFor({ state: "detached" });
  const { name } = await call("GET", `/v1/customers/${GUESTS[0]}`, undefined, { headers: { "x-tenant-api-key": key } });
  await page.getByRole("article").getByText(name).waitFor();
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  assert.ok(!kept.includes(key.slice(0, 20)), kept);
});

test("a guest whom the kept key does not show says why", async (context) => {
  const [first, second] = [await newRequest(), await newRequest({ guest_id: GUESTS[1] })];
  const page = await openDesk(context, { place: `requests/${first.id}` });
  const key = desk.variables.TENANT_API_KEY;
  await page.getByRole("button", { name: "Show the guest" }).click();
  const dialog = page.getByRole("dialog", { name: "Show the guest" });
  await dialog.getByLabel("API key").fill(key);
  await dialog.getByRole("button", { name: "Show the guest" }).click();
  await dialog.waitFor({ state: "detached" });
  const told = { sentence: "The database refuses this.", reason: "DB_ERROR" };
  await refuse(page, "GetCustomer", told);
  await openRequest(page, second.id);
  const article = page.getByRole("article");
  await assertTold(article, told);
  await page.unroute("**/GetCustomer");
  await article.getByRole("button", { name: "Try again" }).click();
  const { name } = await call("GET", `/v1/customers/${GUESTS[1]}`, undefined, { headers: { "x-tenant-api-key": key } });
  await article.getByText(name).waitFor();
  assert.equal(await article.getByRole("alert").count(), 0);
});

test("who decides on what has changed sees the new state first", async (context) => {
  const { id } = await newRequest();
  const page = await openDesk(context);
  // The page hears nothing of the change.
  await page.route("**/WatchBookingRequests", (route) => route.abort());
  await page.reload();
  await openRequest(page, id);
  await call("POST", `/v1/booking-requests/${id}/review`, { internal_note: "looking" });
  await page.getByRole("button", { name: "Approve" }).click();
  const alert = page.getByRole("alert");
  await alert.getByText("This has changed since it was shown here.").waitFor();
  await alert.getByText("It is now: Under review.").waitFor();
  assert.equal((await requestNow(id)).status, "under_review");
  await page.getByRole("button", { name: "Approve" }).click();
  await rowOf(page, id).getByText("Confirmed").waitFor();
});

test("what was written to decline a request that has changed is there when it is declined again", async (context) => {
  const { id } = await newRequest();
  const page = await openDesk(context);
  // The page hears nothing of the change.
  await page.route("**/WatchBookingRequests", (route) => route.abort());
  await page.reload();
  await openRequest(page, id);
  const decline = page.getByRole("article").getByRole("button", { name: "Decline" });
  await decline.click();
  const dialog = page.getByRole("dialog", { name: "Decline request" });
  await dialog.getByLabel("Reason in words").fill("A long and careful sentence");
  await dialog.getByText("Message and note").click();
  await dialog.getByLabel("Message to the guest").fill("Come in spring.");
  await call("POST", `/v1/booking-requests/${id}/review`, {});
  await dialog.getByRole("button", { name: "Decline" }).click();
  await page.getByRole("alert").getByText("It is now: Under review.").waitFor();
  await decline.click();
  assert.equal(await dialog.getByLabel("Reason in words").inputValue(), "A long and careful sentence");
  assert.equal(await dialog.getByLabel("Message to the guest").inputValue(), "Come in spring.");
  await dialog.getByRole("button", { name: "Decline" }).click();
  await rowOf(page, id).getByText("Declined").waitFor();
  const { status, decline_reason, decline_message } = await requestNow(id);
  assert.deepEqual([status, decline_reason, decline_message], ["declined", "A long and careful sentence", "Come in spring."]);
});

test("several requests are declined together, and each says how it went", async (context) => {
  const all = [await newRequest(), await newRequest(), await newRequest()];
  const page = await openDesk(context);
  for (const { id } of all) await rowOf(page, id).getByRole("checkbox").check();
  await page.getByText("3 requests selected").waitFor();
  await page.getByRole("button", { name: "Decline selected" }).click();
  const dialog = page.getByRole("dialog", { name: /^Decline \d requests?$/ });
  // One is decided by somebody else before; whether the page has heard of it or not.
  await call("POST", `/v1/booking-requests/${all[1].id}/approve`, {});
  await dialog.getByLabel("Price does not suit").check();
  await dialog.getByRole("button", { name: "Decline" }).click();
  await page.getByText("1 of 3 could not be declined").waitFor();
  await dialog.getByRole("button", { name: "Decline", exact: true }).waitFor();
  const statuses = await Promise.all(all.map(async ({ id }) => (await requestNow(id)).status));
  assert.deepEqual(statuses, ["declined", "confirmed", "declined"]);
  // Trying again is about what is left, as it is now.
  await dialog.getByRole("button", { name: "Decline" }).click();
  await dialog.getByRole("status").getByText("Confirmed").waitFor();
  assert.equal((await requestNow(all[1].id)).status, "confirmed");
});

test("each of several that could not be declined says why", async (context) => {
  const all = [await newRequest(), await newRequest()];
  const page = await openDesk(context);
  const told = { sentence: "The database refuses this.", reason: "DB_ERROR" };
  await refuse(page, "DeclineBookingRequest", told);
  for (const { id } of all) await rowOf(page, id).getByRole("checkbox").check();
  await page.getByRole("button", { name: "Decline selected" }).click();
  const dialog = page.getByRole("dialog", { name: "Decline 2 requests" });
  await dialog.getByLabel("Price does not suit").check();
  await dialog.getByRole("button", { name: "Decline" }).click();
  await dialog.getByText("2 of 2 could not be declined").waitFor();
  for (const at of [0, 1]) await assertExplained(dialog.getByRole("listitem").nth(at), told);
  // One alert says how it went.
  assert.deepEqual(await dialog.getByRole("alert").allTextContents(), [await dialog.getByText("2 of 2 could not be declined").textContent()]);
});

test("what a search hides is not declined with what is seen", async (context) => {
  const [seen, hidden] = [await newRequest({ message: "Seen by the search" }), await newRequest({ message: "Not found" })];
  const page = await openDesk(context);
  for (const { id } of [seen, hidden]) await rowOf(page, id).getByRole("checkbox").check();
  await page.getByLabel("Search").fill("seen by");
  await page.getByText("1 request selected (1 more hidden by the search)").waitFor();
  await page.getByRole("button", { name: "Decline selected" }).click();
  const dialog = page.getByRole("dialog", { name: "Decline 1 request" });
  await dialog.getByLabel("Price does not suit").check();
  await dialog.getByRole("button", { name: "Decline" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual([(await requestNow(seen.id)).status, (await requestNow(hidden.id)).status], ["declined", "requested"]);
});
