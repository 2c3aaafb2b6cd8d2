//! Rows that another program wrote: whatever they hold, lists go on, and what is shown
//! of them is true.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::alterations::alter;
use crate::fixture::{Fixture, LAKE_HOUSE, Layout, case, path_of};
use crate::pages::rows;
use crate::program::repair::frontdesk;
use crate::program::run::text;
use crate::whole::schema_drift::readiness;
use frontdesk::demo;

/// Takes from a table of requests what keeps the rows of other programs out.
pub const OPENED: &str = "do $$ declare one record; begin \
    for one in select conrelid::regclass as of, conname from pg_constraint \
        where conrelid in (to_regclass('booking_requests'), to_regclass('bookings')) and contype = 'c' loop \
        execute format('alter table %s drop constraint %I', one.of, one.conname); \
    end loop; \
    for one in select attrelid::regclass as of, attname from pg_attribute \
        where attrelid in (to_regclass('booking_requests'), to_regclass('bookings')) and attnum > 0 and attnotnull \
        and not attisdropped and attname not in ('id', 'tenant_id', 'property_id') loop \
        execute format('alter table %s alter column %I drop not null', one.of, one.attname); \
    end loop; end $$";

/// Dates on which nothing else is, a month for each row.
fn month(of: usize) -> String {
    format!("{}-{:02}-01", 2060 + of / 12, of % 12 + 1)
}

/// What a row gets, and what the API shows of it.
type Case = (&'static str, &'static str, fn(&Json));

const CASES: [Case; 13] = [
    ("message", "null", |row| assert_eq!(row["message"], "")),
    ("internal_note", "null", |row| assert_eq!(row["internal_note"], "")),
    ("guest_count", "null", |row| assert_eq!(row["guest_count"], 0)),
    ("guest_count", "-3", |row| assert_eq!(row["guest_count"], 0)),
    ("row_version", "null", |row| assert_eq!(row["status"], "requested")),
    ("status", "'awaiting_owner'", |row| {
        assert_eq!((&row["status"], &row["stored_status"]), (&json!("unknown"), &json!("unknown")));
        assert_eq!(row["unknown_status"], "awaiting_owner");
    }),
    ("status", "null", |row| {
        assert_eq!((&row["status"], &row["unknown_status"]), (&json!("unknown"), &json!("")));
    }),
    ("updated_at", "null", |row| assert_eq!(row["updated_at"], Json::Null)),
    ("updated_at", "'infinity'", |row| assert_eq!(row["updated_at"], Json::Null)),
    ("created_at", "'294276-01-01'", |row| assert_eq!(row["created_at"], Json::Null)),
    ("check_out", "'infinity'", |row| assert_eq!(row["check_out"], "")),
    ("check_in", "'-infinity'", |row| assert_eq!(row["check_in"], "")),
    ("decided_by", "null", |row| assert_eq!(row["decided_by"], "")),
];

/// A request of the Lake House in a month of its own.
async fn request(fixture: &Fixture, of: usize) -> Uuid {
    let id = Uuid::now_v7();
    let insert = format!(
        "insert into {} (tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, created_at, updated_at) \
         values ($1, $2, $3, '0d000000-0000-7000-8000-000000000301', $4::text::date, $4::text::date + 2, 'requested', 1, now(), now())",
        fixture.layout.requests()
    );
    fixture.execute(&insert, &[&demo::TENANT, &id, &LAKE_HOUSE, &month(of)]).await;
    id
}

#[tokio::test]
async fn rows_of_others_are_shown_as_far_as_they_can_be_in_the_standard_layout() {
    shown_as_far_as_they_can_be(Layout::Standard).await;
}

#[tokio::test]
async fn rows_of_others_are_shown_as_far_as_they_can_be_in_the_single_table() {
    shown_as_far_as_they_can_be(Layout::ConfirmedOnly).await;
}

/// Waits until a list of requests has so many.
async fn until_listed(fixture: &Fixture, token: &str, filter: &str, requests: usize) {
    let path = format!("/api/v1/booking-requests?{filter}&page_size=200");
    let mut last = Json::Null;
    for _ in 0..200 {
        last = fixture.get(&path, token).await.ok().clone();
        if last["booking_requests"].as_array().unwrap().len() == requests {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the list has not got {requests}: {last}");
}

async fn shown_as_far_as_they_can_be(layout: Layout) {
    let fixture = Fixture::start_in(layout).await;
    let token = fixture.manager().await;
    alter(&fixture, OPENED).await;
    let mut made = Vec::new();
    for (at, (column, value, shown)) in CASES.iter().enumerate() {
        let id = request(&fixture, at).await;
        let own = match (layout, *column) {
            (Layout::Standard, _) => column,
            (_, "internal_note") => &"internal_notes",
            (_, "decided_by") => &"approved_by",
            _ => column,
        };
        fixture
            .execute(&format!("update {} set {own} = {value} where id = $1", layout.requests()), &[&id])
            .await;
        made.push((id, column, shown));
    }
    // The service looks at the schema again when it asks whether it is ready, and lists
    // what may have any status from then on.
    until_listed(&fixture, &token, "status=unknown", 2).await;
    for (id, column, shown) in &made {
        let row = fixture.get(&path_of(*id, ""), &token).await;
        assert_eq!(row.status, 200, "{column}: {}", row.body);
        shown(&row.body);
    }
    for list in ["?page_size=200", "?page_size=200&order=oldest_first", "?page_size=200&order=check_in"] {
        let page = fixture.get(&format!("/api/v1/booking-requests{list}"), &token).await;
        let rows = page.ok()["booking_requests"].as_array().unwrap();
        for (id, column, shown) in &made {
            let row = rows.iter().find(|row| row["id"] == id.to_string());
            shown(row.unwrap_or_else(|| panic!("{list} lacks the row with another {column}")));
        }
        assert_eq!(page.body["left_out"], 0);
    }
    let unknown = fixture.get("/api/v1/booking-requests?status=unknown", &token).await;
    assert_eq!(unknown.ok()["booking_requests"].as_array().unwrap().len(), 2, "{}", unknown.body);
    let of_house = format!("/api/v1/booking-requests?property_id={LAKE_HOUSE}&page_size=200");
    let rows = fixture.get(&of_house, &token).await.ok()["booking_requests"].as_array().unwrap().len();
    assert!(rows >= CASES.len(), "{rows}");
    fixture.get("/api/v1/bookings?page_size=200", &token).await.ok();
    for (id, column, _) in made {
        is_decided_as_far_as_it_is_known(&fixture, &token, id, column).await;
    }
}

/// What is known is decided; what is not is left as it is.
async fn is_decided_as_far_as_it_is_known(fixture: &Fixture, token: &str, id: Uuid, column: &str) {
    let before = fixture.snapshot().await;
    let approved = fixture.post(&path_of(id, "/approve"), token, &json!({"internal_note": "fine"})).await;
    if column == "status" {
        approved.refused(409, "INVALID_TRANSITION");
        assert_eq!(approved.body["metadata"]["state"], "unknown_status");
        for step in ["/decline", "/review", "/cancel"] {
            let body = json!({"decline_reason": "no"});
            let body = if step == "/decline" { body } else { json!({}) };
            let answer = fixture.post(&path_of(id, step), token, &body).await;
            assert_eq!(answer.status, 409, "{step} {}", answer.body);
        }
        assert_eq!(fixture.snapshot().await, before);
    } else if ["check_in", "check_out"].contains(&column) {
        approved.refused(409, "INVALID_TRANSITION");
        assert_eq!(approved.body["metadata"]["state"], "unknown_nights");
        assert_eq!(fixture.snapshot().await, before);
        let explained = fixture.get(&path_of(id, "/explain"), token).await;
        assert_eq!(explained.ok()["message"], approved.body["detail"]);
        fixture.post(&path_of(id, "/cancel"), token, &json!({})).await.ok();
    } else {
        approved.ok();
        let row = fixture.get(&path_of(id, ""), token).await;
        assert!(row.ok()["internal_note"].as_str().unwrap().ends_with("fine"), "{}", row.body);
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_shown_is_left_out_and_named() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        alter(&fixture, OPENED).await;
        let id = request(&fixture, 1).await;
        let break_it = format!("update {} set check_out = null where id = $1", layout.requests());
        fixture.execute(&break_it, &[&id]).await;
        let whole = fixture.get("/api/v1/booking-requests?page_size=200", &token).await;
        assert_eq!(whole.ok()["left_out"], 1);
        let shown = whole.body["booking_requests"].as_array().unwrap().len();
        assert!(shown > 3, "{}", whole.body);
        // Pages go on past it, whatever their size.
        let pages = fixture.pages(&token, "/api/v1/booking-requests?page_size=2").await;
        assert_eq!(rows(&pages, "booking_requests").len(), shown);
        let before = fixture.snapshot().await;
        for answer in [
            fixture.get(&path_of(id, ""), &token).await,
            fixture.approve(&token, id).await,
            fixture.post(&path_of(id, "/cancel"), &token, &json!({})).await,
        ] {
            answer.refused(422, "UNREADABLE_ROW");
            assert_eq!(answer.body["metadata"]["column"], "check_out");
        }
        assert_eq!(fixture.snapshot().await, before);
    }
}

/// A booking whose status nobody knows keeps its dates.
#[tokio::test]
async fn a_booking_with_an_unknown_status_is_shown_and_keeps_its_dates() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.sql.batch_execute("alter table bookings drop constraint bookings_status_check").await.unwrap();
    let id = fixture.open_request(demo::TENANT, 701, 500, 503).await;
    fixture
        .execute(
            "insert into bookings (tenant_id, id, property_id, guest_id, check_in, check_out, status, created_at, updated_at) \
             select tenant_id, gen_random_uuid(), property_id, '0d000000-0000-7000-8000-000000000301', check_in, check_out, 'owner_stay', now(), now() \
             from booking_requests where id = $1",
            &[&id],
        )
        .await;
    let list = fixture.get(&format!("/api/v1/bookings?property_id={LAKE_HOUSE}"), &token).await;
    let row = &list.ok()["bookings"][0];
    assert_eq!((&row["status"], &row["unknown_status"]), (&json!("unknown"), &json!("owner_stay")));
    let booking = row["id"].as_str().unwrap();
    let cancel = fixture.post(&format!("/api/v1/bookings/{booking}/cancel"), &token, &json!({})).await;
    cancel.refused(409, "INVALID_TRANSITION");
    fixture.approve(&token, id).await.refused(409, "BOOKING_OVERLAP");
}

/// Makes the status of a table an enum, as many others have it.
pub fn to_enum(table: &str, predicate: &str) -> String {
    format!(
        "create type {table}_status as enum ('inquiry', 'pending', 'requested', 'under_review', 'confirmed', \
            'checked_in', 'checked_out', 'cancelled', 'declined', 'no_show', 'expired'); \
         do $$ declare one record; begin \
            for one in select conname from pg_constraint where conrelid = '{table}'::regclass and contype in ('c', 'x') \
                and pg_get_constraintdef(oid) like '%status%' loop \
                execute format('alter table {table} drop constraint %I', one.conname); end loop; \
            for one in select indexrelid::regclass as of from pg_index where indrelid = '{table}'::regclass \
                and pg_get_indexdef(indexrelid) like '%status%' loop execute format('drop index %s', one.of); end loop; \
         end $$; \
         alter table {table} alter column status type {table}_status using status::{table}_status; {predicate}"
    )
}

/// The constraint against double bookings.
pub fn exclusion(predicate: &str) -> String {
    format!(
        "alter table bookings add constraint no_double_bookings exclude using gist (tenant_id with =, \
         property_id with =, daterange(check_in, check_out) with &&) where (status {predicate})"
    )
}

/// What keeps migrations from being called complete.
async fn drifted(fixture: &Fixture) -> Vec<String> {
    let client = pg::connect(&fixture.database.url).await.unwrap();
    pg::schema::drift(&client, &booking::SCHEMA).await.unwrap().missing()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_is_an_enum_is_decided_like_a_text() {
    let literal = exclusion("not in ('cancelled', 'declined', 'no_show')");
    let sold = exclusion("in ('pending', 'confirmed', 'checked_in')");
    for (layout, statements) in [
        (Layout::Standard, vec![to_enum("booking_requests", ""), to_enum("bookings", &literal)]),
        (Layout::Literal, vec![to_enum("bookings", &literal)]),
        (Layout::ConfirmedOnly, vec![to_enum("bookings", &sold)]),
    ] {
        let fixture = Fixture::start_in(layout).await;
        for statement in statements {
            alter(&fixture, &statement).await;
        }
        let token = fixture.manager().await;
        let list = fixture.get("/api/v1/booking-requests?include_counts=true", &token).await;
        assert!(list.ok()["booking_requests"].as_array().unwrap().len() > 3, "{layout:?} {}", list.body);
        fixture.get(&format!("/api/v1/booking-requests?property_id={LAKE_HOUSE}"), &token).await.ok();
        fixture.get("/api/v1/bookings?status=confirmed", &token).await.ok();
        fixture.get(&path_of(case("REQUESTED"), "/explain"), &token).await.ok();
        let approved = fixture.post(&path_of(case("REQUESTED"), "/approve"), &token, &json!({})).await;
        assert_eq!(approved.ok()["status"], "confirmed");
        let cancel = fixture.post(&path_of(case("REQUESTED"), "/cancel"), &token, &json!({})).await;
        assert_eq!(cancel.ok()["status"], "cancelled");
        let review = fixture.open_request(demo::TENANT, 801, 600, 602).await;
        fixture.post(&path_of(review, "/review"), &token, &json!({})).await.ok();
        let decline = json!({"decline_reason": "no"});
        fixture.post(&path_of(review, "/decline"), &token, &decline).await.ok();
        let asked = json!({"property_id": LAKE_HOUSE.to_string(), "guest_id": "0d000000-0000-7000-8000-000000000301",
            "check_in": "2031-05-01", "check_out": "2031-05-03"});
        let made = fixture.post("/api/v1/booking-requests", &token, &asked).await;
        assert_eq!(made.ok()["status"], "requested", "{layout:?}");
        fixture
            .get(
                &format!("/api/v1/properties/{LAKE_HOUSE}/availability?from=2031-05-01&to=2031-05-09"),
                &token,
            )
            .await
            .ok();
        let healed = fixture.post(&path_of(case("CONFIRMED_AT_SET"), "/approve"), &token, &json!({})).await;
        assert_eq!(healed.ok()["evidence"], "confirmed_at_set");
        // It may have been asked between two of the statements that altered the table.
        readiness(&fixture, true).await;
        let missing = drifted(&fixture).await;
        if layout == Layout::Standard {
            // Which goes with the altered column, and guards what is stored.
            assert!(
                matches!(&missing[..], [one] if one.contains("bookings_standing_external_id_key")),
                "{missing:?}"
            );
            let applied = frontdesk(&fixture, &["doctor", "--repair", "--apply"]).await;
            assert!(applied.status.success(), "{}", text(&applied.stdout));
        }
        assert_eq!(drifted(&fixture).await, Vec::<String>::new());
    }
}

/// From the first day that a column can hold no month is counted back.
#[tokio::test]
async fn nights_at_the_beginning_of_all_days_are_looked_at_like_others() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = request(&fixture, 1).await;
        let block = "insert into inventory_ranges (tenant_id, id, property_id, kind, source_id, start_date, end_date, state, created_at) \
            values ($1, gen_random_uuid(), $2, 'booking', $3, '4714-11-24 BC', '4714-11-25 BC', 'active', now())";
        fixture.execute(block, &[&demo::TENANT, &LAKE_HOUSE, &Uuid::now_v7()]).await;
        let booking = "insert into bookings (tenant_id, id, property_id, guest_id, check_in, check_out, status, created_at, updated_at) \
            values ($1, $3, $2, null, '4714-11-24 BC', '4714-11-26 BC', 'confirmed', now(), now())";
        let early = Uuid::now_v7();
        fixture.execute(booking, &[&demo::TENANT, &LAKE_HOUSE, &early]).await;
        let listed = fixture.get("/v1/diagnostics/inconsistencies?page_size=200", &token).await;
        let rows = listed.ok()["inconsistencies"].as_array().unwrap();
        assert!(rows.iter().any(|row| row["row_id"] == early.to_string()), "{layout:?} {}", listed.body);
        fixture.get(&path_of(id, "/explain"), &token).await.ok();
    }
}
