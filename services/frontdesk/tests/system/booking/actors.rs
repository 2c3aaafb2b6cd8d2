//! Who did it: kept for every change, whoever makes it.

use frontdesk::demo;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::help::new_request::{GUEST, OTHER_GUEST, new_request};
use crate::fixture::{Answer, Fixture, LAKE_HOUSE, Layout, case, path_of, tenant_path};
use crate::identity::client_tokens::client;
use crate::identity::delegation::delegated;

const MANAGER: &str = "0d000000-0000-7000-8000-000000000102";

/// An API key that may do what a manager may: its id and secret.
async fn key(fixture: &Fixture) -> (String, String) {
    let owner = fixture.token(demo::OWNER).await;
    let scopes =
        ["bookings:view", "bookings:create", "bookings:approve", "bookings:manage", "properties:manage"];
    let body = json!({"name": "channel", "scopes": scopes});
    let made = fixture.post(&tenant_path("/api-keys"), &owner, &body).await;
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    (text(&made.body["api_key"]["id"]), text(&made.body["secret"]))
}

async fn with_key(fixture: &Fixture, secret: &str, method: Method, path: &str, body: &Json) -> Answer {
    let request = fixture.request(method, path).header("x-tenant-api-key", secret);
    Answer::of(request.json(body)).await
}

/// The youngest event of the database, as it is stored.
async fn last_event(fixture: &Fixture) -> (String, String, Option<String>) {
    let last = "select action, actor_kind, actor_id::text from booking_events order by tick desc limit 1";
    let row = fixture.sql.query_one(last, &[]).await.unwrap();
    (row.get(0), row.get(1), row.get(2))
}

#[tokio::test]
async fn what_an_api_key_does_is_its_own_in_request_history_and_every_event() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let (id, secret) = key(&fixture).await;
        let call = async |method: Method, path: &str, body: Json| {
            with_key(&fixture, &secret, method, path, &body).await
        };
        let approved = path_of(case("REQUESTED"), "");
        let declined = path_of(fixture.open_request(demo::TENANT, 1, 40, 43).await, "");
        let house = format!("/v1/properties/{LAKE_HOUSE}");
        let block = json!({"start_date": "2031-01-10", "end_date": "2031-01-12"});
        for (method, path, body, kind) in [
            (Method::POST, format!("{approved}/review"), json!({}), "review_started"),
            (Method::POST, format!("{approved}/approve"), json!({}), "approved"),
            (Method::POST, format!("{declined}/decline"), json!({"decline_reason": "x"}), "declined"),
            (
                Method::POST,
                "/v1/booking-requests".into(),
                new_request(GUEST, "2031-02-01", "2031-02-03"),
                "created",
            ),
            (Method::POST, format!("{house}/blocks"), block, "blocked"),
            (Method::PATCH, house, json!({"max_guests": 3}), "property_updated"),
            (
                Method::POST,
                "/v1/properties".into(),
                json!({"name": "Barn", "time_zone": "Europe/Berlin", "max_guests": 2}),
                "property_created",
            ),
            (Method::PATCH, "/v1/booking-settings".into(), json!({"auto_decline": true}), "settings_updated"),
        ] {
            let answer = call(method, &path, body).await;
            assert!(answer.status < 300, "{path}: {}", answer.body);
            let told = (kind.to_owned(), "api_key".to_owned(), Some(id.clone()));
            assert_eq!(last_event(&fixture).await, told, "{layout:?} {path}");
        }
        let by_key = json!({"kind": "api_key", "id": id, "on_behalf_of": ""});
        for path in [&approved, &declined] {
            let read = fixture.get(path, &token).await;
            assert_eq!(
                (&read.ok()["decider"], &read.body["decided_by"]),
                (&by_key, &json!("")),
                "{layout:?} {path}"
            );
            let history = fixture.get(&format!("{path}/history"), &token).await;
            let last = history.ok()["events"].as_array().unwrap().last().unwrap();
            assert_eq!((&last["by"], &last["actor"]), (&by_key, &json!("")));
        }
        let cancelled = call(Method::POST, &format!("{approved}/cancel"), json!({})).await;
        cancelled.ok();
        assert_eq!(last_event(&fixture).await.1, "api_key");
    }
}

#[tokio::test]
async fn with_a_user_token_a_key_beside_it_acts_for_nobody() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let path = path_of(case("REQUESTED"), "");
    fixture
        .post_with(&format!("{path}/approve"), &token, ("x-tenant-api-key", &fixture.api_key), &json!({}))
        .await
        .ok();
    let read = fixture.get(&path, &token).await;
    let by_user = json!({"kind": "user", "id": MANAGER, "on_behalf_of": ""});
    assert_eq!((&read.ok()["decider"], &read.body["decided_by"]), (&by_user, &json!(MANAGER)));
}

#[tokio::test]
async fn a_client_that_acts_for_a_user_is_named_with_the_user() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let manager = fixture.manager().await;
        fixture.patch("/v1/booking-settings", &manager, &json!({"auto_decline": true})).await.ok();
        let client = client(&fixture, &["bookings:approve", "bookings:view"], &[]).await;
        let token = delegated(&fixture, &client, &manager).await;
        let id = fixture.open_request(demo::TENANT, 11, 500, 505).await;
        // Where requests are bookings, none competes with another.
        let rival = if layout == Layout::Standard {
            Some(fixture.open_request(demo::TENANT, 12, 504, 508).await)
        } else {
            None
        };
        fixture.approve(&token, id).await.ok();
        let by_both = json!({"kind": "delegate", "id": client.id, "on_behalf_of": MANAGER});
        let for_manager = json!({"kind": "system", "id": "", "on_behalf_of": MANAGER});
        for (id, by) in [(id, &by_both)].into_iter().chain(rival.map(|rival| (rival, &for_manager))) {
            let read = fixture.get(&path_of(id, ""), &manager).await;
            assert_eq!(
                (&read.ok()["decider"], &read.body["decided_by"]),
                (by, &json!(MANAGER)),
                "{layout:?}"
            );
            let history = fixture.get(&path_of(id, "/history"), &manager).await;
            let last = history.ok()["events"].as_array().unwrap().last().unwrap();
            assert_eq!((&last["by"], &last["actor"]), (by, &json!(MANAGER)), "{layout:?}");
        }
    }
}

#[tokio::test]
async fn a_platform_operator_is_named_as_one() {
    let fixture = Fixture::start().await;
    let token = fixture.token(demo::OPERATOR).await;
    let operator = "0d000000-0000-7000-8000-000000000105";
    let path = path_of(case("REQUESTED"), "");
    let tenant = demo::TENANT.to_string();
    fixture.post_with(&format!("{path}/approve"), &token, ("x-tenant-id", &tenant), &json!({})).await.ok();
    let read = fixture.get(&path, &fixture.manager().await).await;
    assert_eq!(read.ok()["decider"], json!({"kind": "operator", "id": operator, "on_behalf_of": ""}));
    assert_eq!(read.body["decided_by"], operator);
}

#[tokio::test]
async fn what_frontdesk_decides_is_its_own_and_says_for_whom() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.patch("/v1/booking-settings", &token, &json!({"auto_decline": true})).await.ok();
    let (id, rival) = (
        fixture.open_request(demo::TENANT, 11, 500, 505).await,
        fixture.open_request(demo::TENANT, 12, 504, 508).await,
    );
    fixture.approve(&token, id).await.ok();
    let for_manager = json!({"kind": "system", "id": "", "on_behalf_of": MANAGER});
    let read = fixture.get(&path_of(rival, ""), &token).await;
    assert_eq!((&read.ok()["decider"], &read.body["decided_by"]), (&for_manager, &json!(MANAGER)));
    let history = fixture.get(&path_of(rival, "/history"), &token).await;
    assert_eq!(history.ok()["events"][0]["by"], for_manager);

    fixture.hold_dates(&token).await;
    let held = fixture.create_request(&token, &new_request(OTHER_GUEST, "2031-05-01", "2031-05-08")).await;
    let path = format!("/v1/booking-requests/{held}");
    let run_out =
        "update booking_requests set hold_expires_at = now() - interval '1 second' where id = $1::text::uuid";
    fixture.execute(run_out, &[&held]).await;
    for _ in 0..100 {
        if fixture.get(&path, &token).await.ok()["status"] == "expired" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let by_itself = json!({"kind": "system", "id": "", "on_behalf_of": ""});
    let read = fixture.get(&path, &token).await;
    assert_eq!((&read.ok()["status"], &read.body["decider"]), (&json!("expired"), &by_itself));
    let history = fixture.get(&format!("{path}/history"), &token).await;
    assert_eq!(history.ok()["events"].as_array().unwrap().last().unwrap()["by"], by_itself);
}

#[tokio::test]
async fn a_block_tells_of_its_beginning_and_its_end_once() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let nights = json!({"start_date": "2031-01-10", "end_date": "2031-01-12"});
    let block = fixture.post(&format!("/v1/properties/{LAKE_HOUSE}/blocks"), &token, &nights).await;
    let id = block.ok()["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let path = format!("/v1/properties/{LAKE_HOUSE}/blocks/{id}");
        assert_eq!(fixture.delete(&path, &token).await.ok()["active"], false);
    }
    let told = "select action from booking_events where block_id = $1::text::uuid and property_id = $2 order by tick";
    let told = fixture.sql.query(told, &[&id, &LAKE_HOUSE]).await.unwrap();
    let told: Vec<String> = told.iter().map(|row| row.get(0)).collect();
    assert_eq!(told, ["blocked", "unblocked"]);
}
