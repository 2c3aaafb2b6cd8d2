// The platform, for its operators: tenants, users, and what happened outside tenants. It
// needs no tenant.

import { useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Heading } from "../parts/Heading";
import { link, route } from "../route";
import { t } from "../text/text";
import { PlatformLog } from "./Log";
import { mayOperate } from "./service";
import { OneTenant } from "./Tenant";
import { Tenants } from "./Tenants";
import { OneUser } from "./User";
import { Users } from "./Users";
import { Ended } from "./Viewing";
import { ended } from "./look";

export { Viewing } from "./Viewing";

const TABS = { tenants: "platform:tenants", users: "platform:users", log: "platform:operate" } as const;
type Tab = keyof typeof TABS;

export function Operators() {
  useSignalEffect(() => {
    document.title = `${t("operators.title")} · Frontdesk`;
  });
  useEffect(
    () => () => {
      ended.value = null;
    },
    [],
  );
  const shown = (Object.keys(TABS) as Tab[]).filter((tab) => mayOperate(TABS[tab]));
  const [wanted = "", id = ""] = route.value.item.split("/");
  const tab = shown.find((one) => one === wanted) ?? shown[0];
  if (!tab) {
    return (
      <div class="system">
        <Heading>{t("operators.title")}</Heading>
        <p>{t("edit.not_yours")}</p>
      </div>
    );
  }
  return (
    <div class="system">
      <Ended />
      <nav class="tabs" aria-label={t("operators.title")}>
        {shown.map((one) => (
          <a href={link({ page: "operators", item: one })} aria-current={one === tab ? "page" : undefined}>
            {t(`operators.${one}`)}
          </a>
        ))}
      </nav>
      {tab === "tenants" && (id ? <OneTenant key={id} id={id} /> : <Tenants />)}
      {tab === "users" && (id ? <OneUser key={id} id={id} /> : <Users />)}
      {tab === "log" && <PlatformLog />}
    </div>
  );
}
