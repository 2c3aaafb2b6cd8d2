//! Rules of a stay in columns that somebody else altered: what cannot be read as a rule is
//! not read as none. Whoever sells nights is told which column it is; whoever gives them
//! back is not kept from it.

use frontdesk::demo;
use serde_json::json;
use uuid::Uuid;

use super::help::new_request::{GUEST, new_request};
use super::stay_rules::{each_rule_broken, lake_house};
use crate::alterations::alter;
use crate::fixture::{Answer, Fixture, LAKE_HOUSE, Layout, path_of};

/// Other types of a column, some of which have another meaning.
fn others(ty: &str) -> &'static [&'static str] {
    match ty {
        "integer" => &["bigint", "smallint", "numeric", "text", "double precision"],
        "integer[]" => &["bigint[]", "smallint[]", "numeric[]", "text[]", "text"],
        _ => &["varchar(100)", "char(100)", "bytea"],
    }
}

/// The columns that rules are in, with what each case of `each_rule_broken` is about.
const COLUMNS: [(&str, &str, &str); 8] = [
    ("max_guests", "max_guests", "integer"),
    ("min_nights", "min_nights", "integer"),
    ("max_nights", "max_nights", "integer"),
    ("min_nights", "min_nights_by_arrival", "integer[]"),
    ("closed_to_arrival", "closed_to_arrival", "integer[]"),
    ("closed_to_departure", "closed_to_departure", "integer[]"),
    ("horizon_days", "horizon_days", "integer"),
    ("horizon_days", "time_zone", "text"),
];

/// A request as another program writes it, which asks no rule.
async fn written(fixture: &Fixture, [from, to]: [&str; 2], guests: i32) -> Uuid {
    let id = Uuid::now_v7();
    let insert = format!(
        "insert into {} (tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, \
         created_at, updated_at) values ($1, $2, $3, $4::text::uuid, $5::text::date, $6::text::date, 'requested', \
         $7, now(), now())",
        fixture.layout.requests()
    );
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
        [&demo::TENANT, &id, &LAKE_HOUSE, &GUEST, &from, &to, &guests];
    assert_eq!(fixture.execute(&insert, &values).await, 1);
    id
}

/// Refused by the rule, or since it cannot be read.
fn is_refused(answer: &Answer, column: &str, told: &str) {
    assert!(matches!(answer.status, 422 | 503), "{told}: {}", answer.body);
    if answer.status == 503 {
        assert_eq!(answer.body["code"], "SCHEMA_DRIFT", "{told}: {}", answer.body);
        let object = answer.body["metadata"]["object"].as_str().unwrap();
        assert!(object.contains(column), "{told}: {}", answer.body);
    }
}

/// What must not be granted while a column is altered, and what must.
async fn holds(fixture: &Fixture, token: &str, stay: [&str; 2], guests: i32, column: &str, told: &str) {
    let id = written(fixture, stay, guests).await;
    let approved = fixture.post(&path_of(id, "/approve"), token, &json!({})).await;
    is_refused(&approved, column, told);
    let explained = fixture.get(&path_of(id, "/explain"), token).await;
    if explained.status == 200 {
        assert_eq!(explained.body["would_succeed"], false, "{told}: {}", explained.body);
        assert_eq!(explained.body["refusal_reason"], approved.body["code"], "{told}");
    } else {
        is_refused(&explained, column, told);
        assert_eq!(explained.body["code"], approved.body["code"], "{told}");
    }
    let [from, to] = stay;
    let mut new = new_request(GUEST, from, to);
    new["guest_count"] = json!(guests);
    is_refused(&fixture.post("/v1/booking-requests", token, &new).await, column, told);
    let query = format!("/availability?from={from}&to={to}&guest_count={guests}");
    let calendar = fixture.get(&lake_house(&query), token).await;
    if calendar.status == 200 {
        assert_eq!(calendar.body["bookable"], false, "{told}: {}", calendar.body);
    } else {
        is_refused(&calendar, column, told);
    }
    // No rule is asked of these.
    fixture.get(&lake_house(""), token).await.ok();
    fixture.post(&path_of(id, "/cancel"), token, &json!({})).await.ok();
}

async fn walk(layout: Layout) {
    let fixture = Fixture::start_in(layout).await;
    let token = fixture.manager().await;
    let crowd = (json!({}), ["2031-01-01", "2031-01-05"], "", ["max_guests", "4", "guest_count"]);
    let cases: Vec<_> = each_rule_broken().into_iter().chain([crowd]).collect();
    let mut tried = 0;
    for (rules, stay, _, [name, _, _]) in &cases {
        let guests = if *name == "max_guests" { 100 } else { 1 };
        for (_, column, ty) in COLUMNS.iter().filter(|(of, ..)| of == name) {
            for other in others(ty) {
                fixture.patch(&lake_house(""), &token, &json!({"stay_rules": rules})).await.ok();
                let to = |ty: &str, value: &str| {
                    format!("alter table properties alter column {column} type {ty} using {value}")
                };
                let (there, back) = match (*ty, *other) {
                    ("text", "bytea") => {
                        (format!("convert_to({column}, 'UTF8')"), format!("convert_from({column}, 'UTF8')"))
                    }
                    _ => (format!("{column}::{other}"), format!("{column}::{ty}")),
                };
                let there = to(other, &there);
                // What a check is about does not get every type.
                if fixture.sql.batch_execute(&format!("begin; {there}; rollback")).await.is_err() {
                    fixture.sql.batch_execute("rollback").await.unwrap();
                    continue;
                }
                tried += 1;
                alter(&fixture, &there).await;
                let told = format!("{layout:?} {rules}: {there}");
                holds(&fixture, &token, *stay, guests, column, &told).await;
                alter(&fixture, &to(ty, &back)).await;
            }
        }
    }
    assert!(tried > 30, "{tried}");
}

#[tokio::test]
async fn no_rule_is_off_while_its_column_is_altered() {
    walk(Layout::Standard).await;
}

#[tokio::test]
async fn no_rule_is_off_while_its_column_is_altered_beside_a_single_table() {
    walk(Layout::ConfirmedOnly).await;
}

/// How many come is held against a rule as well.
#[tokio::test]
async fn guests_that_cannot_be_counted_are_not_taken_for_none() {
    for layout in [Layout::Standard, Layout::Literal] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let table = layout.requests();
        let checks = format!(
            "do $$ declare one record; begin \
             for one in select conname from pg_constraint where conrelid = '{table}'::regclass \
             and contype = 'c' and pg_get_constraintdef(oid) like '%guest_count%' loop \
             execute format('alter table {table} drop constraint %I', one.conname); end loop; end $$"
        );
        alter(&fixture, &checks).await;
        let id = written(&fixture, ["2031-01-01", "2031-01-05"], 100).await;
        alter(
            &fixture,
            &format!("alter table {table} alter guest_count drop default, alter guest_count type text"),
        )
        .await;
        let before = fixture.snapshot().await;
        let approved = fixture.approve(&token, id).await;
        is_refused(&approved, "guest_count", "approve");
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
        is_refused(&fixture.get(&path_of(id, "/explain"), &token).await, "guest_count", "explain");
        fixture.post(&path_of(id, "/cancel"), &token, &json!({})).await.ok();
    }
}

/// The day at the property decides who is checked in.
#[tokio::test]
async fn a_day_in_a_time_zone_that_cannot_be_read_is_not_guessed() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let booking = super::help::foreign::Foreign::sold(1, 1, 3).store(&fixture).await.unwrap();
    let there = "alter table properties alter time_zone type bytea using convert_to(time_zone, 'UTF8')";
    alter(&fixture, there).await;
    let checked_in = fixture.post(&format!("/v1/bookings/{booking}/check-in"), &token, &json!({})).await;
    assert_eq!(checked_in.body["code"], "SCHEMA_DRIFT", "{}", checked_in.body);
    fixture.post(&format!("/v1/bookings/{booking}/cancel"), &token, &json!({})).await.ok();
}
