import assert from "node:assert/strict";
import { test } from "node:test";
import { ALPINE, assertTold, call, CHALET, desk, GUESTS, newRequest, openPage, refuse, requestNow, signIn } from "./desk.mjs";

async function openCalendar(context, { day, email, ...options } = {}) {
  const page = await openPage(context, { ...options, url: `${desk.url}#/${ALPINE}/calendar${day ? `?day=${day}` : ""}` });
  await signIn(page, email);
  await page.locator(".tape-row").first().waitFor();
  return page;
}

const here = (page) => page.locator("#tape-here");

/** Goes to the row of the chalet, which is the first by name. */
async function toChalet(page) {
  await page.locator(".tape").focus();
  await page.keyboard.press("PageUp");
}

test("the calendar is walked by arrow keys, and says what is where", async (context) => {
  const { id, check_in } = await newRequest();
  const page = await openCalendar(context, { day: check_in });
  await toChalet(page);
  await page.locator(`.tape-bar[data-kind=request]`).first().waitFor();
  assert.match(await here(page).getAttribute("aria-label"), /^Alpine Chalet, .*: Another request, /);
  for (let days = 0; days < 4; days += 1) await page.keyboard.press("ArrowRight");
  assert.match(await here(page).getAttribute("aria-label"), /: free$/);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByRole("link", { name: "To the request" }).click();
  await page.getByRole("article").getByText(id).waitFor();
});

test("nights are blocked from a choice, and freed again", async (context) => {
  const { check_in, check_out } = await newRequest();
  const page = await openCalendar(context, { day: check_out });
  await toChalet(page);
  await page.keyboard.press("Shift+ArrowRight");
  await page.getByText("2 nights").first().waitFor();
  await page.getByRole("button", { name: "Block", exact: true }).click();
  await page.getByLabel("Why (optional)").fill("Painting");
  await page.getByRole("dialog").getByRole("button", { name: "Block", exact: true }).click();
  const bar = page.locator(".tape-bar[data-kind=block]");
  await bar.waitFor();
  const { occupancies } = await call("GET", `/v1/properties/${CHALET}/availability?from=${check_in}&to=${check_out.slice(0, 4)}-12-31`);
  const block = occupancies.find(({ kind }) => kind === "block");
  assert.equal(block.start_date, check_out);
  await bar.click();
  await page.getByRole("dialog", { name: "Block" }).getByRole("button", { name: "End the block" }).click();
  await bar.waitFor({ state: "detached" });
});

test("several nights are chosen by touch", async (context) => {
  const { check_out } = await newRequest();
  const page = await openCalendar(context, { day: check_out, hasTouch: true, isMobile: true, viewport: { width: 390, height: 800 } });
  const row = page.locator(".tape-row").first();
  await page.waitForFunction(() => !document.body.innerText.includes("is being loaded"));
  const box = await row.boundingBox();
  await page.touchscreen.tap(box.x + 110 + 10, box.y + 20);
  const chosen = page.locator(".chosen");
  await chosen.getByText("1 night").waitFor();
  const less = chosen.getByRole("button", { name: "One night less" });
  assert.equal(await less.getAttribute("aria-disabled"), "true");
  await chosen.getByRole("button", { name: "One night more" }).tap();
  await chosen.getByRole("button", { name: "One night more" }).tap();
  await chosen.getByText("3 nights").waitFor();
  await less.tap();
  await chosen.getByText("2 nights").waitFor();
  await chosen.getByRole("button", { name: "Block", exact: true }).tap();
  await page.getByRole("dialog").getByText("2 nights").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Block", exact: true }).tap();
  await page.locator(".tape-bar[data-kind=block]").first().waitFor();
  const { occupancies } = await call("GET", `/v1/properties/${CHALET}/availability?from=${check_out}&to=${Number(check_out.slice(0, 4)) + 1}-01-01`);
  const block = occupancies.find(({ kind }) => kind === "block");
  assert.deepEqual([block.start_date, Date.parse(block.end_date) - Date.parse(block.start_date)], [check_out, 2 * 86_400_000]);
  await call("DELETE", `/v1/properties/${CHALET}/blocks/${block.source_id}`);
});

test("who leaves the calendar with a dialog open comes back to none", async (context) => {
  const page = await openCalendar(context);
  await toChalet(page);
  await page.keyboard.press("Shift+ArrowRight");
  await page.getByRole("button", { name: "Block", exact: true }).click();
  await page.getByRole("dialog").waitFor();
  const calendar = new URL(page.url()).hash;
  await page.evaluate(() => (location.hash = location.hash.replace("calendar", "requests")));
  await page.getByRole("heading", { name: "Booking requests" }).waitFor();
  await page.evaluate((hash) => (location.hash = hash), calendar);
  await page.locator(".tape-row").first().waitFor();
  assert.equal(await page.getByRole("dialog").count(), 0);
});

test("a booking is made from a choice with the mouse, and a conflict is told", async (context) => {
  const { check_out } = await newRequest();
  const page = await openCalendar(context, { day: check_out });
  const row = page.locator(".tape-row").first();
  await page.waitForFunction(() => !document.body.innerText.includes("is being loaded"));
  const box = await row.boundingBox();
  await page.mouse.move(box.x + 200 + 10, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 200 + 34 + 10, box.y + 20);
  await page.mouse.up();
  await page.getByRole("button", { name: "Make a booking" }).click();
  const dialog = page.getByRole("dialog", { name: "Make a booking" });
  // Somebody else is faster.
  const next = new Date(Date.parse(check_out) + 86_400_000).toISOString().slice(0, 10);
  await call("POST", `/v1/properties/${CHALET}/blocks`, { start_date: next, end_date: new Date(Date.parse(next) + 86_400_000).toISOString().slice(0, 10) });
  await dialog.getByRole("button", { name: "Make a booking" }).click();
  await dialog.getByText("Nights of this stay are taken.").waitFor();
  await page.keyboard.press("Escape");
  // It has come in meanwhile.
  await page.locator(".tape-bar[data-kind=block]").first().waitFor();
  // The house beside it is free.
  await toChalet(page);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Shift+ArrowRight");
  await page.getByRole("button", { name: "Make a booking" }).click();
  await dialog.getByText("Lake House").waitFor();
  await dialog.getByRole("button", { name: "Make a booking" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.locator(".tape-bar[data-kind=booking]").last().click();
  await page.getByRole("dialog", { name: "Booking" }).getByText("Confirmed").waitFor();
});

/** Begins to make something for two nights, and finds a guest by name, after an id that is none. */
async function makeForGuest(page, name) {
  await page.keyboard.press("Shift+ArrowRight");
  await page.getByRole("button", { name }).click();
  const dialog = page.getByRole("dialog", { name });
  const make = dialog.getByRole("button", { name });
  const id = dialog.getByLabel("Id of the guest");
  await id.waitFor();
  assert.ok(await id.evaluate((element) => element === document.activeElement));
  await id.fill("somebody");
  await make.click();
  await dialog.getByText("Something that was entered does not fit.").waitFor();
  assert.equal(await id.getAttribute("aria-invalid"), "true");
  await dialog.getByText("Find a guest").click();
  await dialog.getByLabel("API key").fill(desk.variables.TENANT_API_KEY);
  await dialog.getByLabel("Name, e-mail address or phone number").fill("adl");
  await dialog.getByRole("button", { name: "Search" }).click();
  await dialog.getByLabel("Anna Adler").check();
  assert.equal(await id.inputValue(), GUESTS[0]);
  return { dialog, make };
}

test("a booking is made for a guest who is found by name", async (context) => {
  const { check_out } = await newRequest();
  const page = await openCalendar(context, { day: check_out });
  await toChalet(page);
  const { dialog, make } = await makeForGuest(page, "Make a booking");
  await make.click();
  await dialog.waitFor({ state: "detached" });
  const { bookings } = await call("GET", `/v1/bookings?property_id=${CHALET}&stay_from=${check_out}`);
  const made = bookings.find(({ check_in }) => check_in === check_out);
  assert.deepEqual([made.guest_id, made.status], [GUESTS[0], "confirmed"]);
});

test("a request is made from a choice, for a guest who is known by id or found by name", async (context) => {
  const { check_in, check_out } = await newRequest();
  const page = await openCalendar(context, { day: check_out });
  await toChalet(page);
  const { dialog, make } = await makeForGuest(page, "Make a request");
  await dialog.getByLabel("Persons").fill("3");
  await dialog.getByLabel("Message of the guest").fill("By telephone");
  await make.click();
  const article = page.getByRole("article");
  await article.getByText("By telephone").waitFor();
  const made = await requestNow(new URL(page.url()).hash.match(/requests\/([0-9a-f-]{36})/)[1]);
  assert.deepEqual(
    [made.check_in, made.check_out > made.check_in, made.guest_id, made.guest_count, made.status],
    [check_out, true, GUESTS[0], 3, "requested"],
  );
  assert.ok(check_in < made.check_in);
});

test("a row that cannot be read says why, and so do the properties", async (context) => {
  const told = { sentence: "The database refuses this.", reason: "DB_ERROR" };
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/requests` });
  await refuse(page, "GetAvailability", told);
  await refuse(page, "ListProperties", told);
  await signIn(page);
  await page.getByText("The names of the properties are missing").waitFor();
  await assertTold(page.getByRole("region", { name: "Booking requests" }), told);
  await page.getByRole("link", { name: "Calendar" }).click();
  const calendar = page.getByRole("region", { name: "Calendar" });
  await assertTold(calendar, told);
  assert.equal(await page.locator(".tape-row").count(), 0);
  await page.unroute("**/ListProperties");
  await calendar.getByRole("button", { name: "Try again" }).click();
  await page.locator(".tape-row").first().getByText("could not be loaded").waitFor();
  await assertTold(page.locator(".calendar-list"), told);
  await page.unroute("**/GetAvailability");
  await page.locator(".calendar-list").getByRole("button", { name: "Try again" }).click();
  await calendar.getByRole("alert").waitFor({ state: "detached" });
  await page.locator(".calendar-list").locator("ul, p").first().waitFor();
});

test("of many properties and days those on the screen are in the document", async (context) => {
  const names = Array.from({ length: 60 }, (_, at) => `Unit ${String(at).padStart(3, "0")}`);
  for (const name of names) await call("POST", "/v1/properties", { name, time_zone: "Europe/Berlin", max_guests: 2 });
  const page = await openCalendar(context);
  const shown = async () => [await page.locator(".tape-row").count(), await page.locator(".tape-day").count()];
  const [rows, days] = await shown();
  assert.ok(rows < 40 && days < 60, `${rows} rows, ${days} days`);
  await page.locator(".tape").evaluate((tape) => {
    tape.scrollTop = tape.scrollHeight;
    tape.scrollLeft = tape.scrollWidth;
  });
  await page.getByRole("rowheader", { name: "Unit 059" }).waitFor();
  const [after, later] = await shown();
  assert.ok(after < 40 && later < 60, `${after} rows, ${later} days`);
  assert.equal(await page.locator(".tape").getAttribute("aria-rowcount"), String(64));
});
