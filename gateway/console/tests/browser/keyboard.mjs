import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { newRequest, openDesk, requestNow, rowOf } from "./desk.mjs";

const focused = (page) => page.evaluate(() => document.activeElement?.id ?? "");

test("requests are decided by keys alone", async (context) => {
  const [first, second, third] = [await newRequest(), await newRequest(), await newRequest()];
  const page = await openDesk(context, { place: `requests?order=newest&from=${first.check_in}` });
  await rowOf(page, third.id).waitFor();
  await page.keyboard.press("j");
  await page.getByRole("article").getByText(third.id).waitFor();
  assert.equal(await focused(page), `row-${third.id}`);
  await page.keyboard.press("a");
  await rowOf(page, third.id).getByText("Confirmed").waitFor();
  // The next one has the focus.
  await page.getByRole("article").getByText(second.id).waitFor();
  assert.equal(await focused(page), `row-${second.id}`);
  await page.keyboard.press("d");
  await page.getByRole("dialog", { name: "Decline request" }).waitFor();
  await page.keyboard.press("4");
  await page.keyboard.press("Enter");
  await rowOf(page, second.id).getByText("Declined").waitFor();
  await page.getByRole("article").getByText(first.id).waitFor();
  await page.waitForFunction((row) => document.activeElement?.id === row, `row-${first.id}`);
  await page.keyboard.press("d");
  await page.keyboard.press("Escape");
  await page.waitForFunction((row) => document.activeElement?.id === row, `row-${first.id}`);
  await page.keyboard.press("u");
  await rowOf(page, first.id).getByText("Under review").waitFor();
  await page.keyboard.press("k");
  assert.equal(await focused(page), `row-${second.id}`);
  const [one, two, three] = await Promise.all([first, second, third].map(({ id }) => requestNow(id)));
  assert.deepEqual([one.status, two.status, two.decline_reason_code, three.status], ["under_review", "declined", "price", "confirmed"]);
});

for (const late of [0, 700]) {
  test(`a key that is pressed again decides one request, when the reply takes ${late} ms longer`, async (context) => {
    const [first, second] = [await newRequest(), await newRequest()];
    const page = await openDesk(context, { place: `requests/${first.id}?order=oldest&from=${first.check_in}` });
    await page.getByText("An approval makes the booking now").waitFor();
    await page.route("**/ApproveBookingRequest", async (route) => {
      await sleep(late);
      await route.continue();
    });
    await page.evaluate((row) => addEventListener("focusin", ({ target }) => target.id === row && (globalThis.ledAt ??= Date.now())), `row-${second.id}`);
    const keyboard = await page.context().newCDPSession(page);
    /** Presses it at a time in milliseconds, however long it takes to get there. */
    const press = async (at) => {
      const key = { key: "a", code: "KeyA", timestamp: at / 1000 };
      await keyboard.send("Input.dispatchKeyEvent", { ...key, type: "keyDown", text: "a" });
      await keyboard.send("Input.dispatchKeyEvent", { ...key, type: "keyUp" });
    };
    await press(Date.now());
    await rowOf(page, first.id).getByText("Confirmed").waitFor();
    await page.waitForFunction((row) => document.activeElement?.id === row, `row-${second.id}`);
    const led = await page.evaluate(() => globalThis.ledAt);
    await press(led + 100);
    await sleep(300);
    assert.equal((await requestNow(second.id)).status, "requested");
    await press(led + 500);
    await rowOf(page, second.id).getByText("Confirmed").waitFor();
  });
}

test("what is typed as soon as a dialog is there counts", async (context) => {
  const { id } = await newRequest();
  const page = await openDesk(context, { place: `requests/${id}` });
  await page.getByRole("article").getByText(id).waitFor();
  await page.evaluate(() => {
    // Told as soon as the dialog is open, and before anything that waits for a frame.
    const opened = new MutationObserver(() => (globalThis.focusAtOpening ??= document.activeElement?.getAttribute("name")));
    opened.observe(document.body, { subtree: true, attributeFilter: ["open"] });
  });
  await page.keyboard.press("d");
  await page.getByRole("dialog", { name: "Decline request" }).waitFor();
  assert.equal(await page.evaluate(() => globalThis.focusAtOpening), "reason");
  await page.keyboard.press("4");
  await page.keyboard.press("Enter");
  await rowOf(page, id).getByText("Declined").waitFor();
});

test("of reasons, the one that is chosen has the focus when the dialog comes again", async (context) => {
  const { id } = await newRequest();
  const page = await openDesk(context, { place: `requests/${id}` });
  await page.getByRole("article").getByText(id).waitFor();
  const dialog = page.getByRole("dialog", { name: "Decline request" });
  await page.keyboard.press("d");
  await dialog.waitFor();
  await page.keyboard.press("4");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await page.keyboard.press("d");
  await dialog.waitFor();
  assert.equal(await dialog.getByRole("radio", { checked: true }).evaluate((element) => element === document.activeElement), true);
});

test("a dialog with something under way stays, however often Escape is pressed", async (context) => {
  const { id } = await newRequest();
  const page = await openDesk(context, { place: `requests/${id}` });
  await page.getByRole("article").getByText(id).waitFor();
  let answer;
  const asked = new Promise((resolve) => (answer = resolve));
  await page.route("**/DeclineBookingRequest", async (route) => {
    await asked;
    await route.continue();
  });
  await page.keyboard.press("d");
  const dialog = page.getByRole("dialog", { name: "Decline request" });
  await dialog.waitFor();
  await page.keyboard.press("4");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Declining …" }).first().waitFor();
  for (let pressed = 0; pressed < 4; pressed += 1) await page.keyboard.press("Escape");
  assert.equal(await dialog.evaluate((element) => element.open), true);
  answer();
  await dialog.waitFor({ state: "detached" });
  await rowOf(page, id).getByText("Declined").waitFor();
});

test("keys are listed, and can be turned off", async (context) => {
  const { id } = await newRequest();
  const page = await openDesk(context, { place: `requests/${id}` });
  await page.getByRole("article").getByText(id).waitFor();
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keys" });
  await help.getByText("Next request").waitFor();
  await help.getByLabel("Single keys work").uncheck();
  await page.keyboard.press("Escape");
  await help.waitFor({ state: "detached" });
  await page.keyboard.press("d");
  await page.keyboard.press("/");
  assert.notEqual(await focused(page), "search");
  assert.equal(await page.getByRole("dialog").count(), 0);
  await page.reload();
  await page.getByRole("article").getByText(id).waitFor();
  await page.keyboard.press("?");
  assert.equal(await page.getByRole("dialog").count(), 0);
});

test("the search has a key, and letters in it are letters", async (context) => {
  const { id, message } = await newRequest({ message: "Jade, a dog and a diva" });
  const page = await openDesk(context);
  await rowOf(page, id).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("jade diva");
  await page.waitForFunction(() => document.querySelectorAll("li.row").length === 1);
  assert.equal(await page.locator("li.row .message").textContent(), message);
  assert.equal((await requestNow(id)).status, "requested");
});

test("everything is reached by the tabulator", async (context) => {
  const { id } = await newRequest();
  const page = await openDesk(context, { place: `requests/${id}?from=2040-01-01` });
  await page.getByRole("button", { name: "Approve" }).waitFor();
  const reached = new Set();
  for (let pressed = 0; pressed < 40; pressed += 1) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement?.ariaLabel ?? document.activeElement?.textContent ?? ""));
  }
  for (const name of ["Keys", "Sign out", "Filters and order", "Approve", "Decline", "Start review"]) assert.ok(reached.has(name), name);
});
