//! Columns that somebody else altered under a running service: every change answers
//! cleanly, what it refuses has stored nothing, and the refusal names what is altered,
//! in the words of readiness.

use frontdesk::demo;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::fixture::{Answer, Fixture, LAKE_HOUSE, Layout};

/// Refusals that a column of another kind may lead to.
const CLEAN: [&str; 6] = [
    "SCHEMA_DRIFT",
    "NOT_NULL_VIOLATION",
    "CHECK_VIOLATION",
    "INVALID_VALUE",
    "UNREADABLE_ROW",
    "FK_VIOLATION",
];

/// Tables that booking writes.
const TABLES: [&str; 7] = [
    "booking_requests",
    "bookings",
    "inventory_ranges",
    "properties",
    "customers",
    "booking_events",
    "booking_settings",
];

/// Other types that a column may get.
fn others(ty: &str) -> &'static [&'static str] {
    match ty {
        "uuid" => &["text"],
        "date" => &["timestamp"],
        "timestamp with time zone" => &["timestamp", "date"],
        "integer" => &["bigint", "smallint", "numeric", "text"],
        "bigint" => &["integer", "numeric"],
        "text" => &["varchar(4000)"],
        "boolean" => &["text"],
        _ => &[],
    }
}

/// What is done to a column, and what takes it back.
struct Alteration {
    column: String,
    there: String,
    back: String,
}

async fn alterations(fixture: &Fixture, tables: &[&str]) -> Vec<Alteration> {
    let query = "select c.relname::text, a.attname::text, format_type(a.atttypid, null) from pg_attribute a \
        join pg_class c on c.oid = a.attrelid where c.relname = any ($1) and c.relnamespace = 'public'::regnamespace \
        and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attname <> 'tenant_id' order by 1, 2";
    let mut found = Vec::new();
    for row in fixture.sql.query(query, &[&tables]).await.unwrap() {
        let (table, column, ty): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        found.push(Alteration {
            there: format!("alter table {table} rename column {column} to gone"),
            back: format!("alter table {table} rename column gone to {column}"),
            column: column.clone(),
        });
        let typed =
            |to: &str| format!("alter table {table} alter column {column} type {to} using {column}::{to}");
        found.extend(others(&ty).iter().map(|other| Alteration {
            there: typed(other),
            back: typed(&ty),
            column: column.clone(),
        }));
    }
    found
}

/// Rows that the changes of one round are about, on nights of their own.
struct Rows {
    requests: [Uuid; 4],
    booking: Uuid,
    block: Uuid,
    day: i32,
}

async fn rows(fixture: &Fixture, round: i32) -> Rows {
    let day = 20 * round;
    let requests = [0, 1, 2, 3].map(|_| Uuid::now_v7());
    let (booking, block) = (Uuid::now_v7(), Uuid::now_v7());
    let guest = "0d000000-0000-7000-8000-000000000301";
    for (at, id) in (0..).zip(&requests) {
        let insert = format!(
            "insert into {} (tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, created_at, updated_at) \
             values ($1, $2, $3, '{guest}', date '2040-01-01' + $4::integer, date '2040-01-02' + $4::integer, 'requested', 1, now(), now())",
            fixture.layout.requests()
        );
        fixture.execute(&insert, &[&demo::TENANT, id, &LAKE_HOUSE, &(day + at)]).await;
    }
    let insert = format!(
        "insert into bookings (tenant_id, id, property_id, guest_id, check_in, check_out, status, created_at, updated_at) \
         values ($1, $2, $3, '{guest}', date '2040-01-06' + $4::integer, date '2040-01-07' + $4::integer, 'confirmed', now(), now())"
    );
    fixture.execute(&insert, &[&demo::TENANT, &booking, &LAKE_HOUSE, &day]).await;
    let insert = "insert into inventory_ranges (tenant_id, id, property_id, kind, start_date, end_date, state, created_at) \
        values ($1, $2, $3, 'block', date '2040-01-08' + $4::integer, date '2040-01-09' + $4::integer, 'active', now())";
    fixture.execute(insert, &[&demo::TENANT, &block, &LAKE_HOUSE, &day]).await;
    Rows { requests, booking, block, day }
}

/// Every change of a round.
fn changes(rows: &Rows) -> Vec<(Method, String, Json)> {
    let Rows { requests: [first, second, third, fourth], booking, block, day } = rows;
    let date = |after: i32| {
        let start = jiff::civil::date(2040, 1, 1);
        start.checked_add(jiff::ToSpan::days(day + after)).unwrap().to_string()
    };
    let request = |id: &Uuid, step: &str| format!("/v1/booking-requests/{id}/{step}");
    let house = format!("/v1/properties/{LAKE_HOUSE}");
    let asked = json!({"property_id": LAKE_HOUSE.to_string(), "guest_id": "0d000000-0000-7000-8000-000000000301",
        "check_in": date(10), "check_out": date(11)});
    let nights = json!({"start_date": date(12), "end_date": date(13)});
    let property = json!({"name": format!("House {day}"), "time_zone": "Europe/Berlin", "max_guests": 2});
    vec![
        (Method::POST, "/v1/booking-requests".to_owned(), asked),
        (Method::POST, request(first, "approve"), json!({})),
        (Method::POST, request(second, "decline"), json!({"decline_reason": "no"})),
        (Method::POST, request(third, "review"), json!({})),
        (Method::POST, request(fourth, "cancel"), json!({})),
        (Method::POST, format!("/v1/bookings/{booking}/cancel"), json!({})),
        (Method::POST, format!("{house}/blocks"), nights),
        (Method::DELETE, format!("{house}/blocks/{block}"), Json::Null),
        (Method::POST, "/v1/properties".to_owned(), property),
        (Method::PATCH, house, json!({"max_guests": 4 + day % 3})),
        (Method::PATCH, "/v1/booking-settings".to_owned(), json!({"auto_decline": day % 2 == 0})),
    ]
}

/// Everything that is stored, in short.
async fn stored(fixture: &Fixture) -> String {
    let tables =
        TABLES.iter().filter(|table| fixture.layout == Layout::Standard || **table != "booking_requests");
    let rows: Vec<String> =
        tables.map(|table| format!("select t::text as row_text from {table} t")).collect();
    let query = format!(
        "select md5(string_agg(row_text, '|' order by row_text)) from ({}) r",
        rows.join(" union all ")
    );
    fixture.sql.query_one(&query, &[]).await.unwrap().get(0)
}

async fn send(fixture: &Fixture, token: &str, (method, path, body): &(Method, String, Json)) -> Answer {
    let request = fixture.request(method.clone(), path).bearer_auth(token);
    Answer::of(if body.is_null() { request } else { request.json(body) }).await
}

async fn walk(layout: Layout, tables: &[&str]) {
    let fixture = Fixture::start_in(layout).await;
    let token = fixture.token(demo::OWNER).await;
    let whole = rows(&fixture, 0).await;
    for change in changes(&whole) {
        assert_eq!(send(&fixture, &token, &change).await.status, 200, "{change:?}");
    }
    let (mut tried, mut refused) = (0, 0);
    for (round, Alteration { column, there, back }) in (1..).zip(alterations(&fixture, tables).await) {
        let rows = rows(&fixture, round).await;
        // Some types cannot be given to a column that keys and policies are about.
        if fixture.sql.batch_execute(&there).await.is_err() {
            continue;
        }
        tried += 1;
        let mut before = stored(&fixture).await;
        for change in changes(&rows) {
            let answer = send(&fixture, &token, &change).await;
            let after = stored(&fixture).await;
            if answer.status >= 400 {
                refused += 1;
                let code = answer.body["code"].as_str().unwrap_or_default();
                assert!(CLEAN.contains(&code), "{there}: {change:?}: {}", answer.body);
                assert_eq!(before, after, "{there}: {change:?} was refused and stored: {}", answer.body);
                let object = answer.body["metadata"]["object"].as_str().unwrap_or_default();
                let named = code != "SCHEMA_DRIFT" || object.contains(&column);
                assert!(named, "{there}: {change:?} does not name it: {}", answer.body);
            }
            before = after;
        }
        fixture.sql.batch_execute(&back).await.unwrap_or_else(|error| panic!("{back}: {error:?}"));
    }
    assert!(tried > 20 && refused > 20, "{tried} alterations, {refused} refusals");
    let rows = rows(&fixture, 900).await;
    for change in changes(&rows) {
        let answer = send(&fixture, &token, &change).await;
        assert_eq!(answer.status, 200, "{change:?}: {}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_stores_what_it_refuses_for_an_altered_column() {
    walk(Layout::Standard, &TABLES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_stores_what_it_refuses_for_an_altered_column_of_the_single_table() {
    walk(Layout::ConfirmedOnly, &["bookings"]).await;
}
