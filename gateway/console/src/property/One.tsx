// One property with its rules of stay, to be read and to be edited.

import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Property } from "../generated/later/frontdesk/booking/v1/property_service_pb";
import { happened } from "../live";
import { Heading, useFocus } from "../parts/Heading";
import { Trouble } from "../parts/Trouble";
import { link } from "../route";
import { may } from "../session/tenants";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { type Failure, failureOf } from "../wire/failure";
import { PropertyForm } from "./Form";
import { service } from "./service";
import { holdText, ruleTexts } from "./words";

export function One({ id }: { id: string }) {
  const property = useSignal<Property | null>(null);
  const failure = useSignal<Failure | null>(null);
  const editing = useSignal(false);
  const said = useSignal("");
  const load = async () => {
    failure.value = null;
    try {
      property.value = (await service.getProperty({ propertyId: id })).property ?? null;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
  };
  useEffect(() => void load(), [id]);
  useSignalEffect(() => {
    // Who edits it is told when saving.
    if (happened.value?.propertyId === id && !editing.peek()) void load();
  });
  const found = property.value;
  const saved = (now: Property) => {
    property.value = now;
    editing.value = false;
    said.value = t("edit.saved");
  };
  return (
    <div class="system">
      <p>
        <a href={link({ item: "" })}>{t("property.all")}</a>
      </p>
      {found && <Heading>{found.name || t("property.no_name")}</Heading>}
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      {failure.value && (
        <Trouble failure={failure.value}>
          <button type="button" onClick={() => void load()}>
            {t("again")}
          </button>
        </Trouble>
      )}
      {found && (
        <section class="card-wide" aria-label={found.name || t("property.no_name")}>
          {editing.value ? (
            <PropertyForm property={found} onSaved={saved} onCancel={() => (editing.value = false)} />
          ) : (
            <Shown
              property={found}
              onEdit={() => {
                editing.value = true;
                said.value = "";
              }}
            />
          )}
        </section>
      )}
    </div>
  );
}

function Shown({ property, onEdit }: { property: Property; onEdit: () => void }) {
  // Back from the form, whose buttons are gone.
  const edit = useFocus<HTMLButtonElement>();
  const rules = ruleTexts(property.stayRules);
  return (
    <>
      <dl class="facts">
        <dt>{t("property.max_guests")}</dt>
        <dd>{property.maxGuests}</dd>
        <dt>{t("property.time_zone")}</dt>
        <dd>{property.timeZone}</dd>
        <dt>{t("property.hold")}</dt>
        <dd>{holdText(property)}</dd>
        <dt>{t("property.rules")}</dt>
        <dd>
          {rules.length === 0 ? (
            t("rules.none")
          ) : (
            <ul class="plain">
              {rules.map((rule) => (
                <li>{rule}</li>
              ))}
            </ul>
          )}
        </dd>
        <dt>{t("edit.created")}</dt>
        <dd>{timeText(property.createdAt)}</dd>
        <dt>{t("edit.updated")}</dt>
        <dd>{timeText(property.updatedAt)}</dd>
        <dt>{t("fact.id")}</dt>
        <dd>
          <code>{property.id}</code>
        </dd>
      </dl>
      <div class="buttons">
        {may("properties:manage") && (
          <button type="button" class="main" ref={edit} onClick={onEdit}>
            {t("edit.edit")}
          </button>
        )}
        {may("bookings:view") && <a href={link({ page: "requests", request: "", filters: { property: property.id, guest: "", status: "all" } })}>{t("property.requests")}</a>}
        <a href={link({ page: "calendar" })}>{t("property.calendar")}</a>
      </div>
    </>
  );
}
