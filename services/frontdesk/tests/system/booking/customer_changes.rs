//! Customers that several write at once, under conditions, and in letters of their own.

use frontdesk::demo;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::customers::{names, url_encoded};
use super::help::new_request::{GUEST, OTHER_GUEST};
use crate::fixture::{Answer, Fixture, LAKE_HOUSE, tenant_path};

#[tokio::test]
async fn what_was_sent_is_found_again_however_its_letters_are_coded() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    // As macOS writes umlauts, and with what cannot be seen at the ends.
    let sent = json!({"name": "Ju\u{308}rgen Mu\u{308}ller", "source": "pms\u{200b}", "external_id": "Zu\u{308}-1 "});
    let made = fixture.create_customer(&token, &sent).await;
    let id = made.rsplit('/').next().unwrap();
    for (source, external_id) in [("pms\u{200b}", "Zu\u{308}-1 "), ("pms", "Z\u{fc}-1")] {
        let (source, external_id) = (url_encoded(source), url_encoded(external_id));
        let found = fixture.customers(&token, &format!("?source={source}&external_id={external_id}")).await;
        assert_eq!(found.ok()["customers"][0]["id"], id, "{}", found.body);
    }
    for search in ["mu\u{308}ller", "M\u{fc}ller", "muller", "mull\u{200b}"] {
        let found = fixture.customers(&token, &format!("?search={}", url_encoded(search))).await;
        assert_eq!(names(&found), ["J\u{fc}rgen M\u{fc}ller"], "{search:?}");
    }
}

/// Another program's row keeps the letters as it wrote them.
#[tokio::test]
async fn names_of_other_programs_are_found_however_their_letters_are_coded() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let theirs = "insert into customers (tenant_id, id, name, email, phone, created_at) \
        values ($1::text::uuid, gen_random_uuid(), $2, '', '', now())";
    fixture.execute(theirs, &[&demo::TENANT.to_string(), &"Jo\u{308}rg Mu\u{308}l\u{ad}ler"]).await;
    for search in ["mu\u{308}ller", "M\u{fc}ller", "muller", "jo\u{308}rg m"] {
        let found = fixture.customers(&token, &format!("?search={}", url_encoded(search))).await;
        assert_eq!(names(&found).len(), 1, "{search:?}: {}", found.body);
    }
    // A name of any length is found by its beginning, and does not keep a row out.
    let long = format!("Zz{}", "y".repeat(100_000));
    fixture.execute(theirs, &[&demo::TENANT.to_string(), &long]).await;
    let page = fixture.customers(&token, "?search=zzyy&page_size=1").await;
    let shown = page.ok()["customers"].as_array().unwrap();
    assert_eq!((shown.len(), &page.body["next_page_token"]), (1, &json!("")));
}

/// So do its ids. One that is ours in another spelling is one id, for everybody who asks
/// by it or stores it.
#[tokio::test]
async fn ids_of_other_programs_are_found_however_their_letters_are_coded() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = uuid::Uuid::now_v7();
    let theirs = "insert into customers (tenant_id, id, name, email, phone, source, external_id, created_at) \
        values ($1, $2, 'Theirs', '', '', $3, $4, now())";
    fixture.execute(theirs, &[&demo::TENANT, &id, &"Ku\u{308}hne", &"Zu\u{308}-1"]).await;
    for (source, external_id) in [("Ku\u{308}hne", "Zu\u{308}-1"), ("K\u{fc}hne", "Z\u{fc}-1")] {
        let (source, external_id) = (url_encoded(source), url_encoded(external_id));
        let found = fixture.customers(&token, &format!("?source={source}&external_id={external_id}")).await;
        assert_eq!(found.ok()["customers"][0]["id"], id.to_string(), "{}", found.body);
    }

    let before = fixture.snapshot().await;
    let sent = json!({"name": "Ours", "source": "K\u{fc}hne", "external_id": "Z\u{fc}-1"});
    let made = fixture.post("/v1/customers", &token, &sent).await;
    made.refused(409, "EXTERNAL_ID_TAKEN");
    assert_eq!(made.body["metadata"]["customer_id"], id.to_string());
    let change = json!({"source": "K\u{fc}hne", "external_id": "Z\u{fc}-1"});
    let changed = fixture.patch(&format!("/v1/customers/{GUEST}"), &token, &change).await;
    changed.refused(409, "EXTERNAL_ID_TAKEN");
    // The source alone may have two spellings, too.
    let plain = uuid::Uuid::now_v7();
    fixture.execute(theirs, &[&demo::TENANT, &plain, &"Ku\u{308}hne", &"1"]).await;
    let change = json!({"source": "K\u{fc}hne", "external_id": "1"});
    let changed = fixture.patch(&format!("/v1/customers/{GUEST}"), &token, &change).await;
    changed.refused(409, "EXTERNAL_ID_TAKEN");
    assert_eq!(changed.body["metadata"]["customer_id"], plain.to_string());
    fixture.execute("delete from customers where id = $1", &[&plain]).await;
    assert_eq!(fixture.snapshot().await, before);

    let file = "external_id,name\nZ\u{fc}-1,Imported\n";
    let import = format!("/v1/customers/import?source={}", url_encoded("K\u{fc}hne"));
    let import =
        fixture.request(Method::POST, &import).bearer_auth(&token).header("content-type", "text/csv");
    Answer::of(import.body(file)).await.ok();
    let theirs = "select count(*) from customers where name = 'Imported' and id = $1 and external_id = $2";
    assert_eq!(fixture.count(theirs, &[&id, &"Z\u{fc}-1"]).await, 1);

    // Two that other programs have stored for one id: each may change what is no id, and
    // an import goes to the one that is spelled as ours are.
    let (apart, ours) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
    let stored = "insert into customers (tenant_id, id, name, email, phone, source, external_id, created_at) \
        values ($1, $2, 'Theirs', '', '', $3, '7', now())";
    fixture.execute(stored, &[&demo::TENANT, &apart, &"Ku\u{308}hne"]).await;
    fixture.execute(stored, &[&demo::TENANT, &ours, &"K\u{fc}hne"]).await;
    for id in [apart, ours] {
        fixture.patch(&format!("/v1/customers/{id}"), &token, &json!({"notes": "x"})).await.ok();
    }
    let import = format!("/v1/customers/import?source={}", url_encoded("K\u{fc}hne"));
    let import =
        fixture.request(Method::POST, &import).bearer_auth(&token).header("content-type", "text/csv");
    let imported = Answer::of(import.body("external_id,name\n7,Imported again\n")).await;
    assert!(imported.body.to_string().contains("updated"), "{}", imported.body);
    let theirs = "select count(*) from customers where name = 'Imported again' and id = $1";
    assert_eq!(fixture.count(theirs, &[&ours]).await, 1);
}

/// A change answers the customer, so that whoever may change may see: with a key alone,
/// where reading takes a user as well. It is meant, and the service's text says so.
#[tokio::test]
async fn who_manages_customers_sees_those_that_it_changes_and_lists_none() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let body = json!({"name": "desk", "scopes": ["customers:manage"]});
    let made = fixture.post(&tenant_path("/api-keys"), &owner, &body).await;
    let secret = made.body["secret"].as_str().unwrap().to_owned();
    let with_key =
        |method: Method, path: &str| fixture.request(method, path).header("x-tenant-api-key", &secret);
    let path = format!("/v1/customers/{GUEST}");
    let changed = Answer::of(with_key(Method::PATCH, &path).json(&json!({}))).await;
    assert_eq!(changed.ok()["name"], "Anna Adler");
    for path in [&*path, "/v1/customers"] {
        Answer::of(with_key(Method::GET, path)).await.refused(403, "SCOPE_MISSING");
    }
}

/// The tag of the guest.
async fn etag(fixture: &Fixture, token: &str) -> String {
    let read = fixture.customers(token, &format!("/{GUEST}")).await;
    read.ok()["etag"].as_str().unwrap().to_owned()
}

/// Other programs write customers and count nothing.
#[tokio::test]
async fn a_customers_tag_changes_whoever_writes_and_a_stale_one_changes_nothing() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let first = etag(&fixture, &token).await;
    let path = format!("/v1/customers/{GUEST}");
    let calls: [(Method, String, Json); 4] = [
        (Method::PATCH, path.clone(), json!({"notes": "x"})),
        (Method::POST, format!("{path}/archive"), json!({})),
        (Method::POST, format!("{path}/unarchive"), json!({})),
        (Method::POST, format!("{path}/merge"), json!({"duplicate_id": OTHER_GUEST})),
    ];
    let mut read = first.clone();
    for change in [
        "name = 'Anna A.'",
        "email = 'other@example.com'",
        "phone = '+49 2'",
        "external_id = '7'",
        "source = 'pms'",
        "notes = 'by hand'",
        "archived_at = now()",
        "archived_at = null",
        "updated_at = now()",
    ] {
        fixture.execute(&format!("update customers set {change} where id = '{GUEST}'"), &[]).await;
        let now = etag(&fixture, &token).await;
        assert_ne!(now, read, "{change}");
        let before = fixture.snapshot().await;
        for (method, path, body) in &calls {
            let request = fixture.request(method.clone(), path).bearer_auth(&token);
            let stale = Answer::of(request.header("if-match", format!("\"{read}\"")).json(body)).await;
            stale.refused(409, "ETAG_MISMATCH");
            assert_eq!(stale.body["metadata"]["current_etag"], now, "{change}: {path}");
            let mut named = body.clone();
            named["etag"] = json!(first);
            let request = fixture.request(method.clone(), path).bearer_auth(&token).json(&named);
            Answer::of(request).await.refused(409, "ETAG_MISMATCH");
        }
        assert_eq!(fixture.snapshot().await, before, "{change}");
        read = now;
    }
    for (method, path, body) in &calls {
        let tag = format!("\"{}\"", etag(&fixture, &token).await);
        let request = fixture.request(method.clone(), path).bearer_auth(&token);
        Answer::of(request.header("if-match", tag).json(body)).await.ok();
    }
}

/// The clocks of two servers are never the same, and a change may wait for its row.
#[tokio::test]
async fn a_change_is_later_than_the_one_before_it_whatever_the_clocks_say() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let settings = "/v1/booking-settings";
    fixture.patch(settings, &token, &json!({"auto_decline": true})).await.ok();
    for (table, path, body) in [
        ("properties", format!("/v1/properties/{LAKE_HOUSE}"), json!({"max_guests": 5})),
        ("booking_settings", settings.to_owned(), json!({"auto_decline": false})),
        ("customers", format!("/v1/customers/{GUEST}"), json!({"notes": "x"})),
    ] {
        let ahead = format!("update {table} set updated_at = now() + interval '1 hour'");
        fixture.execute(&ahead, &[]).await;
        fixture.patch(&path, &token, &body).await.ok();
        let later = format!(
            "select count(*) from {table} where updated_at > now() + interval '1 hour' - interval '1 minute' \
             and updated_at = (select at from booking_events order by tick desc limit 1)"
        );
        assert_eq!(fixture.count(&later, &[]).await, 1, "{table}");
    }
    // The later of two that are merged counts.
    let ahead = "update customers set updated_at = now() + interval '1 hour' * (case id when $1::text::uuid then 3 else 2 end)";
    fixture.execute(ahead, &[&GUEST]).await;
    let merge = json!({"duplicate_id": OTHER_GUEST});
    fixture.post(&format!("/v1/customers/{GUEST}/merge"), &token, &merge).await.ok();
    let later = "select count(*) from customers where id = $1::text::uuid and updated_at > now() + interval '2 hours 59 minutes'";
    assert_eq!(fixture.count(later, &[&OTHER_GUEST]).await, 1);
}
