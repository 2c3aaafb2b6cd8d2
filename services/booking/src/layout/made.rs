//! What of that which the migrations make a database is to have, by its layout, and
//! what rows lack that were stored without some of it. A single table is another
//! program's: of it there is only what this one adds, without which no statement fits,
//! and what keeps tenants apart.

use pg::is_constraint;
use pg::schema::{Afterwards, Kind, Object};

use super::blocking;
use super::columns::{self, single_table};
use super::detect::layout_of;
use super::indexes;
use super::statuses::known_words;
use crate::domain::layout::Layout;

const REQUESTS: &str = "public.booking_requests";
const BOOKINGS: &str = "public.bookings";
/// How an index begins that another program's table is advised to have.
const ADVISED: &str = "create index concurrently if not exists ";

/// What is done for rows that were stored while a trigger, a column or the sequence of
/// ticks was missing.
pub const AFTERWARDS: [Afterwards; 4] = [
    Afterwards {
        of: &[
            (Kind::Function, "", "public.frontdesk_customer_keys()"),
            (Kind::Function, "", "public.frontdesk_text_key(text)"),
            (Kind::Function, "", "public.frontdesk_phone_key(text)"),
            (Kind::Trigger, "public.customers", columns::CUSTOMER_TRIGGER),
            (Kind::TriggerFires, "public.customers", columns::CUSTOMER_TRIGGER),
            (Kind::Column, "public.customers", "archived"),
            (Kind::Column, "public.customers", "name_key"),
            (Kind::Column, "public.customers", "last_name_key"),
            (Kind::Column, "public.customers", "email_key"),
            (Kind::Column, "public.customers", "phone_key"),
        ],
        table: "public.customers",
        sql: "update public.customers set name = name \
            where archived is distinct from (archived_at is not null) \
            or name_key is distinct from left(public.frontdesk_text_key(coalesce(name, '')), 400) \
            or last_name_key is null and name_key ~ '\\s\\S+$' \
            or email_key is distinct from nullif(left(public.frontdesk_text_key(coalesce(email, '')), 400), '') \
            or phone_key is distinct from nullif(left(public.frontdesk_phone_key(coalesce(phone, '')), 400), '')",
    },
    // Of those that look the same the oldest has the key, as the migration gives it.
    Afterwards {
        of: &[
            (Kind::Function, "", "public.properties_key_name()"),
            (Kind::Function, "", "public.properties_shown_name(text)"),
            (Kind::Trigger, "public.properties", columns::PROPERTY_TRIGGER),
            (Kind::TriggerFires, "public.properties", columns::PROPERTY_TRIGGER),
            (Kind::Column, "public.properties", "name_key"),
        ],
        table: "public.properties",
        sql: "update public.properties set name_key = null where name_key <> public.properties_shown_name(name); \
            update public.properties p set name_key = k.shown from ( \
                select q.tenant_id, q.id, public.properties_shown_name(q.name) as shown, row_number() over ( \
                    partition by q.tenant_id, public.properties_shown_name(q.name) order by q.created_at, q.id \
                ) as place from public.properties q where q.name_key is null \
            ) k where k.place = 1 and p.tenant_id = k.tenant_id and p.id = k.id and not exists ( \
                select from public.properties o where o.tenant_id = k.tenant_id and o.name_key = k.shown)",
    },
    // All rows of every tenant are looked at again: nobody noted which were written.
    Afterwards {
        of: &[
            (Kind::Table, "", "public.inconsistency_suspects"),
            (Kind::Function, "", NOTES),
            (Kind::Trigger, REQUESTS, columns::SUSPECT_TRIGGER),
            (Kind::TriggerFires, REQUESTS, columns::SUSPECT_TRIGGER),
            (Kind::Trigger, BOOKINGS, columns::SUSPECT_TRIGGER),
            (Kind::TriggerFires, BOOKINGS, columns::SUSPECT_TRIGGER),
            (Kind::Trigger, "public.inventory_ranges", columns::SUSPECT_TRIGGER),
            (Kind::TriggerFires, "public.inventory_ranges", columns::SUSPECT_TRIGGER),
        ],
        table: "public.properties",
        sql: "insert into public.inconsistency_suspects (tenant_id) select distinct tenant_id from public.properties",
    },
    Afterwards {
        of: &[(Kind::Sequence, "", "public.booking_event_ticks")],
        table: "public.booking_events",
        sql: "select setval('public.booking_event_ticks', max(tick) + 1000000) from public.booking_events where tick < 4611686018427387904",
    },
];

/// The function of the trigger that notes what other programs write.
const NOTES: &str = "public.note_inconsistency_suspect()";

/// What serves and need not be there: the indexes of a table of others and what its owner
/// chooses, the rule that the migrations take back where rows break it, and what only
/// notes: rows are judged without it, later.
pub fn is_optional(object: &Object) -> bool {
    match object.kind {
        Kind::Index => object.definition.starts_with(ADVISED),
        Kind::Constraint => object.name.ends_with("_nights_check") || choice(object).is_some(),
        Kind::Trigger | Kind::TriggerFires => object.name == columns::SUSPECT_TRIGGER,
        Kind::Function => object.name == NOTES,
        _ => false,
    }
}

/// Which nights a single table keeps from being sold twice, its owner says.
pub fn choice(object: &Object) -> Option<String> {
    let is_open = object.kind == Kind::Constraint && object.definition.is_empty();
    is_open.then(|| {
        format!(
            "nothing in the database forbids double bookings; as the table's owner, if open requests hold their \
             nights: `{}`, or, if only what is sold does: `{}`",
            add_no_double_bookings(&blocking::not_freed()),
            add_no_double_bookings(&blocking::without_open_requests())
        )
    })
}

fn add_no_double_bookings(covers: &str) -> String {
    format!(
        "alter table bookings add constraint {} exclude using gist (tenant_id with =, property_id with =, \
         daterange(check_in, check_out) with &&) where ({covers})",
        columns::NO_DOUBLE_BOOKINGS
    )
}

/// What a database is to have.
pub fn adapt(mut made: Vec<Object>, live: &[Object]) -> Vec<Object> {
    // A status may be an enum; what it lacks, detection finds.
    let mut enums = Vec::new();
    for status in made.iter_mut().filter(|one| one.kind == Kind::Column && one.name == "status") {
        if let Some(stored) = live.iter().find(|one| one.is(status)) {
            if !is_text(&stored.definition) {
                enums.push((status.relation.clone(), stored.definition.clone()));
            }
            status.definition.clone_from(&stored.definition);
        }
    }
    for (table, ty) in enums {
        made.retain_mut(|one| one.relation != table || is_kept_for_an_enum(one, &ty, live));
    }
    let has = |table: &str, column: Option<&str>| {
        let table = format!("public.{table}");
        live.iter().any(|one| match column {
            Some(column) => one.kind == Kind::Column && one.relation == table && one.name == column,
            None => one.kind == Kind::Table && one.name == table,
        })
    };
    match layout_of(&has) {
        Layout::Standard => made,
        Layout::SingleTable => of_single_table(&made, live),
    }
}

fn is_text(definition: &str) -> bool {
    ["text", "character", "public.citext"].iter().any(|ty| definition.starts_with(ty))
}

/// Whether an object is wanted of a table whose status is an enum. Whoever made it one made
/// what compares it anew: that is what its name says. What guards is made with the enum's
/// words where it is missing; a check of words the enum is by itself, and lists go on without
/// an index.
fn is_kept_for_an_enum(object: &mut Object, ty: &str, live: &[Object]) -> bool {
    let compares = object.definition.contains("status") && object.definition.contains("::text");
    if !matches!(object.kind, Kind::Constraint | Kind::Index) || !compares {
        return true;
    }
    if let Some(stored) = live.iter().find(|one| one.is(object)) {
        object.definition = stored.definition.trim_end_matches(" NOT VALID").to_owned();
        return true;
    }
    for word in known_words() {
        object.definition = object.definition.replace(&format!("'{word}'::text"), &format!("'{word}'::{ty}"));
    }
    ["EXCLUDE ", "CREATE UNIQUE "].iter().any(|guard| object.definition.starts_with(guard))
}

fn of_single_table(made: &[Object], live: &[Object]) -> Vec<Object> {
    let has = |name: &str| {
        live.iter().any(|one| one.kind == Kind::Column && one.relation == BOOKINGS && one.name == name)
    };
    let kept = made.iter().filter(|one| {
        let of_requests =
            one.relation == REQUESTS || one.name == REQUESTS || one.definition.contains(REQUESTS);
        let column = one.definition.split_once(" (").map(|(_, column)| column.trim_end_matches(')'));
        match one.kind {
            _ if of_requests && one.kind != Kind::Function => false,
            Kind::Column | Kind::Default | Kind::NotNull | Kind::Constraint | Kind::Index => {
                one.relation != BOOKINGS
            }
            Kind::Grant => one.relation != BOOKINGS || column.is_none_or(has),
            _ => true,
        }
    });
    let mut wanted: Vec<Object> = kept.cloned().collect();
    let tables = columns::tables(Layout::SingleTable);
    let needed = tables.iter().filter(|table| table.name == "bookings").flat_map(|table| &table.columns);
    for name in needed.filter(|name| !has(name)) {
        wanted.extend(added(name, made));
    }
    for (name, create) in indexes::of_single_table() {
        let name = format!("public.{name}");
        let stored = live.iter().find(|one| one.kind == Kind::Index && one.name == name);
        let create = create.replace(" on bookings ", " on public.bookings ");
        let definition =
            stored.map_or(create, |stored| stored.definition.trim_end_matches(" NOT VALID").to_owned());
        wanted.push(Object { kind: Kind::Index, relation: BOOKINGS.to_owned(), name, definition });
    }
    let [relation, name] = [BOOKINGS, columns::NO_DOUBLE_BOOKINGS].map(str::to_owned);
    let open = Object { kind: Kind::Constraint, relation, name, definition: String::new() };
    let forbids = |one: &Object| {
        one.kind == open.kind && one.relation == BOOKINGS && is_constraint(&one.name, &open.name)
    };
    if !live.iter().any(forbids) {
        wanted.push(open);
    }
    wanted.sort();
    wanted
}

/// A column that this program adds to the single table, as it is in the standard layout.
/// Rows of others may lack a value, unless it brings one.
fn added(name: &str, made: &[Object]) -> Vec<Object> {
    let of = |relation: &str, own: &str| -> Vec<Object> {
        let parts = [Kind::Column, Kind::Default, Kind::NotNull];
        let own = made
            .iter()
            .filter(|one| parts.contains(&one.kind) && one.relation == relation && one.name == own);
        own.cloned().collect()
    };
    let mut parts = of(BOOKINGS, name);
    if parts.is_empty() {
        let request = columns::BOOKING_REQUEST.into_iter().find(|own| single_table(own) == Some(name));
        parts = request.map_or_else(Vec::new, |own| of(REQUESTS, own));
    }
    let brings_one = parts.iter().any(|one| one.kind == Kind::Default);
    parts.retain(|one| one.kind != Kind::NotNull || brings_one);
    for part in &mut parts {
        BOOKINGS.clone_into(&mut part.relation);
        name.clone_into(&mut part.name);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: Kind, relation: &str, name: &str, definition: &str) -> Object {
        Object {
            kind,
            relation: relation.to_owned(),
            name: name.to_owned(),
            definition: definition.to_owned(),
        }
    }

    #[test]
    fn a_single_table_gets_the_columns_of_requests_by_its_own_names() {
        let made = [
            object(Kind::Column, REQUESTS, "internal_note", "text"),
            object(Kind::Default, REQUESTS, "internal_note", "''::text"),
            object(Kind::NotNull, REQUESTS, "internal_note", ""),
            object(Kind::Column, REQUESTS, "decline_message", "text"),
            object(Kind::NotNull, REQUESTS, "decline_message", ""),
            object(Kind::Constraint, BOOKINGS, "bookings_pkey", "PRIMARY KEY (tenant_id, id)"),
            object(Kind::Policy, BOOKINGS, "tenant_only", "for all"),
            object(Kind::Grant, BOOKINGS, "frontdesk_booking", "select"),
        ];
        let live = [object(Kind::Table, "", BOOKINGS, ""), object(Kind::Column, BOOKINGS, "id", "uuid")];
        let wanted = adapt(made.to_vec(), &live);
        let here = |kind| wanted.iter().filter(move |one| one.kind == kind).map(|one| &*one.name);
        assert_eq!(here(Kind::Column).collect::<Vec<_>>(), ["decline_message", "internal_notes"]);
        assert_eq!(here(Kind::NotNull).collect::<Vec<_>>(), ["internal_notes"]);
        assert_eq!(
            here(Kind::Constraint).collect::<Vec<_>>(),
            [columns::NO_DOUBLE_BOOKINGS],
            "its keys are for its owner to say"
        );
        let open = wanted.iter().find(|one| one.kind == Kind::Constraint).and_then(choice).unwrap();
        for covers in [
            "where (status not in ('cancelled', 'declined', 'no_show'))",
            "where (status in ('pending', 'confirmed', 'checked_in'))",
        ] {
            assert!(open.contains(covers), "{open}");
        }
        assert_eq!(here(Kind::Policy).chain(here(Kind::Grant)).count(), 2);
        assert!(wanted.iter().filter(|one| one.kind == Kind::Index).all(is_optional));
        assert!(wanted.iter().all(|one| one.relation == BOOKINGS));
    }

    #[test]
    fn a_lost_table_of_requests_is_no_other_layout() {
        let made = vec![object(Kind::Table, "", REQUESTS, "")];
        let live = [
            object(Kind::Column, BOOKINGS, "id", "uuid"),
            object(Kind::Column, BOOKINGS, "booking_request_id", "uuid"),
        ];
        assert_eq!(adapt(made.clone(), &live), made);
    }
}
