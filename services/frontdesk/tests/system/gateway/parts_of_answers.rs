//! `fields`: answers of which a part is asked for.

use reqwest::Method;
use serde_json::json;

use crate::fixture::{Answer, Fixture, case, path_of};

const REQUESTS: &str = "/api/v1/booking-requests";

#[tokio::test]
async fn a_part_of_a_record_has_the_tag_of_the_whole() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let path = path_of(case("REQUESTED"), "");
    let whole = fixture.get(&path, &token).await;
    let shown = format!("{path}?fields=status,checkIn,id");
    let part = fixture.get(&shown, &token).await;
    let expected = json!({
        "id": whole.ok()["id"], "check_in": whole.body["check_in"], "status": whole.body["status"],
    });
    assert_eq!((part.ok(), &part.headers["etag"]), (&expected, &whole.headers["etag"]));
    let known = fixture.request(Method::GET, &shown).bearer_auth(&token);
    let known = Answer::of(known.header("if-none-match", &whole.headers["etag"])).await;
    assert_eq!((known.status, &known.headers["etag"]), (304, &whole.headers["etag"]));
    let head = Answer::of(fixture.request(Method::HEAD, &shown).bearer_auth(&token)).await;
    assert_eq!(head.headers["content-length"], part.headers["content-length"]);
}

#[tokio::test]
async fn a_list_shows_what_is_asked_for_of_each_element() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let whole = fixture.get(&format!("{REQUESTS}?page_size=3"), &token).await;
    let ids = whole.ok()["booking_requests"].as_array().unwrap().iter().map(|one| json!({"id": one["id"]}));
    let ids: Vec<_> = ids.collect();
    for fields in ["booking_requests.id", "bookingRequests.*.id"] {
        let part = fixture.get(&format!("{REQUESTS}?page_size=3&fields={fields}"), &token).await;
        assert_eq!(part.ok(), &json!({"booking_requests": ids}), "{fields}");
    }
    let next = fixture.get(&format!("{REQUESTS}?fields=next_page_token&page_size=3"), &token).await;
    let token_of_next = next.ok()["next_page_token"].as_str().unwrap().to_owned();
    assert_eq!(next.body, json!({"next_page_token": token_of_next}));
    let path = format!("{REQUESTS}?page_size=3&page_token={token_of_next}&fields=booking_requests.id");
    assert_ne!(fixture.get(&path, &token).await.ok(), &json!({"booking_requests": ids}));
}

#[tokio::test]
async fn a_mask_that_names_no_field_of_the_answer_is_refused_with_its_place() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let one = path_of(case("REQUESTED"), "");
    for (path, fields, named) in [
        (REQUESTS, "booking_requests.nights", "names `booking_requests.nights`, where `nights` is no field"),
        (REQUESTS, "id", "names `id`, where `id` is no field; there are booking_requests, next_page_token"),
        (&*one, "created_at.seconds", "where `seconds` is within what is shown as a whole"),
        (&*one, "", "is not a list of field names"),
        ("/v1/me", "nothing", "names `nothing`"),
        ("/v1/booking-requests/watch", "nonsense", "names `nonsense`"),
    ] {
        let answer = fixture.get(&format!("{path}?fields={fields}"), &token).await;
        let violation = &answer.refused(400, "MALFORMED_REQUEST").body["violations"][0];
        assert_eq!(violation["field"], "fields");
        assert!(violation["description"].as_str().unwrap().contains(named), "{violation}");
    }
    // What changes something shows all of what it made of it.
    let approve = format!("{}?fields=id", path_of(case("REQUESTED"), "/approve"));
    let refused = fixture.post(&approve, &token, &json!({})).await;
    assert_eq!(refused.refused(400, "MALFORMED_REQUEST").body["violations"][0]["field"], "fields");
    assert_eq!(fixture.get(&one, &token).await.ok()["status"], "requested");
}
