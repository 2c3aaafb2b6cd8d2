//! Properties and customers that another program wrote: what cannot be shown of them is in
//! the list of inconsistencies, with what puts it right, and the lists of them go on.

use frontdesk::demo;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::inconsistencies::{listed, resolve};
use crate::alterations::alter;
use crate::fixture::{Fixture, HARBOUR_LOFT, LAKE_HOUSE, Layout};

/// Takes from both tables what keeps the rows of other programs out.
const OPENED: &str = "do $$ declare one record; begin \
    for one in select conrelid::regclass as of, conname from pg_constraint \
        where conrelid in ('properties'::regclass, 'customers'::regclass) and contype = 'c' loop \
        execute format('alter table %s drop constraint %I', one.of, one.conname); \
    end loop; \
    for one in select attrelid::regclass as of, attname from pg_attribute \
        where attrelid in ('properties'::regclass, 'customers'::regclass) and attnum > 0 and attnotnull \
        and not attisdropped and attname not in ('id', 'tenant_id') loop \
        execute format('alter table %s alter column %I drop not null', one.of, one.attname); \
    end loop; end $$";

/// A row, what another program sets in it, and what of that cannot be shown.
struct Case {
    table: &'static str,
    set: &'static str,
    /// What a new row has by itself.
    by_itself: &'static [&'static str],
    /// What somebody has to say.
    said: &'static [&'static str],
    /// What its own call is sent to say it.
    update: Option<fn() -> Json>,
}

const CASES: [Case; 8] = [
    Case {
        table: "properties",
        set: "hold_policy = 'HOLD', hold_hours = null, row_version = null, updated_at = 'infinity'",
        by_itself: &["hold_policy", "hold_hours", "row_version", "updated_at"],
        said: &[],
        update: None,
    },
    Case {
        table: "properties",
        set: "hold_policy = null, hold_hours = -1, created_at = null",
        by_itself: &["hold_policy", "hold_hours", "created_at"],
        said: &[],
        update: None,
    },
    Case {
        table: "properties",
        set: "name = null, time_zone = 'Mars/Olympus', max_guests = 0, min_nights = -1, closed_to_arrival = '{0}'",
        by_itself: &[],
        said: &["name", "max_guests", "min_nights", "closed_to_arrival", "time_zone"],
        update: Some(
            || json!({"name": "Found again", "time_zone": "Europe/Berlin", "max_guests": 4, "stay_rules": {}}),
        ),
    },
    Case {
        table: "properties",
        set: "hold_hours = 2147483647, time_zone = null, max_guests = null, min_nights_by_arrival = '{-3}'",
        by_itself: &["hold_hours"],
        said: &["max_guests", "min_nights_by_arrival", "time_zone"],
        update: Some(
            || json!({"time_zone": "Europe/Rome", "max_guests": 2, "stay_rules": {"min_nights": 2}}),
        ),
    },
    Case {
        table: "customers",
        set: "email = null, phone = null, source = null, notes = null, created_at = null, updated_at = '-infinity'",
        by_itself: &["email", "phone", "source", "notes", "created_at", "updated_at"],
        said: &[],
        update: None,
    },
    Case {
        table: "customers",
        set: "name = null",
        by_itself: &[],
        said: &["name"],
        update: Some(|| json!({"name": "Found Again"})),
    },
    Case {
        table: "customers",
        set: "name = null, email = null",
        by_itself: &["email"],
        said: &["name"],
        update: Some(|| json!({"name": "Found Too"})),
    },
    Case {
        table: "customers",
        set: "archived_at = 'infinity'",
        by_itself: &["archived_at"],
        said: &[],
        update: None,
    },
];

async fn opened(layout: Layout) -> Fixture {
    let fixture = Fixture::start_in(layout).await;
    alter(&fixture, OPENED).await;
    fixture
}

/// Stores a property or a customer of the demo's tenant, whatever it holds.
async fn stored(fixture: &Fixture, table: &str, set: &str) -> Uuid {
    let id = Uuid::now_v7();
    let insert = match table {
        "properties" => {
            "insert into properties (tenant_id, id, name, time_zone, max_guests, created_at) \
             values ($1, $2, $2::uuid::text, 'Europe/Berlin', 2, now())"
        }
        _ => {
            "insert into customers (tenant_id, id, name, email, phone, created_at) \
             values ($1, $2, 'Zoe Theirs', '', '', now())"
        }
    };
    fixture.execute(insert, &[&demo::TENANT, &id]).await;
    assert_eq!(fixture.execute(&format!("update {table} set {set} where id = $1"), &[&id]).await, 1);
    id
}

/// Waits until the check in the background has come to these rows.
async fn until_found(fixture: &Fixture, rows: &[Uuid]) {
    let kept = "select count(*) from inconsistencies where row_id = any ($1) and kind_number = 11";
    let (rows, mut last) = (rows.to_vec(), -1);
    for _ in 0..600 {
        last = fixture.count(kept, &[&rows]).await;
        if last == i64::try_from(rows.len()).unwrap() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{last} of {} rows are found", rows.len());
}

/// How many properties and customers are listed, and how many are only counted.
async fn all_listed(fixture: &Fixture, token: &str) -> (usize, i64) {
    let (mut shown, mut left_out) = (0, 0);
    for (name, query) in [("properties", ""), ("customers", ""), ("customers", "&archived=true")] {
        let list = fixture.get_with_key(token, &format!("/v1/{name}?page_size=200{query}")).await;
        shown += list.ok()[name].as_array().unwrap().len();
        left_out += list.body["left_out"].as_i64().unwrap();
    }
    (shown, left_out)
}

/// The row as it is stored.
async fn row_of(fixture: &Fixture, table: &str, row: Uuid) -> String {
    let read = format!("select t::text from {table} t where id = $1");
    fixture.sql.query_one(&read, &[&row]).await.unwrap().get(0)
}

async fn recorded(fixture: &Fixture, row: Uuid) -> i64 {
    let events = "select count(*) from booking_events where action = 'inconsistency_resolved' \
        and evidence = 'write_defaults' and actor is not null and booking_request_id is null \
        and booking_id is null and $1 in (property_id, customer_id)";
    fixture.count(events, &[&row]).await
}

/// The one inconsistency of a row, which is what it must be with these columns.
async fn is_listed(fixture: &Fixture, token: &str, row: Uuid, case: &Case, columns: &[&str]) -> Json {
    let Case { table, by_itself, .. } = case;
    let found = listed(fixture, token, row).await;
    assert_eq!(found.len(), 1, "{columns:?}: {found:?}");
    let one = found[0].clone();
    assert_eq!(one["kind"], "unreadable");
    assert_eq!((&one["booking_request_id"], &one["booking_id"]), (&json!(""), &json!("")));
    let has_choice = columns.iter().any(|column| by_itself.contains(column));
    assert_eq!(one["choices"], if has_choice { json!(["write_defaults"]) } else { json!([]) });
    let remedy = one["remedy"].as_str().unwrap();
    let noun = if *table == "properties" { "property" } else { "customer" };
    let named = format!("The {noun} holds what cannot be shown in: {}.", columns.join(", "));
    assert!(remedy.starts_with(&named), "{named}: {remedy}");
    assert_eq!(remedy.contains("write_defaults"), has_choice, "{remedy}");
    if columns.iter().any(|column| case.said.contains(column)) {
        assert!(remedy.contains(&format!("PATCH /api/v1/{table}/{row}")), "{remedy}");
    }
    one
}

async fn is_put_right(fixture: &Fixture, token: &str, row: Uuid, case: &Case) {
    let Case { table, by_itself, said, update, .. } = case;
    // The time zone is judged last; other columns are in the order of their table.
    let columns: Vec<&str> = match *said {
        ["name", ..] => said.iter().chain(*by_itself).copied().collect(),
        ["max_guests", rest @ ..] => ["max_guests"].iter().chain(*by_itself).chain(rest).copied().collect(),
        _ => by_itself.to_vec(),
    };
    let one = is_listed(fixture, token, row, case, &columns).await;
    let before = row_of(fixture, table, row).await;
    let other = resolve(fixture, token, row, &json!({"choice": "cancel"})).await;
    other.refused(409, "CHOICE_NOT_OFFERED");
    let stale = resolve(fixture, token, row, &json!({"choice": "write_defaults", "etag": "77"})).await;
    if by_itself.is_empty() {
        stale.refused(409, "CHOICE_NOT_OFFERED");
    } else {
        stale.refused(409, "ETAG_MISMATCH");
    }
    assert_eq!(row_of(fixture, table, row).await, before);
    if !by_itself.is_empty() {
        let body = json!({"choice": "write_defaults", "etag": one["etag"]});
        let resolved = resolve(fixture, token, row, &body).await;
        assert_eq!(
            (&resolved.ok()["resolved"], &resolved.body["kind"]),
            (&json!(true), &json!("unreadable"))
        );
        assert_eq!(resolved.body["booking_request_id"], "");
        assert_eq!(recorded(fixture, row).await, 1);
    }
    if let Some(update) = update {
        is_listed(fixture, token, row, case, said).await;
        fixture.patch(&format!("/v1/{table}/{row}"), token, &update()).await.ok();
    }
    assert!(listed(fixture, token, row).await.is_empty(), "{columns:?}");
    let again = resolve(fixture, token, row, &json!({"choice": "write_defaults"})).await;
    assert_eq!(again.ok()["resolved"], false);
    assert_eq!(recorded(fixture, row).await, i64::from(!by_itself.is_empty()));
}

#[tokio::test]
async fn what_cannot_be_shown_of_a_property_or_customer_is_named_and_put_right() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = opened(layout).await;
        let token = fixture.token(demo::OWNER).await;
        let (before, _) = all_listed(&fixture, &token).await;
        let mut rows = Vec::new();
        for Case { table, set, .. } in &CASES {
            rows.push(stored(&fixture, table, set).await);
            all_listed(&fixture, &token).await;
        }
        until_found(&fixture, &rows).await;
        // The service has looked at the tables again, of which names may be missing.
        let counted = async || all_listed(&fixture, &token).await == (before + CASES.len() - 3, 3);
        crate::waits::until_so("names that are missing are counted", counted).await;
        for (row, case) in rows.iter().zip(&CASES) {
            is_put_right(&fixture, &token, *row, case).await;
            all_listed(&fixture, &token).await;
        }
        assert_eq!(all_listed(&fixture, &token).await, (before + CASES.len(), 0), "{layout:?}");
        let [held, unheld] = [rows[0], rows[1]].map(|row| format!("/v1/properties/{row}"));
        for path in [held, unheld] {
            let read = fixture.get(&path, &token).await;
            assert_eq!((&read.ok()["hold_policy"], &read.body["hold_hours"]), (&json!("none"), &json!(24)));
            assert_ne!(read.body["created_at"], Json::Null);
        }
        // Archived it was, whenever.
        let archived = fixture.customers(&token, &format!("/{}", rows[7])).await;
        assert_ne!(archived.ok()["archived_at"], Json::Null);
    }
}

/// A page shows rows as they are, whoever has put them right.
#[tokio::test]
async fn what_another_program_has_put_right_is_not_listed() {
    let fixture = opened(Layout::Standard).await;
    let token = fixture.manager().await;
    let property = stored(&fixture, "properties", "hold_policy = null").await;
    let customer = stored(&fixture, "customers", "notes = null").await;
    until_found(&fixture, &[property, customer]).await;
    fixture.execute("update properties set hold_policy = 'hold' where id = $1", &[&property]).await;
    fixture.execute("delete from customers where id = $1", &[&customer]).await;
    for row in [property, customer] {
        assert!(listed(&fixture, &token, row).await.is_empty());
    }
    let done = resolve(&fixture, &token, property, &json!({"choice": "write_defaults"})).await;
    assert_eq!(done.ok()["resolved"], false);
    let gone = resolve(&fixture, &token, customer, &json!({"choice": "write_defaults"})).await;
    gone.refused(404, "INCONSISTENCY_NOT_FOUND");
}

/// In no list of customers is one of which nobody knows whether it is archived.
#[tokio::test]
async fn a_customer_that_is_in_no_list_is_named_and_comes_back() {
    let fixture = opened(Layout::Standard).await;
    let token = fixture.manager().await;
    let before = all_listed(&fixture, &token).await;
    let id = stored(&fixture, "customers", "notes = ''").await;
    // Past the trigger that says it.
    let lost = format!(
        "set session_replication_role = replica; update customers set archived = null where id = '{id}'; \
         set session_replication_role = origin"
    );
    fixture.sql.batch_execute(&lost).await.unwrap();
    assert_eq!(all_listed(&fixture, &token).await, before);
    until_found(&fixture, &[id]).await;
    let found = listed(&fixture, &token, id).await;
    assert_eq!(found[0]["choices"], json!(["write_defaults"]), "{found:?}");
    resolve(&fixture, &token, id, &json!({"choice": "write_defaults"})).await.ok();
    assert_eq!(all_listed(&fixture, &token).await, (before.0 + 1, before.1));
}

#[tokio::test]
async fn properties_and_customers_of_others_and_those_that_are_right_offer_nothing() {
    let fixture = opened(Layout::Standard).await;
    let token = fixture.manager().await;
    fixture.execute("update properties set hold_policy = null where id = $1", &[&HARBOUR_LOFT]).await;
    let before = fixture.snapshot().await;
    let theirs = resolve(&fixture, &token, HARBOUR_LOFT, &json!({"choice": "write_defaults"})).await;
    theirs.refused(404, "INCONSISTENCY_NOT_FOUND");
    let right = resolve(&fixture, &token, LAKE_HOUSE, &json!({"choice": "write_defaults"})).await;
    assert_eq!(right.ok()["resolved"], false);
    let nothing = resolve(&fixture, &token, LAKE_HOUSE, &json!({"choice": "clear_mark"})).await;
    nothing.refused(409, "CHOICE_NOT_OFFERED");
    assert_eq!(fixture.snapshot().await, before);
}

/// An id of another system names one customer.
#[tokio::test]
async fn a_customer_without_a_source_does_not_get_the_id_of_another() {
    let fixture = opened(Layout::Standard).await;
    let token = fixture.manager().await;
    let first = stored(&fixture, "customers", "external_id = '7'").await;
    let id = stored(&fixture, "customers", "external_id = '7', source = null").await;
    until_found(&fixture, &[id]).await;
    let before = fixture.snapshot().await;
    let refused = resolve(&fixture, &token, id, &json!({"choice": "write_defaults"})).await;
    refused.refused(409, "CHOICE_NOT_OFFERED");
    assert!(refused.body["detail"].as_str().unwrap().contains("give it a source"), "{}", refused.body);
    assert_eq!(fixture.snapshot().await, before);
    fixture.execute("update customers set external_id = '8' where id = $1", &[&first]).await;
    let resolved = resolve(&fixture, &token, id, &json!({"choice": "write_defaults"})).await;
    assert_eq!(resolved.ok()["resolved"], true);
}

/// More customers than a step of the check walks over, of whom every hundredth is found.
#[tokio::test]
async fn the_check_goes_through_more_customers_than_a_step_has() {
    let fixture = opened(Layout::ConfirmedOnly).await;
    let many = "insert into customers (tenant_id, id, name, email, phone, created_at) \
        select $1, gen_random_uuid(), 'Zoe Theirs', case when n % 100 > 0 then '' end, '', now() \
        from generate_series(1, 1300) n returning id, email is null";
    let rows = fixture.sql.query(many, &[&demo::TENANT]).await.unwrap();
    let bad: Vec<Uuid> = rows.iter().filter(|row| row.get(1)).map(|row| row.get(0)).collect();
    assert_eq!(bad.len(), 13);
    until_found(&fixture, &bad).await;
}

/// Customers may be brought before there is anything to let.
#[tokio::test]
async fn the_check_comes_to_a_tenant_that_has_customers_alone() {
    let fixture = opened(Layout::Standard).await;
    let (tenant, id) = (Uuid::now_v7(), Uuid::now_v7());
    let alone = "insert into customers (tenant_id, id, name, email, phone, created_at) \
        values ($1, $2, null, '', '', now())";
    fixture.execute(alone, &[&tenant, &id]).await;
    until_found(&fixture, &[id]).await;
}

/// A column of another type ends neither the check nor the list.
#[tokio::test]
async fn numbers_that_are_texts_keep_nothing_from_being_found() {
    let fixture = opened(Layout::Standard).await;
    let token = fixture.manager().await;
    let texts = "alter table properties alter column min_nights type text using '2 nights', \
        alter column max_guests type text using max_guests::text, \
        alter column closed_to_arrival type text using '{{5,5},{5,5}}'";
    alter(&fixture, texts).await;
    let property = stored(&fixture, "properties", "hold_hours = -1").await;
    let customer = stored(&fixture, "customers", "notes = null").await;
    until_found(&fixture, &[customer]).await;
    let found = listed(&fixture, &token, property).await;
    let remedy = found[0]["remedy"].as_str().unwrap();
    assert!(remedy.contains("hold_hours"), "{remedy}");
    let house = listed(&fixture, &token, LAKE_HOUSE).await;
    let remedy = house[0]["remedy"].as_str().unwrap();
    assert!(["min_nights", "closed_to_arrival"].iter().all(|name| remedy.contains(name)), "{remedy}");
    assert!(!remedy.contains("max_guests"), "{remedy}");
}

/// What is changed with a scope of its own elsewhere takes it here, too.
#[tokio::test]
async fn only_who_may_change_properties_and_customers_has_defaults_written() {
    let fixture = opened(Layout::Standard).await;
    let owner = fixture.token(demo::OWNER).await;
    let desk = json!({"name": "desk", "scopes": ["bookings:view", "bookings:manage"]});
    fixture.post(&format!("/v1/tenants/{}/roles", demo::TENANT), &owner, &desk).await.ok();
    let given = "update identity.memberships m set role = 'desk' from identity.users u \
        where u.id = m.user_id and u.email = $1 and m.tenant_id = $2";
    assert_eq!(fixture.execute(given, &[&demo::MANAGER, &demo::TENANT]).await, 1);
    let token = fixture.manager().await;
    let property = stored(&fixture, "properties", "hold_policy = null").await;
    let customer = stored(&fixture, "customers", "notes = null").await;
    until_found(&fixture, &[property, customer]).await;
    for (table, row, scope) in
        [("properties", property, "properties:manage"), ("customers", customer, "customers:manage")]
    {
        let before = row_of(&fixture, table, row).await;
        let refused = resolve(&fixture, &token, row, &json!({"choice": "write_defaults"})).await;
        refused.refused(403, "SCOPE_MISSING");
        assert_eq!(refused.body["metadata"]["missing"], scope);
        assert_eq!(row_of(&fixture, table, row).await, before);
        let done = resolve(&fixture, &owner, row, &json!({"choice": "write_defaults"})).await;
        assert_eq!(done.ok()["resolved"], true);
    }
}
