// What operators do with a user, each in a dialog that says what will happen.

import type { User } from "../generated/later/frontdesk/identity/v1/user_pb";
import { Ask } from "../parts/Ask";
import { Confirming } from "../parts/Confirming";
import { Field } from "../parts/Field";
import { faultOf } from "../parts/once";
import { user as me } from "../session/session";
import { platformScopes } from "../session/tenants";
import { listText } from "../text/format";
import { t } from "../text/text";
import type { Failure } from "../wire/failure";
import { PlatformScopes } from "./PlatformScopes";
import { factors, OUTSIDE, users } from "./service";

export type Act = "rename" | "enable" | "disable" | "unlock" | "factors" | "password" | "scopes" | "delete";

/** Does it, and says what was done. */
async function act(what: Act, user: User, given: FormData, evenIfLastOwner: boolean): Promise<string> {
  const userId = user.id;
  const name = user.displayName || user.email;
  const text = (field: string) => String(given.get(field) ?? "");
  switch (what) {
    case "rename":
      await users.updateUser({ userId, displayName: text("name").trim() }, OUTSIDE);
      break;
    case "enable":
      await users.enableUser({ userId }, OUTSIDE);
      break;
    case "disable":
      await users.disableUser({ userId, evenIfLastOwner }, OUTSIDE);
      break;
    case "unlock":
      await users.unlockUser({ userId, clientAddress: text("address").trim() }, OUTSIDE);
      break;
    case "factors": {
      const { endedSessions } = await factors.resetFactors({ userId }, OUTSIDE);
      return `${t("users.done_factors", { name })} ${t("account.ended", { n: endedSessions })}`;
    }
    case "password": {
      const { endedSessions } = await users.setPassword({ userId, password: text("password") }, OUTSIDE);
      return `${t("users.done_password", { name })} ${t("account.ended", { n: endedSessions })}`;
    }
    case "scopes": {
      const { platformScopes: now } = await users.setPlatformScopes({ userId, platformScopes: given.getAll("scope").map(String) }, OUTSIDE);
      return now.length > 0 ? t("users.done_scopes", { name, scopes: listText(now) }) : t("users.done_no_scopes", { name });
    }
    case "delete":
      await users.deleteUser({ userId, evenIfLastOwner }, OUTSIDE);
      break;
  }
  return t(`users.done_${what}`, { name });
}

interface Props {
  act: Act;
  user: User;
  onDone: (sentence: string) => void;
  onClose: () => void;
}

export function Acting({ act: what, user, onDone, onClose }: Props) {
  const name = user.displayName || user.email;
  const isSelf = user.id === me.value?.id;
  const takesOwner = what === "disable" || what === "delete";
  return (
    <Ask
      title={t(`users.${what}`)}
      lead={what === "scopes" && isSelf ? t("users.scopes_own") : t(`users.${what}_lead`, { name })}
      submit={t(`users.${what}`)}
      isDangerous={takesOwner || what === "factors"}
      call={(given, even) => act(what, user, given, even)}
      {...(takesOwner && { unless: { reason: "LAST_OWNER", sentence: t("users.even_so") } })}
      onDone={onDone}
      onClose={onClose}
    >
      {(failure) => <Fields what={what} user={user} failure={failure} isSelf={isSelf} />}
    </Ask>
  );
}

function Fields({ what, user, failure, isSelf }: { what: Act; user: User; failure: Failure | null; isSelf: boolean }) {
  switch (what) {
    case "rename":
      return (
        <Field label={t("users.name")} fault={faultOf(failure, "display_name")}>
          {(given) => <input {...given} name="name" required maxLength={200} defaultValue={user.displayName} autocomplete="off" />}
        </Field>
      );
    case "unlock":
      return (
        <Field label={t("users.address")} hint={t("users.address_hint")} fault={faultOf(failure, "client_address")}>
          {(given) => <input {...given} name="address" maxLength={64} autocomplete="off" spellcheck={false} />}
        </Field>
      );
    case "password":
      return (
        <Field label={t("password.new")} hint={t("password.hint")} fault={faultOf(failure, "password")}>
          {(given) => <input {...given} name="password" type="password" required minLength={8} maxLength={256} autocomplete="new-password" />}
        </Field>
      );
    case "scopes":
      return <PlatformScopes held={isSelf ? platformScopes.value : []} />;
    case "delete":
      return <Confirming text={user.email} label={t("users.type_email", { email: user.email })} />;
    default:
      return null;
  }
}
