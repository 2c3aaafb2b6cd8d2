import assert from "node:assert/strict";
import { test } from "node:test";
import { ALPINE, call, desk, openPage, signIn } from "./desk.mjs";

async function openProperties(context, { item = "", email, ...options } = {}) {
  const page = await openPage(context, { ...options, url: `${desk.url}#/${ALPINE}/properties${item && `/${item}`}` });
  await signIn(page, email);
  return page;
}

let made = 0;
async function newProperty(fields = {}) {
  made += 1;
  return await call("POST", "/v1/properties", { name: `Barn ${made} ${Date.now()}`, time_zone: "Europe/Berlin", max_guests: 4, ...fields });
}

test("a property is made with its rules, found and changed", async (context) => {
  const page = await openProperties(context);
  await page.getByRole("link", { name: "New property" }).click();
  const name = `Mill ${Date.now()}`;
  await page.getByLabel("Name").fill(name);
  assert.equal(await page.getByLabel("Time zone").inputValue(), "Europe/Berlin");
  await page.getByLabel("Most persons").fill("6");
  await page.getByLabel("A request holds the dates").check();
  await page.getByLabel("Hours for which dates are held").fill("48");
  await page.getByRole("group", { name: "Rules of stay" }).getByLabel("Fewest nights").fill("3");
  await page.getByText("Rules for single days of the week").click();
  const sunday = page.getByRole("group", { name: "Sunday" });
  await sunday.getByLabel("No arrival").check();
  await page.getByRole("group", { name: "Friday" }).getByLabel("Fewest nights").fill("2");
  await page.getByRole("button", { name: "Create property" }).dblclick();
  await page.getByRole("heading", { name }).waitFor();
  await page.getByText("Sunday: no arrival.").waitFor();
  await page.getByText("Friday: at least 2 nights from there.").waitFor();
  // A browser tells of an address later than it has it.
  await page.waitForURL(/[0-9a-f-]{36}$/);
  const id = page.url().split("/").at(-1);
  const property = await call("GET", `/v1/properties/${id}`);
  assert.deepEqual([property.max_guests, property.hold_policy, property.hold_hours, property.stay_rules.min_nights], [6, "hold", 48, 3]);
  assert.deepEqual(property.stay_rules.days.map(({ day }) => day), ["friday", "sunday"]);

  await page.getByRole("button", { name: "Edit" }).click();
  const least = page.getByRole("group", { name: "Rules of stay" }).getByLabel("Most nights");
  await least.fill("2");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await least.getAttribute("aria-invalid"), "true");
  await least.fill("14");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  await page.getByText("14 nights at most.").waitFor();
  await page.getByRole("link", { name: "All properties" }).click();
  await page.getByLabel("Search by name").fill("mill");
  await page.getByRole("link", { name }).waitFor();
  assert.equal(await page.getByRole("link", { name: "Alpine Chalet" }).count(), 0);
});

test("who edits what somebody else has changed sees it, and loses nothing", async (context) => {
  const { id, name } = await newProperty();
  const page = await openProperties(context, { item: id });
  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByLabel("Name").fill(`${name} by the lake`);
  await call("PATCH", `/v1/properties/${id}`, { max_guests: 7 });
  await page.getByRole("button", { name: "Save" }).click();
  const alert = page.getByRole("alert");
  await alert.getByText("Somebody else has changed this meanwhile.").waitFor();
  await alert.getByText("Most persons: 7").waitFor();
  assert.equal((await call("GET", `/v1/properties/${id}`)).name, name);
  await alert.getByRole("button", { name: "Go on with what I entered" }).click();
  assert.equal(await page.getByLabel("Most persons").inputValue(), "7");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: `${name} by the lake` }).waitFor();
  const now = await call("GET", `/v1/properties/${id}`);
  assert.deepEqual([now.name, now.max_guests], [`${name} by the lake`, 7]);
});

test("another client's change of a property is shown, and a viewer changes none", async (context) => {
  const { id, name } = await newProperty();
  const page = await openProperties(context, { item: id, email: desk.variables.VIEWER_EMAIL });
  await page.getByRole("heading", { name }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Edit" }).count(), 0);
  await call("PATCH", `/v1/properties/${id}`, { name: `${name} renamed` });
  await page.getByRole("heading", { name: `${name} renamed` }).waitFor();
  await page.goto(`${desk.url}#/${ALPINE}/properties/0d000000-0000-7000-8000-0000000000ff`);
  await page.getByText("This property is not here.").waitFor();
});
