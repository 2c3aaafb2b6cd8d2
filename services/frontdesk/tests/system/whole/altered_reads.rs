//! Columns of another type, as other programs have them: whatever reads them is answered all
//! the same.

use frontdesk::demo;

use crate::alterations::{Altered, ENUM, retyped};
use crate::fixture::{Fixture, LAKE_HOUSE, Layout};

/// Other types with which what is read can be shown.
fn others(ty: &str) -> &'static [&'static str] {
    match ty {
        "integer" => &["bigint", "smallint", "numeric"],
        "bigint" => &["integer", "numeric"],
        "text" => &["varchar(4000)", "char(4000)", ENUM],
        "timestamp with time zone" => &["timestamp", "date"],
        "date" => &["timestamp", "timestamptz"],
        _ => &[],
    }
}

/// Of texts that nothing is decided by: rows are shown without them.
const SHOWN: &str =
    "a.attname in ('name', 'email', 'phone', 'message', 'internal_note', 'internal_notes', 'note')";

fn bytes(_: &str) -> &'static [&'static str] {
    &["bytea"]
}

/// What can be read, each method in some of its forms.
async fn paths(fixture: &Fixture) -> Vec<String> {
    let request = demo::CASES[0].1;
    let sql = "select (select min(id::text) from bookings where tenant_id = $1), \
        (select min(id::text) from customers where tenant_id = $1)";
    let row = fixture.sql.query_one(sql, &[&demo::TENANT]).await.unwrap();
    let [booking, customer]: [String; 2] = [row.get(0), row.get(1)];
    let mut paths: Vec<String> = [
        "booking-requests",
        "booking-requests?status=requested",
        "booking-requests?status=confirmed&stay_from=2020-01-01&stay_to=2020-12-31",
        "booking-requests?created_from=2020-01-01T00:00:00Z&order=newest_first&include_counts=true",
        "booking-settings",
        "bookings",
        "bookings?status=confirmed",
        "customers",
        "customers?search=a",
        "customers?search=a%40b.example",
        "diagnostics/inconsistencies",
        "diagnostics/server",
        "properties",
    ]
    .map(|path| format!("/v1/{path}"))
    .to_vec();
    paths.extend([
        format!("/v1/booking-requests?property_id={LAKE_HOUSE}"),
        format!("/v1/bookings/{booking}"),
        format!("/v1/customers/{customer}"),
        format!("/v1/properties/{LAKE_HOUSE}"),
        format!("/v1/properties/{LAKE_HOUSE}/availability?from=2026-01-01&to=2026-12-31"),
    ]);
    paths.extend(["", "/explain", "/history"].map(|what| format!("/v1/booking-requests/{request}{what}")));
    paths
}

async fn read(layout: Layout, tables: &[&str]) {
    let fixture = Fixture::start_in(layout).await;
    let token = fixture.token(demo::OWNER).await;
    let ours = "a.attgenerated = '' and a.attname <> 'tenant_id'";
    let mut alterations = retyped(&fixture, "public", tables, ours, others).await;
    alterations.extend(retyped(&fixture, "public", tables, SHOWN, bytes).await);
    let altered = Altered { fixture: &fixture, also_named: &[], over: &[] };
    // Who the guests are, only programs of the tenant see.
    let read = async |path: &str| fixture.get_with_key(&token, path).await;
    let tried = altered.reads(alterations, &paths(&fixture).await, read).await;
    assert!(tried > 20, "{tried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_type_a_column_has_what_reads_it_is_answered() {
    Box::pin(read(Layout::Standard, &Layout::Standard.written())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_type_a_column_of_the_single_table_has_what_reads_it_is_answered() {
    Box::pin(read(Layout::ConfirmedOnly, &["bookings"])).await;
}
