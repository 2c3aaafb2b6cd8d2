// A new user of the platform: a person or a service account.

import type { User } from "../generated/later/frontdesk/identity/v1/user_pb";
import { UserKind } from "../generated/later/frontdesk/identity/v1/user_pb";
import { Ask } from "../parts/Ask";
import { Field } from "../parts/Field";
import { faultOf } from "../parts/once";
import { t } from "../text/text";
import { PlatformScopes } from "./PlatformScopes";
import { OUTSIDE, users } from "./service";

export function CreateUser({ onCreated, onClose }: { onCreated: (user: User) => void; onClose: () => void }) {
  const create = (given: FormData) => {
    const text = (name: string) => String(given.get(name) ?? "");
    return users.createUser(
      {
        email: text("email").trim(),
        displayName: text("name").trim(),
        kind: text("kind") === "service" ? UserKind.SERVICE : UserKind.PERSON,
        password: text("password"),
        platformScopes: given.getAll("scope").map(String),
      },
      OUTSIDE,
    );
  };
  return (
    <Ask title={t("users.new")} submit={t("users.make")} call={create} onDone={({ user }) => user && onCreated(user)} onClose={onClose}>
      {(failure) => (
        <>
          <Field label={t("signin.email")} fault={faultOf(failure, "email")}>
            {(given) => <input {...given} name="email" type="email" required autocomplete="off" />}
          </Field>
          <Field label={t("users.name")} fault={faultOf(failure, "display_name")}>
            {(given) => <input {...given} name="name" maxLength={200} autocomplete="off" />}
          </Field>
          <Field label={t("users.kind")}>
            {(given) => (
              <select {...given} name="kind">
                <option value="person">{t("users.person")}</option>
                <option value="service">{t("users.service")}</option>
              </select>
            )}
          </Field>
          <Field label={t("users.first_password")} hint={t("users.first_password_hint")} fault={faultOf(failure, "password")}>
            {(given) => <input {...given} name="password" type="password" minLength={8} maxLength={256} autocomplete="new-password" />}
          </Field>
          <PlatformScopes held={[]} />
        </>
      )}
    </Ask>
  );
}
