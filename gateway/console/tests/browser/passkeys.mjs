// Passkeys, of a virtual authenticator in the device of the page.

import { test } from "node:test";
import assert from "node:assert/strict";
import { ALPINE, askForProof, desk, openPage, signIn, tokens } from "./desk.mjs";

async function authenticatorOf(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const options = {
    protocol: "ctap2",
    ctap2Version: "ctap2_1",
    transport: "internal",
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
  };
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", { options });
  return (isUserVerified) => session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
}

test("a passkey is made, signs in alone and beside the password, and proves again", async (context) => {
  const email = desk.variables.OWNER_EMAIL;
  const page = await openPage(context);
  const verify = await authenticatorOf(page);
  const button = (name) => page.getByRole("button", { name, exact: true });
  const alert = page.getByRole("alert");
  const account = page.getByRole("heading", { name: "My account" });
  await signIn(page, email);
  await page.getByRole("link", { name: "Olga Owner" }).click();

  // Somebody else's finger makes none, and leaves nothing.
  await button("Add a passkey").click();
  await page.getByLabel("Name of the passkey").fill("laptop");
  await verify(false);
  await button("Make the passkey").click();
  await alert.getByText("The browser gave no passkey.").waitFor();
  await verify(true);
  await button("Make the passkey").click();
  await page.getByText("The passkey is made.").waitFor();
  await page.getByText("signs in alone").waitFor();
  // The first proof of a factor ends the other sessions.
  tokens.delete(email);
  await button("Kept").click();
  await page.getByText("10 recovery codes left").waitFor();

  await button("Sign out").click();
  await button("Sign in with a passkey").click();
  await account.waitFor();

  await button("Sign out").click();
  await signIn(page, email);
  await button("Use the passkey").click();
  await account.waitFor();

  const asked = await askForProof(page, "GetAvailability", { required: "aal2", max_age_seconds: "300" });
  await page.goto(`${desk.url}#/${ALPINE}/requests/${desk.variables.DEMO_CANCELLED}?status=all`);
  const dialog = page.getByRole("dialog", { name: "Please prove again that it is you" });
  await verify(false);
  await dialog.getByRole("button", { name: "Use the passkey" }).click();
  await dialog.getByText("The browser gave no passkey.").waitFor();
  await verify(true);
  await dialog.getByRole("button", { name: "Use the passkey" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.locator(".chart").waitFor();
  assert.equal(asked.times, 2);

  await page.getByRole("link", { name: "Olga Owner" }).click();
  await page.getByRole("button", { name: "Remove: laptop" }).click();
  await page.getByRole("dialog", { name: "Remove" }).getByRole("button", { name: "Remove" }).click();
  await page.getByText("The factor is removed.").waitFor();
  await button("Sign out").click();
  await button("Sign in with a passkey").click();
  await alert.getByText("This passkey does not sign in here.").waitFor();
});
