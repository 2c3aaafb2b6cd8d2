// The properties of the tenant: all of them by name, one, and a new one.

import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Property } from "../generated/later/frontdesk/booking/v1/property_service_pb";
import { happened } from "../live";
import { Heading } from "../parts/Heading";
import { Trouble } from "../parts/Trouble";
import { go, link, route } from "../route";
import { may } from "../session/tenants";
import { t } from "../text/text";
import { type Failure, failureOf } from "../wire/failure";
import { PropertyForm } from "./Form";
import { One } from "./One";
import { service } from "./service";
import { holdText, ruleTexts } from "./words";

export function Properties() {
  const { item } = route.value;
  if (item === "new") return <New />;
  return item ? <One key={item} id={item} /> : <All />;
}

function All() {
  const found = useSignal<Property[]>([]);
  const leftOut = useSignal(0);
  const search = useSignal("");
  const loading = useSignal(true);
  const failure = useSignal<Failure | null>(null);
  const load = async () => {
    const all: Property[] = [];
    let pageToken = "";
    loading.value = true;
    failure.value = null;
    try {
      do {
        const page = await service.listProperties({ pageSize: 200, pageToken });
        all.push(...page.properties);
        pageToken = page.nextPageToken;
        leftOut.value = page.leftOut;
      } while (pageToken);
      found.value = all;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
    loading.value = false;
  };
  useEffect(() => void load(), []);
  useSignalEffect(() => {
    // A property was made or changed.
    const event = happened.value;
    if (event?.propertyId && !event.bookingRequestId) void load();
  });
  const wanted = search.value.trim().toLowerCase();
  const shown = found.value.filter(({ name }) => name.toLowerCase().includes(wanted));
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
      {failure.value && (
        <Trouble failure={failure.value}>
          <button type="button" onClick={() => void load()}>
            {t("again")}
          </button>
        </Trouble>
      )}
      <section class="card-wide" aria-label={t("properties.title")} aria-busy={loading.value}>
        {shown.length === 0 && !loading.value && !failure.value && <p class="empty">{t(wanted ? "inbox.nothing_found" : "calendar.none")}</p>}
        <ul class="people">
          {shown.map((property) => (
            <Row key={property.id} of={property} />
          ))}
        </ul>
        {leftOut.value > 0 && <p class="hint">{t("property.left_out", { n: leftOut.value })}</p>}
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
    <div class="system">
      <p>
        <a href={link({ item: "" })}>{t("property.all")}</a>
      </p>
      <Heading>{t("property.new")}</Heading>
      {may("properties:manage") ? (
        <section class="card-wide" aria-label={t("property.new")}>
          <PropertyForm onSaved={({ id }) => go({ item: id }, { replace: true })} onCancel={() => go({ item: "" })} />
        </section>
      ) : (
        <p>{t("edit.not_yours")}</p>
      )}
    </div>
  );
}
