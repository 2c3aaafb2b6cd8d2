//! Properties: creating, changing, listing.

use frontdesk::demo;
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture};

fn boat_house() -> Json {
    json!({"name": " Boat House ", "time_zone": "Europe/Vienna", "max_guests": 4})
}

async fn create(fixture: &Fixture, token: &str) -> Answer {
    let created = fixture.post("/v1/properties", token, &boat_house()).await;
    created.ok();
    created
}

#[tokio::test]
async fn a_property_is_created_once_with_its_defaults() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let created = create(&fixture, &token).await;
    assert_eq!(
        (&created.body["name"], &created.body["hold_policy"], &created.body["hold_hours"]),
        (&json!("Boat House"), &json!("none"), &json!(24))
    );
    fixture.post("/v1/properties", &token, &boat_house()).await.refused(409, "ALREADY_EXISTS");
}

#[tokio::test]
async fn fields_of_a_property_have_their_limits() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("two\nlines")),
        ("name", json!("\u{200b}\u{3164}")),
        ("name", json!("Boat \u{202e}esuoH")),
        ("time_zone", json!("Mars/Base")),
        ("time_zone", json!("localtime")),
        ("time_zone", json!("posixrules")),
        ("time_zone", json!("Factory")),
        ("time_zone", json!("Etc/Unknown")),
        ("max_guests", json!(0)),
        ("hold_hours", json!(721)),
    ] {
        let mut wrong = boat_house();
        wrong[field] = value;
        let answer = fixture.post("/v1/properties", &token, &wrong).await;
        answer.refused(400, "INVALID_FIELD");
        assert_eq!(answer.body["violations"][0]["field"], field);
    }
    // Nothing of them was stored.
    create(&fixture, &token).await;
}

#[tokio::test]
async fn a_change_keeps_the_other_fields_and_a_stale_etag_changes_nothing() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let created = create(&fixture, &token).await;
    let path = format!("/v1/properties/{}", created.body["id"].as_str().unwrap());
    let changed = fixture.patch(&path, &token, &json!({"max_guests": 5, "etag": created.body["etag"]})).await;
    assert_eq!((&changed.ok()["max_guests"], &changed.body["name"]), (&json!(5), &json!("Boat House")));
    let stale = fixture.patch(&path, &token, &json!({"max_guests": 6, "etag": created.body["etag"]})).await;
    stale.refused(409, "ETAG_MISMATCH");
    assert_eq!(fixture.get(&path, &token).await.ok(), &changed.body);
    fixture.patch(&path, &token, &json!({"name": "Lake House"})).await.refused(409, "ALREADY_EXISTS");
    let foreign = fixture.token(demo::OTHER_OWNER).await;
    fixture.patch(&path, &foreign, &json!({"max_guests": 1})).await.refused(404, "PROPERTY_NOT_FOUND");
}

#[tokio::test]
async fn limit_is_page_size_and_the_page_token_leads_on() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let first = fixture.get("/api/v1/properties?limit=1", &token).await;
    assert_eq!(first.ok()["properties"].as_array().unwrap().len(), 1);
    let next = first.body["next_page_token"].as_str().unwrap();
    let second = fixture.get(&format!("/api/v1/properties?limit=1&page_token={next}"), &token).await;
    assert_ne!(second.ok()["properties"][0]["id"], first.body["properties"][0]["id"]);
}

#[tokio::test]
async fn a_time_zone_comes_back_as_its_database_spells_it_and_old_ones_are_read() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut house = boat_house();
    house["time_zone"] = json!("europe/berlin");
    let created = fixture.post("/v1/properties", &token, &house).await;
    assert_eq!(created.ok()["time_zone"], "Europe/Berlin");
    let path = format!("/v1/properties/{}", created.body["id"].as_str().unwrap());
    let changed = fixture.patch(&path, &token, &json!({"time_zone": "ASIA/calcutta"})).await;
    assert_eq!(changed.ok()["time_zone"], "Asia/Calcutta");
    for (stored, shown) in
        [("localtime", "localtime"), ("europe/vienna", "Europe/Vienna"), ("Nowhere/Town", "Nowhere/Town")]
    {
        let sql = "update properties set time_zone = $1 where name = 'Boat House'";
        assert_eq!(fixture.execute(sql, &[&stored]).await, 1);
        assert_eq!(fixture.get(&path, &token).await.ok()["time_zone"], shown);
    }
}

#[tokio::test]
async fn names_that_look_the_same_are_one_name() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let named = |name: &str| json!({"name": name, "time_zone": "Europe/Vienna", "max_guests": 4});
    // Composed when it is stored, whichever way it was typed.
    let created = fixture.post("/v1/properties", &token, &named("Zu\u{308}rich  Villa")).await;
    assert_eq!(created.ok()["name"], "Zürich  Villa");
    for twin in [
        "Zürich Villa",
        "Zu\u{308}rich Villa",
        "Zürich\u{200b} Villa\u{feff}",
        "\u{ad}Zürich\u{a0}Villa",
        "Zürich\u{e0020} Villa",
        "Zürich\u{1d173} Villa",
    ] {
        fixture.post("/v1/properties", &token, &named(twin)).await.refused(409, "ALREADY_EXISTS");
    }
    let other = fixture.post("/v1/properties", &token, &named("Zürich Loft")).await;
    let path = format!("/v1/properties/{}", other.ok()["id"].as_str().unwrap());
    let twin = json!({"name": "Zürich\u{2060} Villa"});
    fixture.patch(&path, &token, &twin).await.refused(409, "ALREADY_EXISTS");
    assert_eq!(fixture.get(&path, &token).await.ok()["name"], "Zürich Loft");
    // The demo's properties were stored by another program.
    fixture.post("/v1/properties", &token, &named("Lake\u{200b} House")).await.refused(409, "ALREADY_EXISTS");
}

/// Browsers and Java take one spelling; what is stored is not touched, nor is its etag.
#[tokio::test]
async fn a_time_zone_of_another_program_is_shown_by_its_name() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = create(&fixture, &token).await.body["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/properties/{id}");
    for (stored, shown) in [
        ("europe/berlin", "Europe/Berlin"),
        ("EUROPE/VIENNA", "Europe/Vienna"),
        ("asia/calcutta", "Asia/Calcutta"),
        ("Mars/Base", "Mars/Base"),
        ("localtime", "localtime"),
    ] {
        let set = "update properties set time_zone = $2 where id = $1::text::uuid";
        assert_eq!(fixture.execute(set, &[&id, &stored]).await, 1);
        let read = fixture.get(&path, &token).await.ok().clone();
        assert_eq!(read["time_zone"], shown, "{stored}");
        let list = fixture.get("/v1/properties?page_size=200", &token).await;
        let listed = list.ok()["properties"].as_array().unwrap().iter().find(|one| one["id"] == id);
        assert_eq!(listed, Some(&read), "{stored}");
        let changed = fixture.patch(&path, &token, &json!({"max_guests": 4, "etag": read["etag"]})).await;
        assert_eq!(changed.ok()["time_zone"], shown, "{stored}");
        let kept = "select count(*) from properties where id = $1::text::uuid and time_zone = $2";
        assert_eq!(fixture.count(kept, &[&id, &stored]).await, 1);
    }
}
