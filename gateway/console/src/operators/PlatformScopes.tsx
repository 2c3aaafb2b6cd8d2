// Scopes that a user holds outside tenants, to be chosen. Nobody gives or takes one that
// they do not hold.

import { t, word } from "../text/text";
import { mayOperate, SCOPES } from "./service";

export function PlatformScopes({ held }: { held: string[] }) {
  return (
    <fieldset>
      <legend>{t("users.scopes")}</legend>
      {SCOPES.map((scope) => (
        <label class="check">
          <input type="checkbox" name="scope" value={scope} disabled={!mayOperate(scope)} defaultChecked={held.includes(scope)} />
          <span>
            {word("scope", scope)} <code>{scope}</code>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
