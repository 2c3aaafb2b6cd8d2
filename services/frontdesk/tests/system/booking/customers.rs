//! Customers. Reading them needs a user token and an API key; changing them needs a
//! scope.

use frontdesk::demo;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::help::new_request::{GUEST, OTHER_GUEST, new_request};
use crate::fixture::{Answer, Fixture, Layout};
use crate::pages::{ids, pages, rows};

impl Fixture {
    /// Reads customers, with both credentials.
    pub async fn customers(&self, token: &str, rest: &str) -> Answer {
        self.get_with_key(token, &format!("/v1/customers{rest}")).await
    }

    /// Stores a customer and returns its path.
    pub async fn create_customer(&self, token: &str, body: &Json) -> String {
        let made = self.post("/v1/customers", token, body).await;
        format!("/v1/customers/{}", made.ok()["id"].as_str().unwrap())
    }

    /// Every customer's row.
    pub async fn customer_rows(&self) -> Vec<String> {
        let rows = self.sql.query("select c::text from customers c order by 1", &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

pub fn names(answer: &Answer) -> Vec<String> {
    let customers = answer.ok()["customers"].as_array().unwrap();
    customers.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn customers_need_a_user_and_a_key_and_each_refusal_says_what_is_missing() {
    let fixture = Fixture::start().await;
    let login = fixture.login(demo::MANAGER).await;
    assert!(login["access"].is_string() && login["refresh"].is_string());
    assert_eq!((login["token_type"].as_str(), login["expires_in"].as_i64()), (Some("bearer"), Some(3600)));
    let token = login["access"].as_str().unwrap();
    let customers =
        || fixture.request(Method::GET, "/v1/customers").header("X-TENANT-ID", demo::TENANT.to_string());

    let both = Answer::of(customers().bearer_auth(token).header("X-TENANT-API-KEY", &fixture.api_key)).await;
    assert_eq!(both.ok()["customers"].as_array().unwrap().len(), 3);

    let key_only = Answer::of(customers().header("X-TENANT-API-KEY", &fixture.api_key)).await;
    key_only.refused(403, "SCOPE_MISSING");
    assert_eq!(key_only.body["metadata"]["missing"], "conversations:view");
    assert_eq!(key_only.body["metadata"]["credential"], "api_key");
    assert!(key_only.body["detail"].as_str().unwrap().contains("Authorization: Bearer"));

    let bearer_only = Answer::of(customers().bearer_auth(token)).await;
    bearer_only.refused(401, "API_KEY_REQUIRED");
    assert!(bearer_only.body["detail"].as_str().unwrap().contains("X-TENANT-API-KEY"));
    assert_eq!(bearer_only.headers["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn customers_are_read_one_by_one_with_both_credentials() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let path = format!("/v1/customers/{GUEST}");
    let both = |path: &str| {
        let request = fixture.request(Method::GET, path).bearer_auth(&token);
        Answer::of(request.header("x-tenant-api-key", &fixture.api_key))
    };
    assert_eq!(both(&path).await.ok()["name"], "Anna Adler");
    both("/v1/customers/0d000000-0000-7000-8000-000000000311").await.refused(404, "CUSTOMER_NOT_FOUND");
    fixture.get(&path, &token).await.refused(401, "API_KEY_REQUIRED");
}

#[tokio::test]
async fn a_customer_is_stored_changed_and_read_back_as_it_was_sent() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let sent = json!({
            "name": "  Zoë Zander ", "email": "zoe@example.com", "phone": "+49 (0)171 / 555 12",
            "external_id": "Z-1", "source": "pms", "notes": "late\narrival",
        });
        let path = fixture.create_customer(&token, &sent).await;
        let id = path.strip_prefix("/v1/customers").unwrap();
        let read = fixture.customers(&token, id).await;
        let shown = read.ok();
        assert_eq!(shown["name"], "Zoë Zander");
        for field in ["email", "phone", "external_id", "source", "notes"] {
            assert_eq!(shown[field], sent[field], "{field} {layout:?}");
        }
        let etag = shown["etag"].as_str().unwrap().to_owned();

        let changed = fixture.patch(&path, &token, &json!({"phone": "", "external_id": ""})).await;
        assert_eq!((&changed.ok()["phone"], &changed.body["external_id"]), (&json!(""), &json!("")));
        assert_eq!(changed.body["email"], "zoe@example.com", "what is not sent stays");
        // As a form sends all of its fields, for a guest who has none of them.
        let nothing = json!({"email": "", "phone": "", "external_id": "", "source": "", "notes": ""});
        let changed = fixture.patch(&path, &token, &nothing).await;
        for field in ["email", "phone", "external_id", "source", "notes"] {
            assert_eq!(changed.ok()[field], "", "{field}");
        }
        assert_ne!(changed.body["etag"], etag.as_str());
        let stale = json!({"name": "Zoe", "etag": etag});
        fixture.patch(&path, &token, &stale).await.refused(409, "ETAG_MISMATCH");
        let fresh = json!({"name": "Zoe", "etag": changed.body["etag"]});
        assert_eq!(fixture.patch(&path, &token, &fresh).await.ok()["name"], "Zoe");
        for bad in [json!({"name": " "}), json!({"email": "x"}), json!({"phone": "1".repeat(51)})] {
            fixture.patch(&path, &token, &bad).await.refused(400, "INVALID_FIELD");
        }
        let kinds = "select count(*) from booking_events where customer_id is not null \
            and action in ('customer_created', 'customer_updated') and actor_kind = 'user'";
        assert_eq!(fixture.count(kinds, &[]).await, 4, "{layout:?}");
    }
}

#[tokio::test]
async fn changing_a_customer_needs_the_scope_and_another_tenant_finds_none() {
    let fixture = Fixture::start().await;
    let (viewer, foreign) = (fixture.token(demo::VIEWER).await, fixture.token(demo::OTHER_OWNER).await);
    let before = fixture.customer_rows().await;
    let of_guest = |step: &str| format!("/v1/customers/{GUEST}{step}");
    let refused = fixture.post("/v1/customers", &viewer, &json!({"name": "X"})).await;
    refused.refused(403, "SCOPE_MISSING");
    assert_eq!(refused.body["metadata"]["required"], "customers:manage");
    for step in ["/archive", "/unarchive"] {
        fixture.post(&of_guest(step), &viewer, &json!({})).await.refused(403, "SCOPE_MISSING");
        fixture.post(&of_guest(step), &foreign, &json!({})).await.refused(404, "CUSTOMER_NOT_FOUND");
    }
    fixture.patch(&of_guest(""), &foreign, &json!({"name": "X"})).await.refused(404, "CUSTOMER_NOT_FOUND");
    let theirs = json!({"duplicate_id": OTHER_GUEST});
    fixture.post(&of_guest("/merge"), &foreign, &theirs).await.refused(404, "CUSTOMER_NOT_FOUND");
    assert_eq!(fixture.customer_rows().await, before);
}

#[tokio::test]
async fn an_external_id_is_one_customers_for_its_source_and_an_email_address_is_anybodys() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let of = |source: &str| json!({"name": "A", "email": "same@example.com", "source": source, "external_id": "7"});
    let first = fixture.create_customer(&token, &of("one")).await;
    fixture.create_customer(&token, &of("two")).await;
    let before = fixture.customer_rows().await;
    let refused = fixture.post("/v1/customers", &token, &of("one")).await;
    refused.refused(409, "EXTERNAL_ID_TAKEN");
    let id = first.strip_prefix("/v1/customers/").unwrap();
    assert_eq!(refused.body["metadata"]["customer_id"], id);
    let other = format!("/v1/customers/{GUEST}");
    let refused = fixture.patch(&other, &token, &json!({"source": "one", "external_id": "7"})).await;
    refused.refused(409, "EXTERNAL_ID_TAKEN");
    assert_eq!(fixture.customer_rows().await, before);
    let found = fixture.customers(&token, "?external_id=7&source=one").await;
    assert_eq!(found.ok()["customers"][0]["id"], id);
    assert!(names(&fixture.customers(&token, "?external_id=7").await).is_empty());
    // The same change again changes nothing.
    let again = fixture.patch(&first, &token, &json!({"source": "one", "external_id": "7"})).await;
    assert_eq!(again.ok()["id"], id);
}

#[tokio::test]
async fn a_search_finds_the_beginning_of_names_addresses_and_numbers() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (name, email, phone) in [
        ("Jörg Müller", "joerg@mueller.example", "+49 (0)89 555-0777"),
        ("Müller & Söhne", "", "0049 89 5550778"),
        ("MÜLLER GmbH", "info@MUELLER.example", "089 1"),
        ("Łukasz Straße", "", ""),
        ("Cher", "cher@example.com", ""),
    ] {
        fixture.create_customer(&token, &json!({"name": name, "email": email, "phone": phone})).await;
    }
    // Another program's row.
    let theirs = "insert into customers (tenant_id, id, name, email, phone, created_at) \
        values ($1::text::uuid, gen_random_uuid(), 'Sql Meller', 'sql@x.example', '+49895550779', now())";
    fixture.execute(theirs, &[&demo::TENANT.to_string()]).await;
    let found = async |search: &str| {
        let search: String = url_encoded(search);
        names(&fixture.customers(&token, &format!("?search={search}")).await)
    };
    assert_eq!(found("muller").await, ["Müller & Söhne", "MÜLLER GmbH", "Jörg Müller"]);
    assert_eq!(found("Mül").await, ["Müller & Söhne", "MÜLLER GmbH", "Jörg Müller"]);
    assert_eq!(found("müller g").await, ["MÜLLER GmbH"]);
    assert_eq!(found("strasse").await, ["Łukasz Straße"]);
    assert_eq!(found("lukasz").await, ["Łukasz Straße"]);
    assert_eq!(found("meller").await, ["Sql Meller"]);
    assert_eq!(found("cher").await, ["Cher"], "a name of one word is found once");
    assert_eq!(found("info@mue").await, ["MÜLLER GmbH"]);
    assert_eq!(found("0049 89 555 077").await, ["Jörg Müller", "Müller & Söhne", "Sql Meller"]);
    assert_eq!(found("+49895550778").await, ["Müller & Söhne"]);
    assert_eq!(found("%").await, [""; 0]);
    assert_eq!(found("_uller").await, [""; 0]);
}

pub fn url_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn pages_of_a_search_have_each_customer_once() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let fill = "insert into customers (tenant_id, id, name, email, phone, created_at) \
        select $1::text::uuid, gen_random_uuid(), case when n % 2 = 0 then 'Berg' || n || ' Berger' else 'Anna Bergmann' end, '', '', now() \
        from generate_series(1, 40) n";
    fixture.execute(fill, &[&demo::TENANT.to_string()]).await;
    for rest in ["search=berg", "archived=false"] {
        let pages = pages(async |next| {
            if !next.is_empty() {
                let other = fixture.customers(&token, &format!("?search=x&page_token={next}")).await;
                other.refused(400, "INVALID_PAGE_TOKEN");
            }
            let path = format!("?{rest}&page_size=7&page_token={next}");
            fixture.customers(&token, &path).await.ok().clone()
        });
        let mut found = ids(&rows(&pages.await, "customers"));
        let whole = fixture.customers(&token, &format!("?{rest}&page_size=200")).await;
        assert_eq!(found, ids(whole.ok()["customers"].as_array().unwrap()), "{rest}");
        found.sort();
        found.dedup();
        assert_eq!(found.len(), if rest == "search=berg" { 40 } else { 43 });
    }
}

#[tokio::test]
async fn an_archived_customer_leaves_the_lists_and_takes_no_new_request() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let open = fixture.create_request(&token, &new_request(GUEST, "2031-03-01", "2031-03-03")).await;
        let path = format!("/v1/customers/{GUEST}");
        let archived = fixture.post(&format!("{path}/archive"), &token, &json!({})).await;
        assert!(archived.ok()["archived_at"].is_string());
        let again = fixture.post(&format!("{path}/archive"), &token, &json!({})).await;
        assert_eq!(again.ok(), archived.ok());
        let list = async |rest: &str| names(&fixture.customers(&token, rest).await);
        assert_eq!(list("").await, ["Bruno Bauer", "Clara Conrad"]);
        assert_eq!(list("?search=anna").await, [""; 0]);
        assert_eq!(list("?archived=true").await, ["Anna Adler"]);
        assert_eq!(list("?archived=true&search=adler").await, ["Anna Adler"]);
        let before = fixture.snapshot().await;
        let april = new_request(GUEST, "2031-04-01", "2031-04-03");
        let refused = fixture.post("/v1/booking-requests", &token, &april).await;
        refused.refused(409, "CUSTOMER_ARCHIVED");
        let mut booking = april.clone();
        booking["source"] = "staff".into();
        fixture.post("/v1/bookings", &token, &booking).await.refused(409, "CUSTOMER_ARCHIVED");
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
        // What was asked for before goes on.
        fixture.post(&format!("/v1/booking-requests/{open}/approve"), &token, &json!({})).await.ok();
        let back = fixture.post(&format!("{path}/unarchive"), &token, &json!({})).await;
        assert!(back.ok()["archived_at"].is_null());
        fixture.post("/v1/booking-requests", &token, &april).await.ok();
    }
}

#[tokio::test]
async fn a_merge_moves_requests_and_bookings_and_is_told_of_each() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let kept = fixture.create_customer(&token, &json!({"name": "Kept"})).await;
        let duplicate = fixture.create_customer(&token, &json!({"name": "Twin"})).await;
        let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        let twin = id(&duplicate);
        let open = fixture.create_request(&token, &new_request(&twin, "2031-03-01", "2031-03-03")).await;
        let sold = fixture.create_request(&token, &new_request(&twin, "2031-04-01", "2031-04-03")).await;
        let sold = fixture.post(&format!("/v1/booking-requests/{sold}/approve"), &token, &json!({})).await;
        let booking = format!("/v1/bookings/{}", sold.ok()["booking_id"].as_str().unwrap());

        let merge = json!({"duplicate_id": twin});
        let path = format!("{kept}/merge");
        let merged = fixture.post(&path, &token, &merge).await;
        assert_eq!(merged.ok()["duplicate"]["merged_into"], id(&kept), "{layout:?}");
        assert_eq!(
            (&merged.body["moved_booking_requests"], &merged.body["moved_bookings"]),
            (&json!(2), &json!(1))
        );
        let request = fixture.get(&format!("/v1/booking-requests/{open}"), &token).await;
        assert_eq!(request.ok()["guest_id"], id(&kept));
        assert_eq!(fixture.get(&booking, &token).await.ok()["guest_id"], id(&kept));
        let told = "select count(*) from booking_events where action = 'customer_merged' and customer_id = $1::text::uuid";
        let expected = if layout == Layout::Standard { 4 } else { 3 };
        assert_eq!(fixture.count(told, &[&id(&kept)]).await, expected, "{layout:?}");

        let before = (fixture.snapshot().await, fixture.customer_rows().await);
        let again = fixture.post(&path, &token, &merge).await;
        assert_eq!(again.ok()["moved_booking_requests"], 0, "merging again changes nothing");
        fixture.post(&path, &token, &json!({"duplicate_id": id(&kept)})).await.refused(400, "INVALID_FIELD");
        let nobody = json!({"duplicate_id": Uuid::now_v7()});
        fixture.post(&path, &token, &nobody).await.refused(404, "CUSTOMER_NOT_FOUND");
        let elsewhere = fixture.post(&format!("/v1/customers/{GUEST}/merge"), &token, &merge).await;
        elsewhere.refused(409, "CUSTOMERS_NOT_MERGEABLE");
        assert_eq!(elsewhere.body["metadata"]["cause"], "merged_elsewhere");
        let into_archived = json!({"duplicate_id": GUEST});
        let into_archived = fixture.post(&format!("{duplicate}/merge"), &token, &into_archived).await;
        into_archived.refused(409, "CUSTOMERS_NOT_MERGEABLE");
        assert_eq!(into_archived.body["metadata"]["cause"], "archived");
        let back = fixture.post(&format!("{duplicate}/unarchive"), &token, &json!({})).await;
        back.refused(409, "CUSTOMER_ARCHIVED");
        assert_eq!(back.body["metadata"]["merged_into"], id(&kept));
        assert_eq!((fixture.snapshot().await, fixture.customer_rows().await), before, "{layout:?}");
    }
}

#[tokio::test]
async fn a_merge_that_would_move_too_much_changes_nothing() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let fill = "insert into booking_requests (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
        guest_count, decline_reason, created_at, updated_at) \
        select $1::text::uuid, gen_random_uuid(), '0d000000-0000-7000-8000-000000000202', $2::text::uuid, \
        date '2028-01-01' + n, date '2028-01-02' + n, 'declined', 1, 'x', now(), now() from generate_series(1, 1001) n";
    fixture.execute(fill, &[&demo::TENANT.to_string(), &OTHER_GUEST]).await;
    let before = fixture.snapshot().await;
    let merge = json!({"duplicate_id": OTHER_GUEST});
    let refused = fixture.post(&format!("/v1/customers/{GUEST}/merge"), &token, &merge).await;
    refused.refused(409, "CUSTOMERS_NOT_MERGEABLE");
    assert_eq!(refused.body["metadata"]["cause"], "too_many_records");
    assert!(refused.body["detail"].as_str().unwrap().contains("more than 1000 "), "{}", refused.body);
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_left_with_a_customer_that_is_merged_meanwhile() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let kept = fixture.create_customer(&token, &json!({"name": "Kept"})).await;
        for round in 0..4 {
            let twin = fixture.create_customer(&token, &json!({"name": "Twin"})).await;
            let twin = twin.rsplit('/').next().unwrap().to_owned();
            let day = |n: usize| format!("203{}-01-{n:02}", round + 1);
            let requests = (1..9).map(async |n| {
                let body = new_request(&twin, &day(n), &day(n + 1));
                fixture.post("/v1/booking-requests", &token, &body).await.status
            });
            let merge = json!({"duplicate_id": twin});
            let merge = async { fixture.post(&format!("{kept}/merge"), &token, &merge).await };
            let (made, merged) = futures::join!(futures::future::join_all(requests), merge);
            merged.ok();
            assert!(made.iter().all(|status| matches!(status, 201 | 409)), "{made:?}");
            let left = format!("select count(*) from {} where guest_id = $1::text::uuid", layout.requests());
            assert_eq!(fixture.count(&left, &[&twin]).await, 0, "{layout:?}");
        }
    }
}
