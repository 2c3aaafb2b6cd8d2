// Whoever reads the page: with a screen reader, in the dark, on a phone, enlarged.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { ALPINE, call, CHALET, desk, GUESTS, newRequest, openDesk, openPage, signIn } from "./desk.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds against WCAG 2.2 AA and its best practice. */
async function faults(page) {
  await page.evaluate(axe);
  const { passes, violations } = await page.evaluate(() => globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  assert.ok(passes.some(({ id }) => id === "color-contrast") && passes.length > 15, `${passes.length} rules were looked at`);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
}

/** Ways through pages, each of which ends where there is something to look at. */
const PROPERTIES = [
  (page) => page.getByRole("link", { name: "Alpine Chalet" }).waitFor(),
  async (page) => {
    await page.getByRole("link", { name: "Alpine Chalet" }).click();
    await page.getByRole("button", { name: "Edit" }).waitFor();
  },
  async (page) => {
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByText("Rules for single days of the week").click();
    await page.getByRole("group", { name: "Sunday" }).waitFor();
  },
];
const GUEST_PAGES = [
  async (page) => {
    await page.getByRole("link", { name: "Guests" }).click();
    await page.getByLabel("API key").waitFor();
  },
  async (page) => {
    await page.getByLabel("API key").fill(desk.variables.TENANT_API_KEY);
    await page.getByRole("button", { name: "Show guests" }).click();
    await page.getByRole("link", { name: "Anna Adler" }).waitFor();
  },
  async (page) => {
    await page.getByRole("link", { name: "Anna Adler" }).click();
    await page.getByRole("region", { name: "Booking requests" }).getByRole("link").first().waitFor();
  },
  async (page) => {
    await page.getByRole("button", { name: "Merge" }).click();
    await page.getByRole("dialog").getByRole("searchbox").fill("Bruno");
    await page.getByRole("dialog").getByRole("button", { name: "Take Bruno Bauer" }).waitFor();
  },
  async (page) => {
    await page.getByRole("dialog").getByRole("button", { name: "Take Bruno Bauer" }).click();
    await page.getByLabel("It is the same person").waitFor();
  },
];
const IMPORT = [
  async (page) => {
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "All guests" }).click();
    await page.getByRole("link", { name: "Import from a file" }).click();
    await page.getByLabel("File", { exact: true }).setInputFiles({ name: "guests.csv", mimeType: "text/csv", buffer: Buffer.from("name,external_id\nA very long name of somebody who reads the page,a-very-long-id-of-another-system\n,x\n") });
    await page.getByRole("button", { name: "Import", exact: true }).click();
    await page.getByRole("status").getByText("Done:").waitFor();
  },
];
const ROLES = [
  async (page) => {
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Members" }).click();
    await page.getByRole("button", { name: "New role" }).click();
    await page.getByRole("dialog").getByLabel("members:view").waitFor();
  },
];
const OPERATORS = [
  (page) => page.getByRole("link", { name: "Alpine Stays" }).waitFor(),
  async (page) => {
    await page.getByRole("link", { name: "Alpine Stays" }).click();
    await page.getByRole("region", { name: "Members" }).getByText(desk.variables.OWNER_EMAIL).waitFor();
  },
  async (page) => {
    await page.getByRole("button", { name: "Delete tenant" }).click();
    await page.getByLabel("Why").waitFor();
  },
  async (page) => {
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Users" }).click();
    await page.getByRole("link", { name: "Olga Owner" }).waitFor();
  },
  async (page) => {
    await page.getByRole("link", { name: "Olga Owner" }).click();
    await page.locator("ol.history li").first().waitFor();
  },
  async (page) => {
    await page.getByRole("button", { name: "Permissions on the platform" }).click();
    await page.getByLabel("platform:users").waitFor();
  },
  async (page) => {
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Log of the platform" }).click();
    await page.locator("ol.history li").first().waitFor();
  },
  async (page) => {
    await page.getByRole("link", { name: "Tenants", exact: true }).click();
    await page.getByRole("link", { name: "Alpine Stays" }).click();
    await page.getByRole("region", { name: "Members" }).locator("li").filter({ hasText: desk.variables.VIEWER_EMAIL }).getByRole("button", { name: "View as" }).click();
    await page.getByLabel("Why").fill("Reading");
  },
  async (page) => {
    await page.getByRole("dialog").getByRole("button", { name: "View" }).click();
    await page.getByRole("button", { name: "End the view" }).waitFor();
    await page.getByRole("navigation", { name: "Status" }).waitFor();
  },
];

async function conflict() {
  const request = await newRequest({ message: "We come late.\nIs there a cot?" });
  await call("POST", "/v1/bookings", { property_id: CHALET, guest_id: GUESTS[1], check_in: request.check_in, check_out: request.check_out });
  return request;
}

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing on the pages, ${colorScheme}`, async (context) => {
    const { id } = await conflict();
    const first = await openPage(context, { colorScheme });
    await first.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    assert.deepEqual(await faults(first), []);

    const page = await openDesk(context, { colorScheme });
    await page.locator(`#row-${id}`).waitFor();
    await page.getByText("Filters and order").click();
    assert.deepEqual(await faults(page), []);
    await page.locator(`#row-${id}`).click();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("alert").waitFor();
    await page.getByText("As it was said").click();
    assert.deepEqual(await faults(page), []);
    await page.keyboard.press("Escape");
    await page.locator(`#row-${id}`).focus();
    await page.keyboard.press("d");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Decline" }).click();
    await dialog.getByText("Nothing is declined without").waitFor();
    assert.deepEqual(await faults(page), []);
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    assert.deepEqual(await faults(page), []);
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Calendar" }).click();
    await page.locator(".tape-row").first().waitFor();
    await page.locator(".tape").focus();
    await page.keyboard.press("Shift+ArrowRight");
    await page.getByRole("button", { name: "Block", exact: true }).waitFor();
    assert.deepEqual(await faults(page), []);
    await page.getByRole("button", { name: "Make a request" }).click();
    await page.getByText("Find a guest").click();
    await page.getByLabel("API key").waitFor();
    assert.deepEqual(await faults(page), []);
  });

  test(`axe finds nothing on the pages about people and the system, ${colorScheme}`, async (context) => {
    const page = await openPage(context, { colorScheme });
    await signIn(page, desk.variables.OWNER_EMAIL);
    await page.getByRole("link", { name: "Members" }).click();
    await page.getByText(desk.variables.MANAGER_EMAIL).waitFor();
    assert.deepEqual(await faults(page), []);
    await page.getByRole("link", { name: "Audit log" }).click();
    await page.locator("ol.history li").first().waitFor();
    assert.deepEqual(await faults(page), []);
    await page.getByRole("link", { name: "System" }).click();
    await page.locator(".odd li, .empty").first().waitFor();
    assert.deepEqual(await faults(page), []);
    await page.getByRole("link", { name: "Olga Owner" }).click();
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByLabel("Name of the passkey").waitFor();
    assert.deepEqual(await faults(page), []);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Add an authenticator app" }).click();
    await page.locator(".secret").waitFor();
    assert.deepEqual(await faults(page), []);
  });

  test(`axe finds nothing on the pages about properties and guests, ${colorScheme}`, async (context) => {
    const page = await openPage(context, { colorScheme, url: `${desk.url}#/${ALPINE}/properties` });
    await signIn(page, desk.variables.OWNER_EMAIL);
    for (const visit of [...PROPERTIES, ...GUEST_PAGES, ...IMPORT, ...ROLES]) {
      await visit(page);
      assert.deepEqual(await faults(page), [], page.url());
    }
  });

  test(`axe finds nothing on the pages of operators, ${colorScheme}`, async (context) => {
    const page = await openPage(context, { colorScheme });
    await signIn(page, desk.variables.OPERATOR_EMAIL);
    for (const visit of OPERATORS) {
      await visit(page);
      assert.deepEqual(await faults(page), [], page.url());
    }
  });

  test(`axe finds nothing on the pages of letters, ${colorScheme}`, async (context) => {
    for (const [path, button] of [["recover-password", "Send link"], ["recover-password#token=x", "Set password"], ["confirm-email#token=x", "Confirm"], ["invitation#token=x", ""]]) {
      const page = await openPage(context, { colorScheme, url: `${desk.url}${path}` });
      if (button) await page.getByRole("button", { name: button }).waitFor();
      else await page.getByText("This link does not work").waitFor();
      assert.deepEqual(await faults(page), [], path);
    }
  });
}

for (const [name, options] of [
  ["dark", { colorScheme: "dark" }],
  ["at 320 pixels", { viewport: { width: 320, height: 640 } }],
]) {
  test(`dialogs are whole and axe finds nothing in them, ${name}`, async (context) => {
    const { check_out } = await newRequest();
    const page = await openPage(context, { ...options, url: `${desk.url}#/${ALPINE}/calendar?day=${check_out}` });
    await signIn(page, desk.variables.OWNER_EMAIL);
    const whole = async (title) => {
      const dialog = page.getByRole("dialog", { name: title });
      await dialog.waitFor();
      assert.ok(await dialog.evaluate((element) => element.scrollWidth <= element.clientWidth && element.getBoundingClientRect().right <= innerWidth), title);
      // On a narrow page it covers what axe takes its colours from.
      if (options.colorScheme) assert.deepEqual(await faults(page), [], title);
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
    };
    await page.locator(".tape-row").first().waitFor();
    await page.locator(".tape").focus();
    await page.keyboard.press("Shift+ArrowRight");
    await page.getByRole("button", { name: "Make a booking" }).click();
    await whole("Make a booking");
    await page.getByRole("link", { name: "Members" }).click();
    const keys = page.getByRole("region", { name: "API keys" });
    await keys.getByText("Make a key").first().click();
    await keys.getByLabel("Name").fill(`Dialog ${name}`);
    await keys.getByRole("button", { name: "Make a key" }).click();
    await keys.getByRole("button", { name: "Kept" }).click();
    assert.equal(await page.evaluate(() => document.activeElement?.id), "keys");
    await keys.locator("li").filter({ hasText: `Dialog ${name}` }).getByRole("button", { name: "Revoke" }).click();
    await whole("Revoke API key");
    await page.locator("li").filter({ hasText: desk.variables.MANAGER_EMAIL }).getByRole("button", { name: "Remove" }).click();
    await whole("Remove member");
  });
}

test("axe finds nothing on a request that is open at 320 pixels", async (context) => {
  const { id } = await newRequest();
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/requests/${id}`, viewport: { width: 320, height: 640 } });
  await signIn(page);
  await page.getByRole("button", { name: "Approve" }).waitFor();
  assert.deepEqual(await faults(page), []);
});

test("fields fill their room, and are written as the page is", async (context) => {
  const page = await openDesk(context);
  const search = page.getByLabel("Search");
  const [field, room] = await Promise.all([search.boundingBox(), page.getByRole("search").boundingBox()]);
  assert.ok(field.width > 0.9 * room.width, `${field.width} of ${room.width}`);
  const fonts = await search.evaluate((element) => [element, document.documentElement].map((one) => getComputedStyle(one).fontFamily));
  assert.equal(fonts[0], fonts[1]);
});

test("a long message is cut in its row, and covers nothing", async (context) => {
  const { id } = await newRequest({ message: "Word after word ".repeat(40) });
  const page = await openDesk(context, { place: `requests/${id}` });
  await page.getByRole("article").getByText(id).waitFor();
  const [row, article] = await Promise.all([page.locator(`li.row:has(#row-${id})`).boundingBox(), page.getByRole("article").boundingBox()]);
  assert.ok(row.x + row.width <= article.x, `${row.x + row.width} and ${article.x}`);
  assert.equal(await page.locator(".inbox").evaluate((inbox) => inbox.scrollWidth - inbox.clientWidth), 0);
});

test("the bar is one row on a desk, in German too, and whole on a phone", async (context) => {
  const page = await openPage(context, { viewport: { width: 1280, height: 800 }, url: `${desk.url}#/${ALPINE}/requests` });
  await signIn(page, desk.variables.OWNER_EMAIL);
  // The bar is longer then, and the button elsewhere.
  await page.getByRole("navigation", { name: "Status" }).waitFor();
  await page.getByRole("button", { name: "Deutsch" }).click();
  const out = page.getByRole("button", { name: "Abmelden" });
  await out.waitFor();
  const middle = async (element) => {
    const { y, height } = await element.boundingBox();
    return y + height / 2;
  };
  const bar = page.locator("header.bar");
  const row = await middle(bar.getByText("Frontdesk"));
  for (const element of [out, ...(await bar.getByRole("link").all())]) assert.ok(Math.abs((await middle(element)) - row) < 12, await element.textContent());
  await page.setViewportSize({ width: 320, height: 640 });
  const [language, user] = [bar.getByRole("button", { name: "English" }), bar.getByRole("link", { name: "Olga Owner" })];
  for (const element of [language, user]) assert.ok(Math.abs((await middle(element)) - (await middle(out))) < 12, await element.textContent());
  for (const element of [out, ...(await bar.getByRole("link").all())]) {
    const { x, width } = await element.boundingBox();
    assert.ok(x >= 0 && x + width <= 320, await element.textContent());
  }
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
});

for (const [locale, approve] of [
  ["en-GB", "Approve"],
  ["de-DE", "Genehmigen"],
]) {
  test(`nothing is wider than 320 pixels with text twice as large, ${locale}`, async (context) => {
    const { id, check_in } = await conflict();
    const page = await openPage(context, { locale, viewport: { width: 320, height: 640 } });
    await page.addInitScript(() => addEventListener("DOMContentLoaded", () => (document.documentElement.style.fontSize = "200%")));
    await page.reload();
    const wider = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await page.locator("[name=email]").fill(desk.variables.OWNER_EMAIL);
    await page.locator("[name=password]").fill(desk.variables.DEMO_PASSWORD);
    await page.locator("button.main").click();
    await page.goto(`${desk.url}#/${ALPINE}/requests?from=${check_in}`);
    await page.locator(`#row-${id}`).waitFor();
    assert.equal(await wider(), 0, page.url());
    await page.goto(`${desk.url}#/${ALPINE}/requests/${id}`);
    await page.getByRole("button", { name: approve }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await wider(), 0, page.url());
    await page.goto(`${desk.url}#/${ALPINE}/calendar`);
    await page.locator(".tape-row").first().waitFor();
    await page.locator(".tape").focus();
    await page.keyboard.press("Shift+ArrowRight");
    await page.locator(".chosen").waitFor();
    assert.equal(await wider(), 0, page.url());
    await page.goto(`${desk.url}#/${ALPINE}/properties`);
    await page.locator(".button").waitFor();
    assert.equal(await wider(), 0, page.url());
  });
}

for (const [name, options] of [
  ["320 pixels", { viewport: { width: 320, height: 640 } }],
  ["200 percent", { viewport: { width: 640, height: 450 }, deviceScaleFactor: 2 }],
]) {
  test(`nothing is cut off at ${name}`, async (context) => {
    const { id } = await conflict();
    const page = await openDesk(context, options);
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await page.locator(`#row-${id}`).waitFor();
    assert.equal(await overflow(), 0);
    await page.locator(`#row-${id}`).click();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await overflow(), 0);
    assert.equal(await page.getByRole("navigation", { name: "Status" }).isVisible(), false);
    await page.getByRole("button", { name: "Decline" }).last().click();
    const dialog = page.getByRole("dialog");
    const inside = await dialog.evaluate((element) => element.scrollWidth <= element.clientWidth && element.getBoundingClientRect().right <= innerWidth);
    assert.ok(inside);
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Back to the list" }).click();
    await page.locator(`#row-${id}`).waitFor();
  });

  test(`nothing is cut off at ${name} on the pages of properties, guests and operators`, async (context) => {
    const overflow = (page) => page.evaluate(() => {
      const dialog = document.querySelector("dialog[open]");
      return document.documentElement.scrollWidth - document.documentElement.clientWidth + (dialog ? dialog.scrollWidth - dialog.clientWidth : 0);
    });
    const page = await openPage(context, { ...options, url: `${desk.url}#/${ALPINE}/properties` });
    await signIn(page, desk.variables.OWNER_EMAIL);
    for (const visit of [...PROPERTIES, ...GUEST_PAGES, ...IMPORT, ...ROLES]) {
      await visit(page);
      assert.equal(await overflow(page), 0, page.url());
    }
    const platform = await openPage(context, options);
    await signIn(platform, desk.variables.OPERATOR_EMAIL);
    for (const visit of OPERATORS) {
      await visit(platform);
      assert.equal(await overflow(platform), 0, platform.url());
    }
  });
}
