// The page in German, where more is to be read than labels.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ALPINE, call, desk, newRequest, openPage, rowOf, signIn } from "./desk.mjs";

/** A page in German at which somebody has signed in. */
async function openGerman(context, place, email = desk.variables.OWNER_EMAIL) {
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/${place}` });
  await signIn(page, email);
  // The form has such a button, too, which goes with it.
  await page.getByRole("button", { name: "Sign out" }).waitFor();
  await page.getByRole("button", { name: "Deutsch" }).click();
  return page;
}

test("what is wrong with a field is said in German, and marked where it is not", async (context) => {
  const page = await openGerman(context, "properties/new");
  await page.getByLabel("Name").fill("Almhütte");
  await page.getByLabel("Zeitzone").fill("Alpen");
  await page.getByLabel("Personen höchstens").fill("4");
  await page.getByRole("button", { name: "Unterkunft anlegen" }).click();
  await page.locator(".fault:not(:has([lang]))").filter({ hasText: "Das muss der IANA-Name einer Zeitzone sein, zum Beispiel Europe/Berlin." }).waitFor();

  const name = `Signer ${Date.now()}`;
  await call("POST", `/v1/tenants/${ALPINE}/api-keys`, { name }, { email: desk.variables.OWNER_EMAIL });
  await page.getByRole("link", { name: "Mitglieder" }).click();
  await page.getByRole("button", { name: `Öffentliche Schlüssel von ${name}` }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("JWK-Satz").fill('{ "kty": "RSA", "kid": "first" }');
  await dialog.getByRole("button", { name: "Speichern" }).click();
  await dialog.locator(".fault > [lang=en]").filter({ hasText: "public key" }).waitFor();

  await page.goto(`${desk.url}#/${ALPINE}/guests/import`);
  await page.getByLabel("Datei", { exact: true }).setInputFiles({ name: "guests.csv", mimeType: "text/csv", buffer: Buffer.from("name,external_id,email\nGina Gans,g-german,gina\n") });
  await page.getByRole("button", { name: "Einlesen", exact: true }).click();
  await page.getByRole("listitem").getByText("E-Mail-Adresse: Das muss eine E-Mail-Adresse sein.").waitFor();
});

test("an audit log and roles are read in German", async (context) => {
  const page = await openGerman(context, "audit");
  const event = page.getByRole("listitem").filter({ hasText: "Olga Owner" }).first();
  await event.getByText("Anmeldung", { exact: true }).waitFor();
  assert.equal(await page.locator(".history .what code").count(), 0);
  await page.getByRole("link", { name: "Mitglieder" }).click();
  const member = page.getByRole("listitem").filter({ hasText: desk.variables.MANAGER_EMAIL });
  assert.equal(await member.locator("option:checked").textContent(), "Verwalter");
  await page.getByRole("region", { name: "Rollen" }).getByText("Beobachter").waitFor();
});

test("a number stays beside what it counts, and the point before it, on a phone", async (context) => {
  const { id } = await newRequest();
  const page = await openGerman(context, "requests", desk.variables.MANAGER_EMAIL);
  await page.setViewportSize({ width: 390, height: 844 });
  const nights = rowOf(page, id).locator(".nights");
  await nights.getByText("4 Nächte").waitFor();
  const lines = () => nights.evaluate((element) => new Set([...element.getClientRects()].map(({ top }) => top)).size);
  // However much there is beside it.
  for (const width of [390, 380, 370, 360, 350, 340, 330, 320]) {
    await page.setViewportSize({ width, height: 844 });
    assert.equal(await lines(), 1, `${width}`);
  }
});
