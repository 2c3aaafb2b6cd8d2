// The name of a role: the built-in ones have words of the page, the others those of the tenant.

import { type Key, t } from "../text/text";

export function roleText(role: string): string {
  return t(`role.${role}` as Key) || role;
}
