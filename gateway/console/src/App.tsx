// The page as a whole: who is signed in, where the page is, whether it hears what happens.

import { effect, useSignalEffect } from "@preact/signals";
import { useEffect, useLayoutEffect } from "preact/hooks";
import { dialog } from "./inbox/cursor";
import { Inbox, reset } from "./inbox/Inbox";
import { listenToKeys } from "./keys";
import { denied, lostAt, tryNow, watch } from "./live";
import { Bar, TITLES } from "./parts/Bar";
import { lazy } from "./parts/lazy";
import { Trouble } from "./parts/Trouble";
import { loadProperties } from "./properties";
import { go, route } from "./route";
import { asked, seenAs, stage, start, startFailure, tenantId, view } from "./session/session";
import { follow, isOther, leave, loadTenants, may, membership, memberships, platformScopes, trouble } from "./session/tenants";
import { clockText } from "./text/format";
import { t } from "./text/text";

const { Lazy: Calendar } = lazy(() => import("./calendar/Calendar"));
const { Lazy: Account } = lazy(() => import("./account/Account"), ["more", "session"]);
const { Lazy: Audit } = lazy(() => import("./audit/Audit"), ["more", "audit"]);
const { Lazy: Guests } = lazy(() => import("./guests/Guests"), ["more", "admin"]);
const { Lazy: Members } = lazy(() => import("./members/Members"), ["more", "admin"]);
const { Lazy: Operators } = lazy(() => import("./operators/Operators"), ["more", "admin", "audit"]);
const { Lazy: Properties } = lazy(() => import("./property/Properties"), ["more", "admin"]);
const { Lazy: System } = lazy(() => import("./system/System"));
const { Lazy: Session } = lazy(() => import("./session/lazy"), ["session"]);
const { load: loadRequest, Lazy: Request } = lazy(() => import("./request/lazy"));

// What ends with a page ends by a layout effect: by any other, it may end only when the page that
// follows has begun already.

export function App() {
  return (
    <>
      <Bar />
      {view.value && <Operators of="Viewing" />}
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
      return <SignedIn key={seenAs.value} />;
    default:
      return <Session of="SignInPage" />;
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
      {startFailure.value?.requestId && <Trouble failure={startFailure.value} />}
      <button type="button" class="main" onClick={() => void start()}>
        {t("again")}
      </button>
    </main>
  );
}

function SignedIn() {
  useLayoutEffect(() => {
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
  return tenantId.value ? <Desk key={tenantId.value} /> : <Outside />;
}

/** Without a tenant there is the own account, and for operators the platform. */
function Outside() {
  const isOperator = platformScopes.value.length > 0;
  const isAccount = route.value.page === "account";
  useEffect(() => {
    if (isOperator && !isAccount) go({ page: "operators" }, { replace: true });
  }, [isAccount]);
  if (!isAccount && !isOperator) {
    return (
      <main class="narrow card">
        <h1>{t("tenant.none")}</h1>
        <p>{t("tenant.none_why")}</p>
      </main>
    );
  }
  return (
    <main class="desk">
      {isAccount ? <Account of="Account" /> : <Operators of="Operators" />}
      {asked.value && <Session of="StepUp" />}
    </main>
  );
}

function Desk() {
  useLayoutEffect(() => {
    const stopWatching = may("bookings:view") ? watch() : () => {};
    void loadProperties();
    loadRequest();
    const title = effect(() => {
      const { page, request } = route.value;
      document.title = `${t(request ? "detail.title" : TITLES[page])} · Frontdesk`;
    });
    return () => {
      stopWatching();
      title();
    };
  }, []);
  return (
    <main class="desk" tabIndex={-1} data-open={route.value.request !== ""}>
      <Lost />
      <div role="status">{isOther.value && <p class="notice">{t("tenant.other", { name: membership.value?.tenantName ?? "" })}</p>}</div>
      <Page />
      {asked.value && <Session of="StepUp" />}
    </main>
  );
}

function Page() {
  switch (route.value.page) {
    case "calendar":
      return <Calendar of="Calendar" />;
    case "properties":
      return <Properties of="Properties" />;
    case "guests":
      return <Guests of="Guests" />;
    case "operators":
      return <Operators of="Operators" />;
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
  useLayoutEffect(() => {
    const stopKeys = listenToKeys();
    return () => {
      stopKeys();
      reset();
      dialog.value = "";
    };
  }, []);
  return (
    <>
      <Request of="Latest" quiet />
      <div class="panes">
        <Inbox bar={<Request of="ChosenBar" quiet />} />
        {route.value.request ? <Request of="Detail" /> : <p class="request hint nothing">{t("detail.none")}</p>}
      </div>
      <Request of="Dialogs" />
    </>
  );
}

/** Goes on from the page, since the button goes with the line. */
function fromLost(): void {
  document.querySelector("main")?.focus();
  tryNow();
}

function Lost() {
  const since = lostAt.value;
  return (
    <div role="status" class="lost">
      {denied.value && (
        <Trouble failure={denied.value}>
          <button type="button" onClick={() => void watch()}>
            {t("again")}
          </button>
        </Trouble>
      )}
      {since > 0 && (
        <p>
          {t("live.lost", { when: clockText(since) })}{" "}
          <button type="button" class="small" onClick={fromLost}>
            {t("live.now")}
          </button>
        </p>
      )}
    </div>
  );
}
