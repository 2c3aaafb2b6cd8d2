// The page as a whole: who is signed in, where the page is, whether it hears what happens.

import { effect, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Inbox, reset } from "./inbox/Inbox";
import { forget } from "./inbox/list";
import { listenToKeys } from "./keys";
import { lostAt, tryNow, watch } from "./live";
import { Latest } from "./parts/Latest";
import { Bar, TITLES } from "./parts/Bar";
import { lazy } from "./parts/lazy";
import { Trouble } from "./parts/Trouble";
import { loadProperties, properties } from "./properties";
import { route } from "./route";
import { StepUp } from "./session/Proof";
import { SignInPage } from "./session/SignIn";
import { stage, start, tenantId } from "./session/session";
import { follow, leave, loadTenants, memberships, trouble } from "./session/tenants";
import { clockText } from "./text/format";
import { t } from "./text/text";

const { Lazy: Calendar } = lazy(() => import("./calendar/Calendar"));
const { Lazy: Account } = lazy(() => import("./account/Account"));
const { Lazy: Audit } = lazy(() => import("./audit/Audit"));
const { Lazy: Members } = lazy(() => import("./members/Members"));
const { Lazy: System } = lazy(() => import("./system/System"));
const { load: loadRequest, Lazy: Request } = lazy(() => import("./request/lazy"));

export function App() {
  return (
    <>
      <Bar />
      <Stage />
    </>
  );
}

function Stage() {
  switch (stage.value) {
    case "starting":
      return <main class="narrow" aria-busy="true" />;
    case "unreachable":
      return <Unreachable />;
    case "in":
      return <SignedIn />;
    default:
      return <SignInPage />;
  }
}

function Unreachable() {
  useEffect(() => {
    const timer = setInterval(() => void start(), 3_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <main class="narrow card">
      <h1>Frontdesk</h1>
      <p role="status">{t("unreachable")}</p>
      <button type="button" class="main" onClick={() => void start()}>
        {t("again")}
      </button>
    </main>
  );
}

function SignedIn() {
  useEffect(() => {
    void loadTenants();
    return leave;
  }, []);
  // A link to another tenant.
  useSignalEffect(() => {
    const wanted = route.value.tenant;
    if (memberships.value && wanted !== tenantId.peek()) follow(wanted);
  });
  if (trouble.value) {
    return (
      <main class="narrow">
        <Trouble failure={trouble.value}>
          <button type="button" onClick={() => void loadTenants()}>
            {t("again")}
          </button>
        </Trouble>
      </main>
    );
  }
  if (!memberships.value) return <main class="narrow" aria-busy="true" />;
  if (!tenantId.value) {
    return (
      <main class="narrow card">
        <h1>{t("tenant.none")}</h1>
        <p>{t("tenant.none_why")}</p>
      </main>
    );
  }
  return <Desk key={tenantId.value} />;
}

function Desk() {
  useEffect(() => {
    const stopWatching = watch();
    void loadProperties();
    loadRequest();
    const title = effect(() => {
      const { page, request } = route.value;
      document.title = `${t(request ? "detail.title" : TITLES[page])} · Frontdesk`;
    });
    return () => {
      stopWatching();
      title();
      forget();
      properties.value = new Map();
    };
  }, []);
  return (
    <main class="desk" data-open={route.value.request !== ""}>
      <Lost />
      <Page />
      <StepUp />
    </main>
  );
}

function Page() {
  switch (route.value.page) {
    case "calendar":
      return <Calendar of="Calendar" />;
    case "members":
      return <Members of="Members" />;
    case "audit":
      return <Audit of="Audit" />;
    case "account":
      return <Account of="Account" />;
    case "system":
      return <System of="System" />;
    case "requests":
      return <Requests />;
  }
}

function Requests() {
  useEffect(() => {
    const stopKeys = listenToKeys();
    return () => {
      stopKeys();
      reset();
    };
  }, []);
  return (
    <>
      <Latest />
      <div class="panes">
        <Inbox />
        {route.value.request ? <Request of="Detail" /> : <p class="request hint nothing">{t("detail.none")}</p>}
      </div>
      <Request of="Dialogs" />
    </>
  );
}

function Lost() {
  const since = lostAt.value;
  return (
    <div role="status" class="lost">
      {since > 0 && (
        <p>
          {t("live.lost", { when: clockText(since) })}{" "}
          <button type="button" class="small" onClick={tryNow}>
            {t("live.now")}
          </button>
        </p>
      )}
    </div>
  );
}
