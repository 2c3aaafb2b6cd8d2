//! Columns that somebody else altered under a running service: every change answers
//! cleanly, what it refuses has stored nothing, and the refusal names what is altered,
//! in the words of readiness.

use std::collections::BTreeSet;

use frontdesk::demo;
use frontdesk_proto::{MethodContract, descriptors};
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::alterations::{Altered, ENUM, alterations};
use crate::fixture::{Answer, Fixture, LAKE_HOUSE, Layout};

/// Other types that a column may get.
fn others(ty: &str) -> &'static [&'static str] {
    match ty {
        "uuid" => &["text"],
        "date" => &["timestamp", "timestamptz"],
        "timestamp with time zone" => &["timestamp", "date"],
        "integer[]" => &["bigint[]", "smallint[]"],
        "integer" => &["bigint", "smallint", "numeric", "text"],
        "bigint" => &["integer", "numeric"],
        "text" => &["varchar(4000)", "char(4000)", ENUM],
        "boolean" => &["text"],
        _ => &[],
    }
}

/// The guest of the rows.
const GUEST: &str = "0d000000-0000-7000-8000-000000000301";

/// Rows that the changes of one round are about, on nights of their own.
struct Rows {
    /// Open ones, the last with a mark that nothing stands behind.
    requests: [Uuid; 5],
    /// One to cancel, and of long ago one to check in, one to check out and one to mark
    /// as a no-show.
    bookings: [Uuid; 4],
    block: Uuid,
    /// One to change, one to archive, one that is archived, one to keep, one to merge.
    customers: [Uuid; 5],
    day: i32,
}

async fn rows(fixture: &Fixture, round: i32) -> Rows {
    let day = 20 * round;
    let (requests, bookings) = ([(); 5].map(|()| Uuid::now_v7()), [(); 4].map(|()| Uuid::now_v7()));
    let (block, customers) = (Uuid::now_v7(), [(); 5].map(|()| Uuid::now_v7()));
    for (at, id) in (0..).zip(&requests) {
        let insert = format!(
            "insert into {} (tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, created_at, updated_at, confirmed_at) \
             values ($1, $2, $3, '{GUEST}', date '2040-01-01' + $4::integer, date '2040-01-02' + $4::integer, 'requested', 1, now(), now(), \
             case when $5 then now() end)",
            fixture.layout.requests()
        );
        let marked = at == 4;
        fixture.execute(&insert, &[&demo::TENANT, id, &LAKE_HOUSE, &(day + at), &marked]).await;
    }
    for (at, id) in (0..).zip(&bookings) {
        let year = if at == 0 { 2040 } else { 1900 };
        let status = if at == 2 { "checked_in" } else { "confirmed" };
        let insert = format!(
            "insert into bookings (tenant_id, id, property_id, guest_id, check_in, check_out, status, created_at, updated_at) \
             values ($1, $2, $3, '{GUEST}', date '{year}-01-06' + $4::integer, date '{year}-01-07' + $4::integer, '{status}', now(), now())"
        );
        fixture.execute(&insert, &[&demo::TENANT, id, &LAKE_HOUSE, &(day + at)]).await;
    }
    let insert = "insert into inventory_ranges (tenant_id, id, property_id, kind, start_date, end_date, state, created_at) \
        values ($1, $2, $3, 'block', date '2040-01-08' + $4::integer, date '2040-01-09' + $4::integer, 'active', now())";
    fixture.execute(insert, &[&demo::TENANT, &block, &LAKE_HOUSE, &day]).await;
    for (at, id) in (0..).zip(&customers) {
        let insert = "insert into customers (tenant_id, id, name, email, phone, created_at, archived_at) \
            values ($1, $2, 'Guest', '', '', now(), case when $3 then now() end)";
        let archived = at == 2;
        fixture.execute(insert, &[&demo::TENANT, id, &archived]).await;
    }
    Rows { requests, bookings, block, customers, day }
}

/// A change: its method in the descriptor, and the call.
type Change = (&'static str, Method, String, Json);

/// Every change of a round.
fn changes(rows: &Rows) -> Vec<Change> {
    [of_requests(rows), of_bookings(rows), of_properties(rows), of_customers(rows)].concat()
}

/// A day of the round.
fn date(rows: &Rows, after: i32) -> String {
    let start = jiff::civil::date(2040, 1, 1);
    start.checked_add(jiff::ToSpan::days(rows.day + after)).unwrap().to_string()
}

fn of_requests(rows: &Rows) -> Vec<Change> {
    let [first, second, third, fourth, marked] = rows.requests;
    let asked = json!({"property_id": LAKE_HOUSE.to_string(), "guest_id": GUEST,
        "check_in": date(rows, 10), "check_out": date(rows, 11)});
    let post = |name, id: Uuid, step: &str, body| {
        (name, Method::POST, format!("/v1/booking-requests/{id}/{step}"), body)
    };
    vec![
        ("CreateBookingRequest", Method::POST, "/v1/booking-requests".to_owned(), asked),
        post("ApproveBookingRequest", first, "approve", json!({})),
        post("DeclineBookingRequest", second, "decline", json!({"decline_reason": "no"})),
        post("StartReview", third, "review", json!({})),
        post("CancelBookingRequest", fourth, "cancel", json!({})),
        (
            "ResolveInconsistency",
            Method::POST,
            format!("/v1/diagnostics/inconsistencies/{marked}/resolve"),
            json!({"choice": "clear_mark"}),
        ),
    ]
}

fn of_bookings(rows: &Rows) -> Vec<Change> {
    let [cancelled, checked_in, checked_out, missed] = rows.bookings;
    let sold = json!({"property_id": LAKE_HOUSE.to_string(), "guest_id": GUEST, "source": "channel",
        "external_id": rows.day.to_string(), "check_in": date(rows, 14), "check_out": date(rows, 15)});
    let post =
        |name, id: Uuid, step: &str, body| (name, Method::POST, format!("/v1/bookings/{id}/{step}"), body);
    vec![
        ("CreateBooking", Method::POST, "/v1/bookings".to_owned(), sold),
        post("CancelBooking", cancelled, "cancel", json!({})),
        post("CheckIn", checked_in, "check-in", json!({"override_rules": true})),
        post("CheckOut", checked_out, "check-out", json!({})),
        post("MarkNoShow", missed, "no-show", json!({})),
    ]
}

fn of_properties(rows: &Rows) -> Vec<Change> {
    let Rows { block, day, .. } = rows;
    let house = format!("/v1/properties/{LAKE_HOUSE}");
    let nights = json!({"start_date": date(rows, 12), "end_date": date(rows, 13)});
    let property = json!({"name": format!("House {day}"), "time_zone": "Europe/Berlin", "max_guests": 2});
    let settings = json!({"auto_decline": day % 40 == 0});
    vec![
        ("BlockProperty", Method::POST, format!("{house}/blocks"), nights),
        ("UnblockProperty", Method::DELETE, format!("{house}/blocks/{block}"), Json::Null),
        ("CreateProperty", Method::POST, "/v1/properties".to_owned(), property),
        ("UpdateProperty", Method::PATCH, house, json!({"max_guests": 4 + day % 3})),
        ("UpdateBookingSettings", Method::PATCH, "/v1/booking-settings".to_owned(), settings),
    ]
}

fn of_customers(rows: &Rows) -> Vec<Change> {
    let [changed, left, archived, kept, twin] = rows.customers;
    let post =
        |name, id: Uuid, step: &str, body| (name, Method::POST, format!("/v1/customers/{id}/{step}"), body);
    let of_system = |id: &str| json!({"name": "Guest", "source": "pms", "external_id": id});
    let line = of_system(&format!("line {}", rows.day)).to_string();
    vec![
        ("CreateCustomer", Method::POST, "/v1/customers".to_owned(), of_system(&rows.day.to_string())),
        ("UpdateCustomer", Method::PATCH, format!("/v1/customers/{changed}"), json!({"phone": "+49 1"})),
        post("ArchiveCustomer", left, "archive", json!({})),
        post("UnarchiveCustomer", archived, "unarchive", json!({})),
        post("MergeCustomers", kept, "merge", json!({"duplicate_id": twin.to_string()})),
        // A file of one line.
        ("ImportCustomers", Method::POST, "/v1/customers/import".to_owned(), Json::String(line)),
    ]
}

/// Whether the walk makes every change that there is.
fn assert_complete(changes: &[Change]) {
    let services =
        descriptors().services().filter(|service| booking::SERVICES.contains(&service.full_name()));
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    let there_is: BTreeSet<String> = methods
        .filter(|method| MethodContract::of(method).changes)
        .map(|method| method.name().to_owned())
        .collect();
    let made: BTreeSet<String> = changes.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(made, there_is);
}

/// Whether anything is stored: how many rows there are, and which transaction wrote last.
/// Of events there is their number alone: no change writes to one that is there, and what
/// waits is numbered beside the calls every two minutes.
fn stored(layout: Layout) -> String {
    let tables = layout.written().into_iter();
    let written: Vec<String> = tables
        .map(|table| match table {
            "booking_events" => format!("(select count(*) from {table})"),
            _ => format!("(select count(*) || ' ' || max(xmin::text::bigint) from {table})"),
        })
        .collect();
    format!("select concat_ws(', ', {})", written.join(", "))
}

/// What a call answers; what an import says of its line is its answer.
async fn send(fixture: &Fixture, token: &str, (_, method, path, body): &Change) -> Answer {
    let request = fixture.request(method.clone(), path).bearer_auth(token);
    match body {
        Json::Null => Answer::of(request).await,
        Json::String(file) => {
            let file = request.header("content-type", "application/x-ndjson").body(file.clone());
            let mut answer = Answer::of(file).await;
            let first = answer.body.as_str().and_then(|lines| lines.lines().next());
            let told: Json = first.map_or(answer.body.clone(), |line| serde_json::from_str(line).unwrap());
            let (error, result) = (&told["error"], &told["result"]);
            if error.is_object() {
                answer.status = 503;
                answer.body = json!({"code": error["code"], "metadata": {"object": error["message"]}});
            } else if result["outcome"] == "refused" {
                answer.status = 400;
                answer.body = json!({"code": result["reason"], "detail": result["message"]});
            } else if answer.status == 200 {
                assert!(result.is_object(), "{told}");
            }
            answer
        }
        body => Answer::of(request.json(body)).await,
    }
}

async fn walk(layout: Layout, tables: &[&str]) {
    let fixture = Fixture::start_in(layout).await;
    let token = fixture.token(demo::OWNER).await;
    let changes = async |round| changes(&rows(&fixture, round).await);
    assert_complete(&changes(901).await);
    let ours = "a.attgenerated = '' and a.attname <> 'tenant_id'";
    let alterations = alterations(&fixture, "public", tables, ours, others).await;
    let send = async |change: &Change| send(&fixture, &token, change).await;
    let altered = Altered { fixture: &fixture, also_named: &[], over: &[] };
    let stored = fixture.sql.prepare(&stored(layout)).await.unwrap();
    let stored = async || fixture.sql.query_one(&stored, &[]).await.unwrap().get::<_, String>(0);
    let tried = altered.walk(alterations, changes, send, stored).await;
    assert!(tried.alterations > 20 && tried.refusals > 20, "{tried:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_stores_what_it_refuses_for_an_altered_column() {
    Box::pin(walk(Layout::Standard, &Layout::Standard.written())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_stores_what_it_refuses_for_an_altered_column_of_the_single_table() {
    Box::pin(walk(Layout::ConfirmedOnly, &["bookings"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_stores_what_it_refuses_for_an_altered_column_of_the_literal_single_table() {
    Box::pin(walk(Layout::Literal, &["bookings"])).await;
}
