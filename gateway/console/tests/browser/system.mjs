import assert from "node:assert/strict";
import { test } from "node:test";
import { ALPINE, call, CHALET, desk, GUESTS, newRequest, openPage, requestNow, signIn } from "./desk.mjs";

test("rows that contradict each other are put right by the choices that they offer, and no others", async (context) => {
  // Its guest's own booking covers a part of it, and somebody else has the rest.
  const { id, check_in, check_out } = await newRequest();
  const part = new Date(Date.parse(check_in) + 2 * 86_400_000).toISOString().slice(0, 10);
  await call("POST", "/v1/bookings", { property_id: CHALET, guest_id: GUESTS[0], check_in: part, check_out });
  await call("POST", `/v1/booking-requests/${id}/approve`, {});
  await call("POST", "/v1/bookings", { property_id: CHALET, guest_id: GUESTS[1], check_in, check_out: part });
  const { inconsistencies } = await call("GET", "/v1/diagnostics/inconsistencies?page_size=200");
  const row = inconsistencies.find(({ row_id }) => row_id === id);
  assert.deepEqual([row.kind, row.choices.includes("clear_link")], ["partly_covered", true]);
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/system` });
  await signIn(page);
  await page.getByText("a table of their own").waitFor();
  const item = page.locator("ul.odd > li").filter({ hasText: row.row_id });
  await item.waitFor();
  assert.equal(await item.getByRole("button").count(), row.choices.length);
  const name = "Open again: clear the link to the booking";
  await item.getByRole("button", { name }).click();
  const dialog = page.getByRole("dialog", { name: "Resolve" });
  await dialog.getByRole("button", { name: "Resolve" }).click();
  await page.getByText(`Done: ${name}`).waitFor();
  const after = await call("GET", "/v1/diagnostics/inconsistencies");
  assert.ok(!after.inconsistencies.some(({ row_id, kind }) => row_id === id && kind === row.kind));
  assert.equal((await requestNow(id)).status, "requested");
});

test("the version says which commit it is, or that it is none", async (context) => {
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/system` });
  await signIn(page);
  const { version, commit } = await (await fetch(`${desk.gateway}/version`)).json();
  const short = /^[0-9a-f]{40}$/.test(commit) ? commit.slice(0, 12) : commit;
  await page.getByText(`${version} (${short})`, { exact: true }).waitFor();
});
