// One system, one browser for all tests of the console, and what tests do with them. Each
// test has requests and a browser context of its own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import { browserProgram } from "../../../tests/clients/browser.mjs";
import { program, startSystem } from "../../../tests/clients/system.mjs";
import { startProxy } from "../../tools/proxy.mjs";

export const ALPINE = "0d000000-0000-7000-8000-00000000000a";
export const CHALET = "0d000000-0000-7000-8000-000000000201";
export const GUESTS = ["0d000000-0000-7000-8000-000000000301", "0d000000-0000-7000-8000-000000000302"];

export const desk = {};
let weeks = 0;
/** Tokens of the other client, by the user. */
export const tokens = new Map();

/** Whether the console is served out of `dist/`, beside a gateway that has an older one or none. */
const files = process.env.CONSOLE_FILES === "1";

before(async () => {
  desk.proxy = await startProxy({ files });
  desk.url = desk.proxy.url;
  desk.system = await startSystem({ PASSKEY_ORIGINS: new URL(desk.url).origin });
  desk.variables = desk.system.variables;
  desk.gateway = desk.variables.API_BASE_URL;
  desk.proxy.lead(desk.gateway);
  desk.browser = await chromium.launch({ executablePath: browserProgram(), args: ["--no-sandbox"] });
});

after(async () => {
  await desk.browser?.close();
  await desk.proxy?.stop();
  await desk.system?.stop();
});

/** A proxy of a test's own, which it can cut without the others. */
export async function proxyOf(context, options = {}) {
  const proxy = await startProxy({ gateway: desk.gateway, files, ...options });
  context.after(() => proxy.stop());
  return proxy;
}

/** A role of a test's own beside those of the system, which ends and comes back at its place. */
async function roleOf(context, role, settings, isReady) {
  const place = createServer().listen(0, "127.0.0.1");
  await once(place, "listening");
  const address = `127.0.0.1:${place.address().port}`;
  place.close();
  let child = null;
  const own = {
    address,
    url: `http://${address}`,
    async start() {
      child = spawn(program, [role], { env: { ...process.env, ...settings, [`${role.toUpperCase()}_LISTEN`]: address, LOG: "warn" }, stdio: ["ignore", "ignore", "inherit"] });
      for (let tries = 0; tries < 200; tries += 1) {
        if (await isReady(own)) return;
        await sleep(50);
      }
      throw new Error(`${role} does not get ready`);
    },
    async stop() {
      if (child?.exitCode !== null) return;
      child.kill();
      await once(child, "exit");
    },
  };
  context.after(() => own.stop());
  await own.start();
  return own;
}

export async function gatewayOf(context, settings = {}) {
  const { DATABASE_URL: _, ...variables } = desk.variables;
  return await roleOf(context, "gateway", { ...variables, ...settings }, ({ url }) => fetch(`${url}/readyz`).then(({ ok }) => ok, () => false));
}

export async function bookingOf(context, settings = {}) {
  const isReady = async ({ address }) => {
    const [host, port] = address.split(":");
    const socket = connect(Number(port), host);
    const isThere = await once(socket, "connect").then(() => true, () => false);
    socket.destroy();
    return isThere;
  };
  return await roleOf(context, "booking", { ...desk.variables, ...settings }, isReady);
}

/** Refuses the first calls of a method, or all of them, as a service does; says how many came. */
export async function refuse(page, method, { reason, metadata = {}, code = 9, times = Infinity }) {
  const text = (value) => Buffer.from(value);
  const field = (number, bytes) => Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
  const entries = Object.entries(metadata).map(([key, value]) => field(3, Buffer.concat([field(1, text(key)), field(2, text(value))])));
  const info = Buffer.concat([field(1, text(reason)), field(2, text("frontdesk")), ...entries]);
  const any = Buffer.concat([field(1, text("type.googleapis.com/google.rpc.ErrorInfo")), Buffer.from([2 * 8 + 2, info.length]), info]);
  const status = Buffer.concat([Buffer.from([8, code, 26, any.length]), any]);
  const asked = { times: 0 };
  await page.route(`**/${method}`, (route) => {
    asked.times += 1;
    if (asked.times > times) return route.continue();
    const headers = { "content-type": "application/grpc-web+proto", "grpc-status": String(code), "grpc-message": "no", "grpc-status-details-bin": status.toString("base64"), "x-request-id": "r" };
    return route.fulfill({ status: 200, headers, body: "" });
  });
  return asked;
}

/** Refuses the first call of a method as identity does that asks for a proof. */
export const askForProof = (page, method, metadata) => refuse(page, method, { reason: "STEP_UP_REQUIRED", metadata, code: 16, times: 1 });

/** What a page says where a call was refused: the sentence, the id to copy, and where the reason is explained. */
export async function assertTold(place, told) {
  await assertExplained(place.getByRole("alert").filter({ hasText: told.sentence }).first(), told);
}

/** The same where it is one of several, of which one alert tells. */
export async function assertExplained(trouble, { sentence, reason }) {
  await trouble.getByText(sentence).waitFor();
  assert.equal(await trouble.locator("code").first().textContent(), "r");
  await trouble.getByRole("button", { name: "Copy" }).waitFor();
  assert.match(await trouble.getByRole("link").getAttribute("href"), new RegExp(`/runbook/${reason}$`));
}

/** A page of a new context. What the page complains about fails the test, unless it is `expected`. */
export async function openPage(context, { url = desk.url, expected, ...options } = {}) {
  const browser = await desk.browser.newContext({ locale: "en-GB", timezoneId: "Europe/Berlin", viewport: { width: 1360, height: 900 }, ...options });
  const complaints = [];
  const page = await browser.newPage();
  page.setDefaultTimeout(10_000);
  page.on("pageerror", (error) => complaints.push(error.message));
  // A refused call is a line of the console, too, and is no complaint.
  page.on("console", (line) => line.type() === "error" && !line.text().startsWith("Failed to load resource") && complaints.push(line.text()));
  context.after(async () => {
    await browser.close();
    assert.deepEqual(complaints.filter((complaint) => !expected?.test(complaint)), []);
  });
  await page.goto(url);
  return page;
}

export async function signIn(page, email = desk.variables.MANAGER_EMAIL, password = desk.variables.DEMO_PASSWORD) {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** A page at which the manager has signed in, at a place of the tenant. */
export async function openDesk(context, { place = "requests", ...options } = {}) {
  const url = options.url ?? desk.url;
  const page = await openPage(context, { ...options, url: `${url}#/${ALPINE}/${place}` });
  await signIn(page);
  await page.getByRole("navigation", { name: "Status" }).waitFor();
  return page;
}

/** Another client: a call of the API. */
export async function call(method, path, body, { email = desk.variables.MANAGER_EMAIL, headers = {}, gateway = desk.gateway } = {}) {
  if (!tokens.has(email)) {
    const login = await fetch(`${desk.gateway}/v1/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email, password: desk.variables.DEMO_PASSWORD }),
    });
    tokens.set(email, (await login.json()).access);
  }
  const answer = await fetch(`${gateway}${path}`, {
    method,
    headers: { authorization: `Bearer ${tokens.get(email)}`, "content-type": "application/json", ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  const json = await answer.json();
  assert.ok(answer.ok, JSON.stringify(json));
  return json;
}

/** A booking request for four nights that nobody else has. */
export async function newRequest(fields = {}) {
  weeks += 1;
  const at = (days) => new Date(Date.UTC(2028, 0, 3 + 7 * weeks + days)).toISOString().slice(0, 10);
  return await call("POST", "/v1/booking-requests", { property_id: CHALET, guest_id: GUESTS[0], check_in: at(0), check_out: at(4), guest_count: 2, message: `Week ${weeks}`, ...fields });
}

export async function requestNow(id) {
  return await call("GET", `/v1/booking-requests/${id}`);
}

/** The row of a request in the list. */
export function rowOf(page, id) {
  return page.locator(`li.row:has(#row-${id})`);
}

export async function openRequest(page, id) {
  await page.locator(`#row-${id}`).click();
  await page.getByRole("article").getByText(id).waitFor();
}
