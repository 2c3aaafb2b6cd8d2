import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { ALPINE, call, desk, newRequest, openDesk, openPage, proxyOf, signIn } from "./desk.mjs";

test("somebody signs in, and stays signed in when the page is loaded again", async (context) => {
  const page = await openPage(context);
  await signIn(page, desk.variables.MANAGER_EMAIL, "wrong-password");
  const alert = page.getByRole("alert");
  await alert.getByText("Address or password are wrong.").waitFor();
  assert.match(await alert.locator("code").textContent(), /^[0-9a-f-]{36}$/);
  assert.match(await alert.getByRole("link").getAttribute("href"), /\/runbook\/LOGIN_FAILED$/);
  await signIn(page);
  await page.getByRole("heading", { name: "Booking requests" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Booking requests" }).waitFor();
});

for (const [locale, button] of [["en-GB", "Sign in"], ["de-DE", "Anmelden"]]) {
  test(`the page that signs in is whole with 48 KiB, ${locale}`, async (context) => {
    const page = await openPage(context, { locale });
    await page.getByRole("button", { name: button, exact: true }).waitFor();
    await page.waitForLoadState("networkidle");
    const parts = await page.evaluate(() => [document.querySelector("link[rel=icon]").href, ...performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => !name.includes("/console/session"))]);
    assert.ok(parts.length > 5, parts.join());
    const bodies = await Promise.all([...new Set([desk.url, ...parts])].map(async (url) => Buffer.from(await (await fetch(url)).arrayBuffer())));
    const bytes = bodies.map((body) => gzipSync(body, { level: 9 }).length).reduce((sum, one) => sum + one, 0);
    assert.ok(bytes <= 48 * 1024, `${bytes} bytes of ${parts.join()}`);
  });
}

test("a style that does not come at first is there all the same", async (context) => {
  const { id } = await newRequest();
  let asked = 0;
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/requests/${id}` });
  await page.route(/\/later-\w+\.css$/, (route) => ((asked += 1) === 1 ? route.abort() : route.continue()));
  await signIn(page);
  await page.getByRole("article").getByText(id).waitFor();
  assert.equal(await page.getByRole("article").evaluate((article) => getComputedStyle(article).display), "grid");
  assert.equal(asked, 2);
});

test("no token is where a script of another page could find it", async (context) => {
  const page = await openDesk(context);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, performance.getEntries().map(({ name }) => name)]));
  assert.ok(!kept.includes("eyJ") && !kept.includes("fdr_"), kept);
  assert.deepEqual(Object.keys(await page.evaluate(() => ({ ...localStorage }))).sort(), ["frontdesk.language", "frontdesk.tenant"]);
});

test("only scripts of the page run in it", async (context) => {
  const policy = (await fetch(desk.url)).headers.get("content-security-policy");
  assert.match(policy, /script-src 'self';.*require-trusted-types-for 'script'/);
  const page = await openDesk(context, { expected: /TrustedHTML/ });
  const threw = await page.evaluate(() => {
    const element = document.createElement("div");
    try {
      element.innerHTML = "<b>text</b>";
      return "";
    } catch (error) {
      return error.message;
    }
  });
  assert.match(threw, /TrustedHTML/);
});

test("another site's page cannot use the session", async () => {
  for (const path of ["console/session", "console/session/refresh", "console/session/proof"]) {
    const forged = await fetch(`${desk.gateway}/${path}`, { method: "POST", headers: { origin: "https://evil.example", "content-type": "text/plain" }, body: "{}" });
    assert.equal(forged.status, 403, path);
  }
  const forged = await fetch(`${desk.gateway}/console/session`, { method: "DELETE", headers: { origin: "https://evil.example" } });
  assert.equal(forged.status, 403);
});

test("who is signed out elsewhere is told so, and goes on at the same place", async (context) => {
  const { id } = await newRequest();
  const page = await openDesk(context, { place: `requests/${id}` });
  await page.getByRole("article").getByText(id).waitFor();
  await page.context().request.delete(`${desk.url}console/session`, { headers: { origin: new URL(desk.url).origin } });
  await page.getByText("Your session is over").waitFor();
  await signIn(page);
  await page.getByRole("article").getByText(id).waitFor();
});

test("a session that has expired leads to the sign-in, and back to the same place", async (context) => {
  const { id } = await newRequest();
  const page = await openDesk(context, { place: `requests/${id}` });
  await page.clock.install();
  await page.reload();
  await page.getByRole("article").getByText(id).waitFor();
  await page.context().clearCookies();
  await page.clock.fastForward("03:00:00");
  await page.getByText("Your session is over").waitFor();
  await page.clock.resume();
  await signIn(page);
  await page.getByRole("article").getByText(id).waitFor();
});

test("signing out ends the session of all pages of the browser", async (context) => {
  const page = await openDesk(context);
  const other = await page.context().newPage();
  await other.goto(desk.url);
  await other.getByRole("heading", { name: "Booking requests" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  await other.getByText("Your session is over").waitFor();
  await page.reload();
  await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
});

test("the language is changed at once, and kept", async (context) => {
  const page = await openDesk(context);
  assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
  await page.getByRole("button", { name: "Deutsch" }).click();
  await page.getByRole("heading", { name: "Buchungsanfragen" }).waitFor();
  await page.getByRole("link", { name: /^Angefragt/ }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
  await page.reload();
  await page.getByRole("heading", { name: "Buchungsanfragen" }).waitFor();
});

test("a member of no tenant is told so, and a viewer decides nothing", async (context) => {
  const account = { email: `apart-${Date.now()}@frontdesk.example`, kind: "service", password: desk.variables.DEMO_PASSWORD };
  await call("POST", "/v1/users", account, { email: desk.variables.OPERATOR_EMAIL });
  const apart = await openPage(context);
  await signIn(apart, account.email);
  await apart.getByRole("heading", { name: "No tenant" }).waitFor();
  await apart.getByRole("link", { name: account.email }).click();
  await apart.getByRole("heading", { name: "My account" }).waitFor();
  const { id } = await newRequest();
  const viewer = await openPage(context, { url: `${desk.url}#/${ALPINE}/requests/${id}` });
  await signIn(viewer, desk.variables.VIEWER_EMAIL);
  await viewer.getByText("Your role does not decide here.").waitFor();
  assert.equal(await viewer.getByRole("button", { name: "Approve" }).count(), 0);
});

test("the page works behind a path", async (context) => {
  const { url } = await proxyOf(context, { prefix: "/desk" });
  assert.match(url, /\/desk\/$/);
  const { id } = await newRequest();
  const first = await openPage(context, { url });
  await signIn(first, desk.variables.MANAGER_EMAIL, "wrong-password");
  assert.match(await first.getByRole("alert").getByRole("link").getAttribute("href"), /^http.*\/runbook\/LOGIN_FAILED$/);
  const page = await openDesk(context, { url, place: `requests/${id}` });
  await page.getByRole("article").getByText(id).waitFor();
  await page.goto(`${url}recover-password`);
  await page.getByRole("heading", { name: "New password" }).waitFor();
  // The cookie comes back from there, too: the session goes on, and ends at the gateway.
  await page.goto(`${url}#/${ALPINE}/requests/${id}`);
  await page.getByRole("article").getByText(id).waitFor();
  const [cookie] = await page.context().cookies();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("E-mail address").waitFor();
  const origin = new URL(url).origin;
  const refreshed = await fetch(`${url}console/session/refresh`, { method: "POST", headers: { origin, cookie: `${cookie.name}=${cookie.value}` } });
  assert.equal(refreshed.status, 401);
});
