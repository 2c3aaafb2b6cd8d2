import assert from "node:assert/strict";
import { test } from "node:test";
import { call, desk, openPage, signIn } from "./desk.mjs";

test("an invitation leads to an account and the tenant, or is declined", async (context) => {
  const invite = (email) => call("POST", `/v1/tenants/${desk.variables.TENANT_ID}/invitations`, { email, role: "agent" }, { email: desk.variables.OWNER_EMAIL });
  await invite("new@alpine.example");
  const { token } = await desk.system.letterTo("new@alpine.example", "");
  const page = await openPage(context, { url: `${desk.url}invitation#token=${token}` });
  await page.getByText("invites new@alpine.example to Alpine Stays, in the role agent").waitFor();
  await page.getByLabel("Your name").fill("Nele New");
  await page.getByLabel("New password").fill("a-long-password");
  await page.getByRole("button", { name: "Create account and accept" }).click();
  await page.getByText("you are a member of Alpine Stays").waitFor();
  await page.getByRole("link", { name: "To Frontdesk" }).click();
  await signIn(page, "new@alpine.example", "a-long-password");
  await page.getByText("Nele New").waitFor();
  await page.getByRole("heading", { name: "Booking requests" }).waitFor();

  await invite("other@alpine.example");
  const other = await desk.system.letterTo("other@alpine.example", "");
  const second = await openPage(context, { url: `${desk.url}invitation#token=${other.token}` });
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
  const { token } = await desk.system.letterTo(desk.variables.OWNER_EMAIL, "Set a new password");
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
    await page.getByRole("alert").getByText("This link does not work, or no longer works.").waitFor();
  }
});
