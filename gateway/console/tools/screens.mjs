// Takes the pictures of README.md: starts the program with its demo, adds what makes a calendar
// and an inbox of some weeks, and photographs the console out of `dist/`, in German.
// `node tools/screens.mjs [folder]`; all days count from the next Monday.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { browserProgram } from "../../tests/clients/browser.mjs";
import { accessToken, startSystem } from "../../tests/clients/system.mjs";
import { reduced } from "./png.mjs";
import { startProxy } from "./proxy.mjs";

const ALPINE = "0d000000-0000-7000-8000-00000000000a";
const [CHALET, LAKE, MEADOW] = [201, 202, 203].map((at) => `0d000000-0000-7000-8000-000000000${at}`);
const [ANNA, BRUNO, CLARA] = [301, 302, 303].map((at) => `0d000000-0000-7000-8000-000000000${at}`);
const folder = process.argv[2] ?? join(import.meta.dirname, "../screens");
/** What all pictures together may weigh. */
const MOST = 250 * 1024;

const DAY = 86_400_000;
const today = Date.parse(new Date().toLocaleDateString("sv-SE", { timeZone: "Europe/Berlin" }));
const monday = today + (8 - (new Date(today).getUTCDay() || 7)) * DAY;
const on = (days) => new Date(monday + days * DAY).toISOString().slice(0, 10);

const proxy = await startProxy({ files: true });
let system;
let browser;
try {
  system = await startSystem();
  proxy.lead(system.variables.API_BASE_URL);
  // Without this a date field is in the language of the browser, which may have none but English.
  const args = ["--no-sandbox", "--enable-blink-features=LangAttributeAwareFormControlUI"];
  browser = await chromium.launch({ executablePath: browserProgram(), args });
  await photograph(await fill(await accessToken(system.variables, system.variables.MANAGER_EMAIL)));
} finally {
  await browser?.close();
  await system?.stop();
  await proxy.stop();
}

/** Properties, bookings, blocks and requests beside those of the demo; says which are looked at. */
async function fill(token) {
  const call = async (method, path, body = {}) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const answer = await fetch(`${system.variables.API_BASE_URL}/v1/${path}`, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
    return await answer.json();
  };
  const property = async (name, most, more = {}) => (await call("POST", "properties", { name, time_zone: "Europe/Berlin", max_guests: most, ...more })).id;
  const book = (house, guest, from, to) => call("POST", "bookings", { property_id: house, guest_id: guest, check_in: on(from), check_out: on(to) });
  const block = (house, from, to, note) => call("POST", `properties/${house}/blocks`, { start_date: on(from), end_date: on(to), note });
  const ask = async (house, guest, from, to, count, message) =>
    (await call("POST", "booking-requests", { property_id: house, guest_id: guest, check_in: on(from), check_out: on(to), guest_count: count, message })).id;
  const decide = (id, how, body) => call("POST", `booking-requests/${id}/${how}`, body);

  for (const [id, name] of [[CHALET, "Alpenchalet"], [LAKE, "Seehaus"], [MEADOW, "Wiesenhütte"]]) await call("PATCH", `properties/${id}`, { name });
  const holds = { hold_policy: "hold", hold_hours: 24 };
  const hut = await property("Almhütte Sonnkogel", 6);
  const farm = await property("Bauernhaus am See", 8);
  const enzian = await property("Haus Enzian", 4, holds);
  const gams = await property("Haus Gams", 4);
  const town = await property("Wohnung am Dom", 2, holds);

  const stays = [
    [hut, CLARA, 4, 8], [hut, CLARA, 11, 18], [farm, ANNA, 5, 10], [farm, BRUNO, 26, 30], [farm, CLARA, 35, 38], [enzian, BRUNO, 1, 4], [enzian, CLARA, 8, 15],
    [gams, ANNA, 4, 7], [gams, BRUNO, 12, 18], [LAKE, CLARA, 2, 6], [town, ANNA, 3, 9], [town, BRUNO, 17, 22], [CHALET, CLARA, 0, 5], [CHALET, BRUNO, 11, 16], [MEADOW, ANNA, 6, 9],
  ];
  for (const stay of stays) await book(...stay);
  await block(hut, 24, 28, "Der Kamin wird gefegt.");
  await block(gams, 20, 32, "Neue Küche");
  await block(LAKE, 8, 12, "Malerarbeiten");

  const declined = await ask(LAKE, BRUNO, 19, 26, 4, "Weihnachten zu viert, geht das?");
  await decide(declined, "decline", { decline_reason: "Über Weihnachten ist das Haus geschlossen.", reason_code: "property_closed" });
  await decide(await ask(MEADOW, CLARA, 17, 20, 2, "Ein langes Wochenende zu zweit."), "approve");
  await ask(enzian, ANNA, 19, 26, 3, "Bitte ein Kinderbett, unsere Tochter ist zehn Monate alt.");
  await decide(await ask(farm, CLARA, 11, 14, 7, "Können wir schon um elf anreisen?"), "review");
  await decide(await ask(LAKE, ANNA, 14, 17, 2, "Wir kommen mit dem Zug."), "approve");
  const conflict = await ask(hut, BRUNO, 17, 25, 5, "Skikurs für vier Kinder, ein Hund.");
  const held = await ask(town, CLARA, 10, 16, 2, "Wir kommen zum Christkindlmarkt und reisen mit dem Zug an.");
  const free = await ask(farm, ANNA, 30, 34, 6, "Silvester mit der Familie. Wir waren schon 2024 da und würden gern wieder kommen.");
  return { conflict, held, free };
}

async function photograph({ conflict, held, free }) {
  mkdirSync(folder, { recursive: true });
  let weight = 0;
  const take = async (name, place, options, prepare) => {
    const context = await browser.newContext({ locale: "de-DE", timezoneId: "Europe/Berlin", ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    await page.goto(`${proxy.url}#/${ALPINE}/${place}`);
    await page.getByLabel("E-Mail-Adresse").fill(system.variables.MANAGER_EMAIL);
    await page.getByLabel("Passwort", { exact: true }).fill(system.variables.DEMO_PASSWORD);
    await page.getByRole("button", { name: "Anmelden", exact: true }).click();
    await prepare(page);
    // It takes the language that it finds where it begins to be one.
    await page.locator("input[type=date]").evaluateAll((fields) => fields.forEach((field) => Object.assign(field, { lang: "de", type: "text" }, { type: "date" })));
    await page.waitForLoadState("networkidle", { timeout: 1_000 }).catch(() => {});
    // A click may have scrolled to what it was for.
    await page.evaluate(() => scrollTo(0, 0));
    const picture = reduced(await page.screenshot());
    writeFileSync(join(folder, `${name}.png`), picture);
    weight += picture.length;
    console.log(`${name.padEnd(10)} ${String(picture.length).padStart(7)}`);
    await context.close();
  };

  // So that at each edge a row of the list, a day of the calendar or a line ends.
  const sized = (width, height) => ({ viewport: { width, height } });
  await take("inbox", `requests/${free}?status=all`, sized(1254, 798), (page) => page.getByText("Genehmigen legt jetzt die Buchung an").waitFor());
  await take("conflict", `requests/${conflict}`, { ...sized(1254, 721), colorScheme: "dark" }, async (page) => {
    await page.getByRole("button", { name: "Genehmigen", exact: true }).click();
    await page.getByText("Nächte dieses Aufenthalts sind vergeben.").waitFor();
  });
  await take("calendar", `calendar?day=${on(0)}`, sized(1254, 716), async (page) => {
    await page.locator(".tape-bar[data-kind=hold]").first().waitFor();
    await page.locator(".tape-bar[data-kind=block]").first().waitFor();
    const { x, y } = await page.getByRole("rowheader", { name: "Bauernhaus am See" }).boundingBox();
    const at = (days) => [x + 201 + 34 * days + 17, y + 20];
    await page.mouse.move(...at(16));
    await page.mouse.down();
    await page.mouse.move(...at(20));
    await page.mouse.up();
  });
  await take("phone", `requests/${held}`, { ...sized(390, 868), hasTouch: true, isMobile: true }, (page) => page.getByText("Genehmigen legt jetzt die Buchung an").waitFor());
  console.log(`${"together".padEnd(10)} ${String(weight).padStart(7)}`);
  if (weight > MOST) throw new Error(`The pictures weigh more than ${MOST} bytes.`);
}
