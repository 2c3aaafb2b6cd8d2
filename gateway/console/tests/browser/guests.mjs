import assert from "node:assert/strict";
import { test } from "node:test";
import { ALPINE, call, desk, GUESTS, newRequest, openPage, signIn } from "./desk.mjs";

/** A page at which somebody has entered the API key of the tenant. */
async function openGuests(context, { item = "", ...options } = {}) {
  const page = await openPage(context, { ...options, url: `${desk.url}#/${ALPINE}/guests${item && `/${item}`}` });
  await signIn(page);
  if (item === "import") return page;
  await page.getByLabel("API key").fill(desk.variables.TENANT_API_KEY);
  await page.getByRole("button", { name: "Show guests" }).click();
  return page;
}

const guestNow = (id) => call("GET", `/v1/customers/${id}`, undefined, { headers: { "x-tenant-api-key": desk.variables.TENANT_API_KEY } });
let made = 0;
async function newGuest(fields = {}) {
  made += 1;
  return await call("POST", "/v1/customers", { name: `Dora Dohle ${made}`, email: `dora${made}@guests.example`, ...fields });
}

test("guests are shown by an API key of the tenant, and searched for", async (context) => {
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/guests` });
  await signIn(page);
  await page.getByLabel("API key").fill("fdk_wrong");
  await page.getByRole("button", { name: "Show guests" }).click();
  await page.getByRole("alert").getByText("This API key does not work.").waitFor();
  await page.getByLabel("API key").fill(desk.variables.TENANT_API_KEY);
  await page.getByRole("button", { name: "Show guests" }).click();
  await page.getByRole("link", { name: "Bruno Bauer" }).waitFor();
  const search = page.getByRole("searchbox");
  await search.fill("bau");
  await page.getByRole("link", { name: "Anna Adler" }).waitFor({ state: "detached" });
  await search.fill("nobody of this name");
  await page.getByText("Nothing found.").waitFor();
  await search.fill("");
  await page.getByRole("link", { name: "Anna Adler" }).click();
  await page.getByRole("heading", { name: "Anna Adler" }).waitFor();
  const requests = page.getByRole("region", { name: "Booking requests" });
  await requests.getByRole("link").first().click();
  await page.waitForURL((url) => url.hash.includes("/requests/"));
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
  assert.ok(!kept.includes(desk.variables.TENANT_API_KEY));
});

test("a guest is made, edited beside somebody else, archived and taken back", async (context) => {
  const page = await openGuests(context);
  await page.getByRole("link", { name: "New guest" }).click();
  await page.getByLabel("Name").fill("Emil Eule");
  await page.getByLabel("E-mail address").fill("emil@guests.example");
  await page.getByRole("button", { name: "Create guest" }).dblclick();
  await page.getByRole("heading", { name: "Emil Eule" }).waitFor();
  // A browser tells of an address later than it has it.
  await page.waitForURL(/[0-9a-f-]{36}$/);
  const id = page.url().split("/").at(-1);
  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByLabel("Phone").fill("+49 30 1234");
  await call("PATCH", `/v1/customers/${id}`, { notes: "Likes tea." });
  await page.getByRole("button", { name: "Save" }).click();
  const alert = page.getByRole("alert");
  await alert.getByText("Notes of the house: Likes tea.").waitFor();
  await alert.getByRole("button", { name: "Go on with what I entered" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  const now = await guestNow(id);
  assert.deepEqual([now.phone, now.notes], ["+49 30 1234", "Likes tea."]);
  await page.getByRole("button", { name: "Archive" }).click();
  await page.getByText("The guest is archived").waitFor();
  assert.ok((await guestNow(id)).archived_at);
  await page.getByRole("button", { name: "Take out of the archive" }).click();
  await page.getByText("The guest is in use again.").waitFor();
  assert.ok(!(await guestNow(id)).archived_at);
});

test("two guests who are one person are merged, when somebody says so", async (context) => {
  const [guest, duplicate] = [await newGuest(), await newGuest()];
  const { id } = await newRequest({ guest_id: duplicate.id });
  const page = await openGuests(context, { item: guest.id });
  await page.getByText("No booking requests.").waitFor();
  await page.getByRole("button", { name: "Merge" }).click();
  const dialog = page.getByRole("dialog", { name: "Merge" });
  await dialog.getByRole("searchbox").fill(duplicate.name);
  await dialog.getByRole("button", { name: `Take ${duplicate.name}` }).click();
  await dialog.getByText(`All requests and bookings of ${duplicate.name} belong to ${guest.name} afterwards.`).waitFor();
  await dialog.getByRole("button", { name: "Merge" }).click();
  assert.ok(!(await guestNow(duplicate.id)).merged_into);
  await dialog.getByLabel("It is the same person").check();
  await dialog.getByRole("button", { name: "Merge" }).click();
  await page.getByText("Merged. 1 request belongs here now.").waitFor();
  await page.getByRole("region", { name: "Booking requests" }).getByRole("link").waitFor();
  assert.equal((await guestNow(duplicate.id)).merged_into, guest.id);
  assert.equal((await call("GET", `/v1/booking-requests/${id}`)).guest_id, guest.id);
  await page.goto(`${desk.url}#/${ALPINE}/guests/${duplicate.id}`);
  await page.getByText("Merged into another guest").waitFor();
  assert.equal(await page.getByRole("button", { name: "Take out of the archive" }).count(), 0);
});

test("what is typed as soon as the dialog of a merge is there is looked for", async (context) => {
  const [guest, duplicate] = [await newGuest(), await newGuest()];
  const page = await openGuests(context, { item: guest.id });
  await page.getByRole("button", { name: "Merge" }).waitFor();
  // Nobody is faster: before the page has painted it.
  await page.evaluate((text) => {
    new MutationObserver((_, observer) => {
      const field = document.querySelector("dialog input[type=search]");
      if (!field) return;
      observer.disconnect();
      field.value = text;
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    }).observe(document.body, { childList: true, subtree: true });
  }, duplicate.name);
  await page.getByRole("button", { name: "Merge" }).click();
  const dialog = page.getByRole("dialog", { name: "Merge" });
  await dialog.getByRole("button", { name: `Take ${duplicate.name}` }).waitFor();
  assert.equal(await dialog.getByRole("searchbox").inputValue(), duplicate.name);
});

test("a guest is archived once, however often it is asked for", async (context) => {
  const { id } = await newGuest();
  const page = await openGuests(context, { item: id });
  const asked = [];
  await page.route("**/ArchiveCustomer", async (route) => {
    asked.push(route.request().headers()["idempotency-key"]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await route.continue();
  });
  await page.getByRole("button", { name: "Archive" }).dblclick();
  await page.getByText("The guest is archived").waitFor();
  assert.deepEqual([asked.length, await page.getByRole("alert").count()], [1, 0]);
});

test("who sees no guests is told that the new one is made", async (context) => {
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/guests/new` });
  await signIn(page);
  await page.getByLabel("Name").fill("Frida Falke");
  await page.getByRole("button", { name: "Create guest" }).click();
  await page.getByText("The guest Frida Falke is created.").waitFor();
  await page.getByLabel("API key").fill(desk.variables.TENANT_API_KEY);
  await page.getByRole("button", { name: "Show guests" }).click();
  await page.getByRole("heading", { name: "Frida Falke" }).waitFor();
});

test("guests come from a file, each line says what came of it, and the same file changes nothing", async (context) => {
  const mark = Date.now();
  const page = await openGuests(context);
  await page.getByRole("link", { name: "Import from a file" }).click();
  await page.getByRole("heading", { name: "Import guests from a file" }).waitFor();
  const choose = (text, name = "guests.csv") => page.getByLabel("File", { exact: true }).setInputFiles({ name, mimeType: "text/csv", buffer: Buffer.from(text) });
  const go = page.getByRole("button", { name: "Import", exact: true });
  const lines = page.getByRole("list", { name: "Results" }).getByRole("listitem");
  const csv = `name;external_id;notes\nGina Gans;g-${mark};"Comes late,\nwith a dog"\nHugo Huhn;h-${mark};\n;x-${mark};\n`;
  await choose(csv);
  await page.getByLabel("Other system").fill("pms");
  await go.dblclick();
  await page.getByRole("status").getByText("Done: 2 created and 1 refused.").waitFor();
  assert.deepEqual(await lines.count(), 3);
  await lines.nth(0).getByText("Line 2").waitFor();
  await lines.nth(1).getByText("Line 4").waitFor();
  await lines.nth(2).getByText("Something that was entered does not fit.").waitFor();
  await page.getByLabel("Show refused lines alone").check();
  assert.equal(await lines.count(), 1);
  await page.getByLabel("Show refused lines alone").uncheck();
  const { customers } = await call("GET", "/v1/customers?search=Gina", undefined, { headers: { "x-tenant-api-key": desk.variables.TENANT_API_KEY } });
  const gina = customers.find(({ external_id: id }) => id === `g-${mark}`);
  assert.deepEqual([gina.source, gina.notes], ["pms", "Comes late,\nwith a dog"]);

  await choose(`{"name":"Gina Gans","external_id":"g-${mark}","notes":"Comes late,\\nwith a dog"}\n{"name":"Hugo Hahn","external_id":"h-${mark}"}`, "guests.ndjson");
  await go.click();
  await page.getByRole("status").getByText("Done: 1 changed and 1 unchanged.").waitFor();

  // A file that cannot be read at all is refused as a whole, at its field.
  await choose("name,shoe size\nGina,38\n");
  await go.click();
  await page.getByRole("alert").getByText("Something that was entered does not fit.").waitFor();
  assert.equal(await page.getByLabel("File", { exact: true }).getAttribute("aria-invalid"), "true");
  await page.getByRole("link", { name: "All guests" }).click();
  await page.getByRole("link", { name: "Hugo Hahn" }).waitFor();
});

test("a long file comes in pieces, and is sent again where it broke off", async (context) => {
  const mark = Date.now();
  const page = await openGuests(context, { item: "import" });
  let pieces = 0;
  await page.route("**/v1/customers/import**", (route) => {
    pieces += 1;
    return pieces === 2 ? route.abort() : route.continue();
  });
  const guest = (n) => `Guest of a file ${n},f${n}-${mark},${"x".repeat(40)}\n`;
  const file = `name,external_id,notes\n${Array.from({ length: 900 }, (_, n) => guest(n)).join("")}`;
  await page.getByLabel("File", { exact: true }).setInputFiles({ name: "guests.csv", mimeType: "text/csv", buffer: Buffer.from(file) });
  const go = page.getByRole("button", { name: "Import", exact: true });
  await go.click();
  await page.getByRole("alert").getByText("nothing is stored twice").waitFor();
  await page.getByText("Broken off; until then:").waitFor();
  await go.click();
  await page.getByText(/^Done: \d+ created and \d+ unchanged\.$/).waitFor({ timeout: 60_000 });
  assert.ok(pieces > 3, String(pieces));
  const lines = page.getByRole("list", { name: "Results" }).getByRole("listitem");
  assert.equal(await lines.count(), 100);
  await page.getByRole("button", { name: /^Show more/ }).click();
  assert.equal(await lines.count(), 200);
});

test("who may not change guests sees them alone", async (context) => {
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/guests/${GUESTS[1]}` });
  await signIn(page, desk.variables.VIEWER_EMAIL);
  await page.getByLabel("API key").fill(desk.variables.TENANT_API_KEY);
  await page.getByRole("button", { name: "Show guests" }).click();
  await page.getByRole("heading", { name: "Bruno Bauer" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Edit" }).count(), 0);
  assert.equal(await page.getByRole("button", { name: "Merge" }).count(), 0);
});
