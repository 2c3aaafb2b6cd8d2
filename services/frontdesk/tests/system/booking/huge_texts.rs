//! Texts of any length, which other programs write and notes grow to: each costs
//! itself, and neither its row nor the page that the row is on.

use frontdesk::demo;
use serde_json::{Value as Json, json};

use super::foreign_rows::OPENED;
use super::help::new_request::GUEST;
use crate::fixture::{Fixture, Layout, path_of};
use crate::pages::{ids, pages, rows};

/// A text that is more than any answer takes.
const HUGE: &str = "repeat('x', 5000000) || 'end'";

#[track_caller]
fn assert_cut(row: &Json, fields: &[&str]) {
    assert_eq!(row["shortened"], json!(fields), "{}", row["shortened"]);
    for field in fields {
        let text = row[field].as_str().unwrap();
        let whole = text.ends_with("end") || text.starts_with('x') && text.ends_with('…');
        assert!(whole && (60_000..=65_536).contains(&text.len()), "{field} has {} bytes", text.len());
    }
}

/// The pages of a list that may need both credentials.
async fn pages_with_key(fixture: &Fixture, token: &str, path: &str) -> Vec<Json> {
    let get = async |next: &str| {
        fixture.get_with_key(token, &format!("{path}&page_token={next}")).await.ok().clone()
    };
    pages(get).await
}

/// How many rows there are, none of them twice.
#[track_caller]
fn each_once(rows: &[Json]) -> usize {
    let mut seen = ids(rows);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), rows.len(), "there is a row twice");
    seen.len()
}

fn of_id<'a>(rows: &'a Json, id: &str) -> &'a Json {
    rows.as_array().unwrap().iter().find(|row| row["id"] == id).unwrap()
}

#[tokio::test]
async fn a_huge_text_of_a_request_is_cut_where_it_is_shown_and_nowhere_else() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = fixture.open_request(demo::TENANT, 1, 200, 202).await;
        let (requests, note) = match layout {
            Layout::Standard => ("booking_requests", "internal_note"),
            _ => ("bookings", "internal_notes"),
        };
        let grow = format!("update {requests} set message = {HUGE}, {note} = {HUGE} where id = $1");
        fixture.execute(&grow, &[&id]).await;
        for list in ["?page_size=200", "?order=check_in&page_size=1"] {
            let page = fixture.get(&format!("/v1/booking-requests{list}"), &token).await;
            assert!(page.ok()["booking_requests"][0].is_object(), "{layout:?} {list}");
        }
        let page = fixture.get("/v1/booking-requests?page_size=200", &token).await;
        assert_cut(of_id(&page.ok()["booking_requests"], &id.to_string()), &["message", "internal_note"]);
        let read = fixture.get(&path_of(id, ""), &token).await;
        assert_cut(read.ok(), &["message", "internal_note"]);
        // The note's end is its youngest part.
        let last = json!({"internal_note": "and this is the end"});
        fixture.post(&path_of(id, "/approve"), &token, &last).await.ok();
        let read = fixture.get(&path_of(id, ""), &token).await;
        assert!(read.ok()["internal_note"].as_str().unwrap().starts_with('…'));
        assert!(read.body["internal_note"].as_str().unwrap().ends_with("xend\nand this is the end"));
        let whole = format!(
            "select count(*) from {requests} where id = $1 and length(message) = 5000003 and length({note}) = 5000023"
        );
        assert_eq!(fixture.count(&whole, &[&id]).await, 1, "{layout:?}");
    }
}

#[tokio::test]
async fn huge_texts_of_customers_bookings_and_blocks_are_cut_and_a_change_keeps_them() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.execute(&format!("update customers set notes = {HUGE} where id = '{GUEST}'"), &[]).await;
    let read = fixture.customers(&token, &format!("/{GUEST}")).await;
    assert_cut(read.ok(), &["notes"]);
    for list in ["", "?search=anna"] {
        let page = fixture.customers(&token, list).await;
        assert_cut(of_id(&page.ok()["customers"], GUEST), &["notes"]);
    }
    let tag = json!({"phone": "+49 1", "etag": read.body["etag"]});
    let changed = fixture.patch(&format!("/v1/customers/{GUEST}"), &token, &tag).await;
    assert_cut(changed.ok(), &["notes"]);
    let whole = "select count(*) from customers where length(notes) = 5000003";
    assert_eq!(fixture.count(whole, &[]).await, 1);

    let booked = "update bookings set source = repeat('x', 5000000)";
    assert!(fixture.execute(booked, &[]).await > 0);
    let page = fixture.get("/v1/bookings?page_size=200", &token).await;
    let bookings = page.ok()["bookings"].as_array().unwrap();
    assert!(!bookings.is_empty());
    for booking in bookings {
        assert_cut(booking, &["source"]);
        let path = format!("/v1/bookings/{}", booking["id"].as_str().unwrap());
        assert_cut(fixture.get(&path, &token).await.ok(), &["source"]);
    }
}

/// A page that its size cuts short has left out what lies before its end.
#[tokio::test]
async fn a_row_that_is_left_out_of_pages_cut_for_size_is_counted_once() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        fixture.sql.batch_execute(OPENED).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
        let requests = layout.requests();
        // One in ten has no end, and two have no place.
        let fill = format!(
            "insert into {requests} (tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, \
                message, created_at, updated_at) \
             select $1, gen_random_uuid(), '0d000000-0000-7000-8000-000000000202', '{GUEST}', date '2028-01-01' + n, \
                case when n % 10 <> 5 then date '2028-01-02' + n end, 'cancelled', 1, repeat('x', 60000), \
                case when n > 2 then now() + n * interval '1 second' end, now() from generate_series(1, 160) n"
        );
        fixture.execute(&fill, &[&demo::TENANT]).await;
        let pages = fixture.pages(&token, "/v1/booking-requests?page_size=200").await;
        let shown = rows(&pages, "booking_requests").len();
        assert!(pages.len() > 2 && shown > 140, "{} pages, {shown} rows", pages.len());
        let left_out = pages.iter().map(|page| page["left_out"].as_i64().unwrap());
        assert_eq!(left_out.sum::<i64>(), 16 + 2, "{layout:?}");
    }
}

/// Another program keeps files in its notes: a page of them is read as far as a server can
/// keep it, though only what is cut is shown.
#[tokio::test]
async fn of_rows_of_megabytes_a_page_reads_a_few_and_pages_have_each_row_once() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let large = "repeat('x', 10000000)";
    let fill = format!(
        "insert into booking_requests (tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, \
            internal_note, decline_reason, created_at, updated_at) \
         select $1, gen_random_uuid(), '0d000000-0000-7000-8000-000000000202', '{GUEST}', date '2028-01-01' + n, \
            date '2028-01-02' + n, 'declined', 1, {large}, 'no', now() + n * interval '1 second', now() \
         from generate_series(1, 11) n"
    );
    fixture.execute(&fill, &[&demo::TENANT]).await;
    let fill = format!(
        "insert into bookings (tenant_id, id, property_id, check_in, check_out, status, source, created_at, updated_at) \
         select $1, gen_random_uuid(), '0d000000-0000-7000-8000-000000000202', date '2028-01-01' + n, \
            date '2028-01-02' + n, 'cancelled', {large}, now(), now() from generate_series(1, 11) n"
    );
    fixture.execute(&fill, &[&demo::TENANT]).await;
    let fill = format!(
        "insert into customers (tenant_id, id, name, email, phone, notes, created_at) \
         select $1, gen_random_uuid(), 'Zoe ' || n, '', '', {large}, now() from generate_series(1, 11) n"
    );
    fixture.execute(&fill, &[&demo::TENANT]).await;
    for (path, list) in [
        ("/v1/booking-requests?stay_from=2028-01-01&stay_to=2028-06-01", "booking_requests"),
        ("/v1/booking-requests?stay_from=2027-12-01&order=check_in", "booking_requests"),
        ("/v1/booking-requests?stay_from=2020-01-01&stay_to=2090-01-01&status=declined", "booking_requests"),
        ("/v1/bookings?stay_from=2027-12-01", "bookings"),
        ("/v1/customers?search=zoe", "customers"),
    ] {
        let pages = pages_with_key(&fixture, &token, &format!("{path}&page_size=200")).await;
        for page in &pages {
            let shown = page[list].as_array().unwrap();
            let large = shown.iter().filter(|row| row["shortened"] != json!([])).count();
            assert!((1..=4).contains(&large) || shown.len() < 4, "{path}: {large} of {}", shown.len());
        }
        assert!(each_once(&rows(&pages, list)) >= 11, "{path}");
    }
}

/// What calls alone have stored, with as many bytes as they take.
#[tokio::test]
async fn a_page_of_the_longest_texts_of_our_own_fits_and_pages_have_each_row_once() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let fill = "insert into booking_requests (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
        guest_count, message, internal_note, decline_reason, decline_message, created_at, updated_at) \
        select $1::text::uuid, gen_random_uuid(), '0d000000-0000-7000-8000-000000000202', $2::text::uuid, \
        date '2028-01-01' + n, date '2028-01-02' + n, 'declined', 1, t, t, t, t, now(), now() \
        from generate_series(1, 200) n, repeat('🏔', 4000) t";
    fixture.execute(fill, &[&demo::TENANT.to_string(), &GUEST]).await;
    let notes = "insert into customers (tenant_id, id, name, email, phone, notes, created_at) \
        select $1::text::uuid, gen_random_uuid(), repeat('🏔', 200), '', '', repeat('🏔', 4000), now() \
        from generate_series(1, 250) n";
    fixture.execute(notes, &[&demo::TENANT.to_string()]).await;
    for (path, list) in [
        ("/v1/booking-requests?page_size=200", "booking_requests"),
        ("/v1/booking-requests?page_size=200&order=check_in", "booking_requests"),
        ("/v1/customers?page_size=200", "customers"),
        ("/v1/customers?page_size=200&search=%F0%9F%8F%94", "customers"),
    ] {
        let shown = rows(&pages_with_key(&fixture, &token, path).await, list);
        assert!(shown.iter().all(|row| row["shortened"] == json!([])), "{path}");
        assert!(each_once(&shown) >= 200, "{path}");
    }
}
