// One property with its rules of stay, to be read and to be edited.

import { useSignal } from "@preact/signals";
import type { Property } from "../generated/later/frontdesk/booking/v1/property_service_pb";
import { useHappened } from "../parts/happened";
import { useFocus } from "../parts/Heading";
import { OnePage } from "../parts/OnePage";
import { useRow } from "../parts/row";
import { link, NO_FILTERS } from "../route";
import { may } from "../session/tenants";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { PropertyForm } from "./Form";
import { service } from "./service";
import { holdText, ruleTexts } from "./words";

export function One({ id }: { id: string }) {
  const property = useRow(async () => (await service.getProperty({ propertyId: id })).property);
  const editing = useSignal(false);
  useHappened((event) => {
    // Who edits it is told when saving.
    if (event.propertyId === id && !event.bookingRequestId && !editing.peek()) void property.load();
  });
  const edit = () => {
    editing.value = true;
    property.said.value = "";
  };
  const saved = (now: Property) => {
    editing.value = false;
    property.put(now, t("edit.saved"));
  };
  const cancel = () => {
    editing.value = false;
    // It was not kept up to date meanwhile.
    void property.load();
  };
  const titleOf = ({ name }: Property) => name || t("property.no_name");
  return (
    <div class="system">
      <OnePage of={property} back={link({ item: "" })} all={t("property.all")} title={titleOf}>
        {(found) => (
          <section class="card-wide" aria-label={titleOf(found)}>
            {editing.value ? <PropertyForm property={found} onSaved={saved} onCancel={cancel} /> : <Shown property={found} onEdit={edit} />}
          </section>
        )}
      </OnePage>
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
        {may("bookings:view") && <a href={link({ page: "requests", request: "", filters: { ...NO_FILTERS, property: property.id, status: "all" } })}>{t("property.requests")}</a>}
        <a href={link({ page: "calendar" })}>{t("property.calendar")}</a>
      </div>
    </>
  );
}
