// What users have in identity, as the console asks for it.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ALPINE, askForProof, call, desk, newRequest, openDesk, openPage, signIn, tokens } from "./desk.mjs";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The code that an app shows for a secret (RFC 6238, RFC 4226). */
function codeOf(secret, step) {
  const bits = [...secret.replace(/=+$/, "")].map((sign) => BASE32.indexOf(sign).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = createHmac("sha1", key).update(counter).digest();
  const at = hash[19] & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

test("the tenant is changed, and a link leads to that of its own", async (context) => {
  const email = desk.variables.VIEWER_EMAIL;
  const { user } = await call("GET", "/v1/me", undefined, { email });
  const other = desk.variables.OTHER_TENANT_ID;
  await call("POST", `/v1/tenants/${other}/members`, { user_id: user.id, role: "viewer" }, { email: desk.variables.OPERATOR_EMAIL, headers: { "x-tenant-id": other } });
  const page = await openPage(context);
  await signIn(page, email);
  const choice = page.getByLabel("Tenant");
  await choice.waitFor();
  await choice.selectOption(other);
  await page.waitForURL((url) => url.hash.startsWith(`#/${other}/requests`));
  await page.locator("li.row, .empty").first().waitFor();
  assert.equal(await page.locator(`#row-${desk.variables.DEMO_REQUESTED}`).count(), 0);
  await page.goto(`${desk.url}#/${desk.variables.TENANT_ID}/requests?status=declined`);
  await page.locator(`#row-${desk.variables.DEMO_DECLINED}`).waitFor();
  assert.equal(await choice.inputValue(), desk.variables.TENANT_ID);
});

test("what is left ends nothing of what follows, however late the page is painted", async (context) => {
  const operator = { email: desk.variables.OPERATOR_EMAIL };
  const account = { email: `late-${Date.now()}@frontdesk.example`, kind: "service", password: desk.variables.DEMO_PASSWORD };
  const { id } = await call("POST", "/v1/users", account, operator);
  const other = desk.variables.OTHER_TENANT_ID;
  for (const tenant of [ALPINE, other]) await call("POST", `/v1/tenants/${tenant}/members`, { user_id: id, role: "viewer" }, { ...operator, headers: { "x-tenant-id": tenant } });
  const page = await openPage(context);
  await page.addInitScript(() => {
    const { setTimeout: wait } = globalThis;
    // Preact waits for a frame, or for so long.
    globalThis.requestAnimationFrame = (act) => wait(() => act(performance.now()), 300);
    globalThis.setTimeout = (act, length, ...rest) => wait(act, length === 35 ? 300 : length, ...rest);
  });
  await page.reload();
  await signIn(page, account.email);
  await page.locator("li.row").first().waitFor();
  /** Goes to a tenant, and on within it before it was painted. */
  const through = (tenant, first, then) =>
    page.evaluate(
      async (places) => {
        for (const place of places) {
          location.hash = place;
          await new Promise((resolve) => setTimeout(resolve, 400));
        }
      },
      [`#/${tenant}/${first}`, `#/${tenant}/${then}`],
    );
  await through(other, "requests?status=declined", "requests?status=all");
  await through(ALPINE, "requests?status=declined", "requests?status=all");
  await page.locator("li.row").first().waitFor();
  await sleep(600);
  const made = await newRequest();
  await page.locator(`#row-${made.id}`).waitFor();
  await through(other, "calendar", "calendar?day=2028-01-01");
  await through(ALPINE, "calendar", "calendar?day=2028-01-01");
  await page.locator(".tape-row").first().waitFor();
  await page.locator(".calendar-list").locator("ul, p:not(:text('is being loaded'))").first().waitFor();
});

test("who has a second factor proves it, or a recovery code", async (context) => {
  const email = desk.variables.VIEWER_EMAIL;
  const { factor, secret } = await call("POST", "/v1/auth/factors", { kind: "totp", name: "phone" }, { email });
  const step = Math.floor(Date.now() / 30_000);
  const { recovery_codes: codes } = await call("POST", `/v1/auth/factors/${factor.id}/verify`, { code: codeOf(secret, step) }, { email });
  const page = await openPage(context);
  await signIn(page, email);
  const code = page.getByLabel("Code from the app");
  const right = codeOf(secret, step + 1);
  await code.fill(right === "000000" ? "000001" : "000000");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("alert").getByText("The code is wrong.").waitFor();
  await page.reload();
  await code.waitFor();
  await page.getByRole("button", { name: "Use a recovery code" }).click();
  await page.getByLabel("Recovery code").fill(codes[0]);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { name: "Booking requests" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Booking requests" }).waitFor();
});

test("somebody adds a second factor, ends other sessions, and removes the factor", async (context) => {
  const email = desk.variables.OWNER_EMAIL;
  const other = await openPage(context);
  await signIn(other, email);
  await other.getByRole("heading", { name: "Booking requests" }).waitFor();
  const page = await openPage(context);
  await signIn(page, email);
  await page.getByRole("link", { name: "Olga Owner" }).click();
  await page.getByRole("button", { name: "Add an authenticator app" }).click();
  const secret = (await page.locator("code.secret").textContent()).replaceAll(" ", "");
  await page.getByLabel("Code from the app").fill(codeOf(secret, Math.floor(Date.now() / 30_000)));
  await page.getByRole("button", { name: "Confirm code" }).click();
  await page.getByRole("heading", { name: "Recovery codes" }).waitFor();
  const codes = await page.locator(".notice code").allTextContents();
  assert.equal(new Set(codes).size, 10);
  // The first proof ends the other sessions.
  await other.getByText("Your session is over").waitFor();
  tokens.delete(email);
  await page.getByRole("button", { name: "Kept" }).click();
  await page.getByText("10 recovery codes left").waitFor();
  // New codes and the end of a factor are asked for before.
  await page.getByRole("button", { name: "New codes" }).click();
  await page.getByText("The codes that you have now no longer work.").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("dialog", { name: "Remove" }).getByRole("button", { name: "Remove" }).click();
  await page.getByText("The factor is removed.").waitFor();
  await page.getByText("None. With a second factor").waitFor();
  await page.getByLabel("Present password").fill("wrong-password");
  await page.getByLabel("New password").fill("another-password");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("The password is wrong.").waitFor();
});

test("a call that asks for a proof is made again after it", async (context) => {
  const page = await openDesk(context, { place: `requests/${desk.variables.DEMO_DECLINED}?status=all` });
  await page.locator(".chart").waitFor();
  const asked = await askForProof(page, "GetAvailability", { required: "fresh", max_age_seconds: "300" });
  await page.goto(`${desk.url}#/${ALPINE}/requests/${desk.variables.DEMO_CANCELLED}?status=all`);
  const dialog = page.getByRole("dialog", { name: "Please prove again that it is you" });
  await dialog.getByText("a proof of the last 5 minutes").waitFor();
  await dialog.getByLabel("Password").fill("wrong-password");
  await dialog.getByRole("button", { name: "Confirm" }).click();
  await dialog.getByText("The password is wrong.").waitFor();
  await dialog.getByLabel("Password").fill(desk.variables.DEMO_PASSWORD);
  await dialog.getByRole("button", { name: "Confirm" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("article").getByText(desk.variables.DEMO_CANCELLED).waitFor();
  await page.locator(".chart").waitFor();
  assert.equal(asked.times, 2);
});

test("who needs a second factor and has none is led to where one is added", async (context) => {
  const page = await openDesk(context, { place: `requests/${desk.variables.DEMO_DECLINED}?status=all` });
  await page.locator(".chart").waitFor();
  await askForProof(page, "GetAvailability", { required: "aal2" });
  await page.goto(`${desk.url}#/${ALPINE}/requests/${desk.variables.DEMO_CANCELLED}?status=all`);
  const dialog = page.getByRole("dialog", { name: "Please prove again that it is you" });
  await dialog.getByRole("link", { name: "My account" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Add an authenticator app" }).waitFor();
});

test("another tenant is shown at the same page, if one may see it there", async (context) => {
  const operator = { email: desk.variables.OPERATOR_EMAIL };
  const account = { email: `both-${Date.now()}@frontdesk.example`, kind: "service", password: desk.variables.DEMO_PASSWORD };
  const { id } = await call("POST", "/v1/users", account, operator);
  const other = desk.variables.OTHER_TENANT_ID;
  for (const [tenant, role] of [[ALPINE, "manager"], [other, "viewer"]]) {
    await call("POST", `/v1/tenants/${tenant}/members`, { user_id: id, role }, { ...operator, headers: { "x-tenant-id": tenant } });
  }
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/calendar` });
  await signIn(page, account.email);
  await page.getByRole("heading", { name: "Calendar" }).waitFor();
  await page.getByLabel("Tenant").selectOption(other);
  await page.waitForFunction((tenant) => location.hash === `#/${tenant}/calendar`, other);
  await page.getByRole("heading", { name: "Calendar" }).waitFor();
  await page.getByLabel("Tenant").selectOption(ALPINE);
  await page.waitForFunction((tenant) => location.hash === `#/${tenant}/calendar`, ALPINE);
  await page.getByRole("link", { name: "System" }).click();
  await page.getByRole("heading", { name: "System" }).waitFor();
  // A viewer has no such page.
  await page.getByLabel("Tenant").selectOption(other);
  await page.getByRole("heading", { name: "Booking requests" }).waitFor();
  assert.match(page.url(), new RegExp(`#/${other}/requests$`));
});
