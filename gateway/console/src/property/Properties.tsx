// The properties of the tenant: all of them by name, one, and a new one.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Property } from "../generated/later/frontdesk/booking/v1/property_service_pb";
import { Heading } from "../parts/Heading";
import { useHappened } from "../parts/happened";
import { NewPage } from "../parts/OnePage";
import { allOf, usePages } from "../parts/pages";
import { Rows, Unread } from "../parts/Rows";
import { go, link, route } from "../route";
import { may } from "../session/tenants";
import { soon } from "../soon";
import { t } from "../text/text";
import { PropertyForm } from "./Form";
import { One } from "./One";
import { service } from "./service";
import { holdText, ruleTexts } from "./words";

export function Properties() {
  const { item } = route.value;
  if (item === "new") return <New />;
  return item ? <One key={item} id={item} /> : <All />;
}

/** All of them, which are few. */
const read = () =>
  allOf(async (pageToken) => {
    const { properties: rows, nextPageToken, leftOut } = await service.listProperties({ pageSize: 200, pageToken });
    return { rows, next: nextPageToken, leftOut };
  });

function All() {
  const all = usePages(read);
  const search = useSignal("");
  // A property was made or changed.
  const changed = useMemo(() => soon(() => void all.load()), []);
  useEffect(() => changed.stop, []);
  useHappened((event) => {
    if (event.propertyId && !event.bookingRequestId) changed();
  });
  const wanted = search.value.trim().toLowerCase();
  const shown = all.rows.value.filter(({ name }) => name.toLowerCase().includes(wanted));
  return (
    <div class="system">
      <Heading>{t("properties.title")}</Heading>
      <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        <label class="wide">
          <span>{t("property.search")}</span>
          <input type="search" value={search.value} onInput={(event) => (search.value = event.currentTarget.value)} />
        </label>
      </form>
      {may("properties:manage") && (
        <p>
          <a class="button main" href={link({ item: "new" })}>
            {t("property.new")}
          </a>
        </p>
      )}
      <Unread failure={all.failure.value} onAgain={all.again} />
      <section class="card-wide" aria-label={t("properties.title")} aria-busy={all.loading.value}>
        <Rows of={all} shown={shown} empty={t(wanted ? "inbox.nothing_found" : "calendar.none")} leftOut={(n) => t("property.left_out", { n })}>
          {(property) => <Row key={property.id} of={property} />}
        </Rows>
      </section>
    </div>
  );
}

function Row({ of }: { of: Property }) {
  const rules = ruleTexts(of.stayRules);
  return (
    <li>
      <span class="who">
        <a href={link({ item: of.id })}>
          <strong>{of.name}</strong>
        </a>{" "}
        <span class="hint">
          {t("guests", { n: of.maxGuests })}, {of.timeZone}
        </span>
        <br />
        <span class="hint">
          {holdText(of)} {rules.length > 0 && t("property.rule_count", { n: rules.length })}
        </span>
      </span>
    </li>
  );
}

function New() {
  return (
    <NewPage back={link({ item: "" })} all={t("property.all")} title={t("property.new")} isAllowed={may("properties:manage")}>
      <PropertyForm onSaved={({ id }) => go({ item: id }, { replace: true })} onCancel={() => go({ item: "" })} />
    </NewPage>
  );
}
