import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { call, desk, openPage, signIn } from "./desk.mjs";

/** The token of the newest letter of `frontdesk dev` that leads to a page. */
async function letter(page, ...before) {
  for (let looked = 0; looked < 200; looked += 1) {
    const folder = readdirSync(desk.system.folder).find((name) => name.startsWith("mail"));
    const letters = !folder ? [] : readdirSync(join(desk.system.folder, folder), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const texts = letters.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ parentPath, path, name }) => readFileSync(join(parentPath ?? path, name), "utf8").replace(/=\r?\n/g, "").replace(/=3D/g, "="));
    const tokens = texts.flatMap((text) => [...text.matchAll(new RegExp(`/${page}#token=([\\w.~-]+)`, "g"))].map(([, token]) => token));
    const found = tokens.filter((token) => !before.includes(token)).at(-1);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no letter leads to ${page}`);
}

test("an invitation leads to an account and the tenant, or is declined", async (context) => {
  const invite = (email) => call("POST", `/v1/tenants/${desk.variables.TENANT_ID}/invitations`, { email, role: "agent" }, { email: desk.variables.OWNER_EMAIL });
  await invite("new@alpine.example");
  const page = await openPage(context, { url: `${desk.url}invitation#token=${await letter("invitation")}` });
  await page.getByText("invites new@alpine.example to Alpine Stays, in the role agent").waitFor();
  await page.getByLabel("Your name").fill("Nele New");
  await page.getByLabel("New password").fill("a-long-password");
  await page.getByRole("button", { name: "Create account and accept" }).click();
  await page.getByText("you are a member of Alpine Stays").waitFor();
  await page.getByRole("link", { name: "To Frontdesk" }).click();
  await signIn(page, "new@alpine.example", "a-long-password");
  await page.getByText("Nele New").waitFor();
  await page.getByRole("heading", { name: "Booking requests" }).waitFor();

  const before = await letter("invitation");
  await invite("other@alpine.example");
  const second = await openPage(context, { url: `${desk.url}invitation#token=${await letter("invitation", before)}` });
  await second.getByRole("button", { name: "Decline invitation" }).click();
  await second.keyboard.press("Escape");
  await second.getByRole("button", { name: "Decline invitation" }).click();
  await second.getByRole("dialog", { name: "Decline invitation" }).getByRole("button", { name: "Decline invitation" }).click();
  await second.getByText("The invitation to Alpine Stays is declined.").waitFor();
});

test("a forgotten password is set anew by the letter", async (context) => {
  const page = await openPage(context);
  await page.getByRole("link", { name: "Forgotten your password?" }).click();
  await page.getByLabel("E-mail address").fill(desk.variables.OWNER_EMAIL);
  await page.getByRole("button", { name: "Send link" }).click();
  await page.getByText("the link is on its way").waitFor();
  const token = await letter("recover-password");
  await page.goto(`${desk.url}recover-password#token=${token}`);
  await page.getByLabel("New password").waitFor();
  assert.ok(!page.url().includes(token));
  await page.reload();
  await page.getByLabel("New password").fill("short");
  await page.getByLabel("New password").fill("a-new-password");
  await page.getByRole("button", { name: "Set password" }).click();
  await page.getByText("The password is set.").waitFor();
  assert.ok(!page.url().includes(token));
  await page.getByRole("link", { name: "To Frontdesk" }).click();
  await signIn(page, desk.variables.OWNER_EMAIL, "a-new-password");
  await page.getByRole("heading", { name: "Booking requests" }).waitFor();
});

test("a link that does not work says what to do", async (context) => {
  for (const [path, button] of [["confirm-email", "Confirm"], ["recover-password", "Set password"]]) {
    const page = await openPage(context, { url: `${desk.url}${path}#token=nonsense` });
    if (button === "Set password") await page.getByLabel("New password").fill("a-new-password");
    await page.getByRole("button", { name: button }).click();
    await page.getByRole("alert").getByText("This link does not work, or works no more.").waitFor();
  }
});
