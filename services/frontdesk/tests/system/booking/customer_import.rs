//! Importing customers from files: a result per line, and once is enough.

use frontdesk::demo;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture, Layout};

const CSV: &str = "text/csv; charset=utf-8";
const NDJSON: &str = "application/x-ndjson";

async fn import(
    fixture: &Fixture,
    token: &str,
    content_type: &str,
    file: impl Into<reqwest::Body>,
) -> Answer {
    let request = fixture.request(Method::POST, "/v1/customers/import?source=pms").bearer_auth(token);
    Answer::of(request.header("content-type", content_type).body(file)).await
}

/// The messages of an import, one on each line.
#[track_caller]
fn messages(answer: &Answer) -> Vec<Json> {
    assert_eq!(
        (answer.status, &answer.headers["content-type"]),
        (200, &"application/x-ndjson".parse().unwrap())
    );
    match &answer.body {
        Json::String(lines) => lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        one => vec![one.clone()],
    }
}

/// The result of each line, of an import that came to its end.
#[track_caller]
fn results(answer: &Answer) -> Vec<Json> {
    let mut messages = messages(answer);
    let last = messages.pop().unwrap();
    assert!(last["summary"].is_object(), "{last}");
    messages.into_iter().map(|mut message| message["result"].take()).collect()
}

/// Each line as its number and what came of it.
#[track_caller]
fn outcomes(answer: &Answer) -> Vec<(i64, String)> {
    results(answer)
        .iter()
        .map(|one| (one["line"].as_i64().unwrap(), one["outcome"].as_str().unwrap().to_owned()))
        .collect()
}

fn told(expected: &[(i64, &str)]) -> Vec<(i64, String)> {
    expected.iter().map(|(line, outcome)| (*line, (*outcome).to_owned())).collect()
}

fn counts(answer: &Answer) -> [i64; 4] {
    let last = messages(answer).pop().unwrap();
    ["created", "updated", "unchanged", "refused"].map(|name| last["summary"][name].as_i64().unwrap())
}

#[tokio::test]
async fn a_file_is_stored_by_external_ids_and_importing_it_again_changes_nothing() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let file =
            "\u{feff}external_id;name;email;phone\r\n1;\"Adams; Amy\";amy@example.com;+49 1\r\n2;Bob;;\r\n";
        let first = import(&fixture, &token, CSV, file).await;
        assert_eq!(outcomes(&first), told(&[(2, "created"), (3, "created")]), "{layout:?}");
        let amy = results(&first)[0]["customer_id"].clone();
        let rows = fixture.customer_rows().await;
        let again = import(&fixture, &token, CSV, file).await;
        assert_eq!(outcomes(&again), told(&[(2, "unchanged"), (3, "unchanged")]));
        assert_eq!((fixture.customer_rows().await, counts(&again)), (rows, [0, 0, 2, 0]));

        // The same customers in the other format, one of them changed.
        let json = "{\"external_id\":\"1\",\"name\":\"Amy Adams\",\"email\":\"amy@example.com\",\"phone\":\"+49 1\"}\n\
            {\"external_id\":\"2\",\"name\":\"Bob\"}\n{\"external_id\":\"2\",\"name\":\"Bob\",\"source\":\"other\"}";
        let changed = import(&fixture, &token, NDJSON, json).await;
        assert_eq!(outcomes(&changed), told(&[(1, "updated"), (2, "unchanged"), (3, "created")]));
        assert_eq!(results(&changed)[0]["customer_id"], amy);
        let read = fixture.customers(&token, "?external_id=1&source=pms").await;
        assert_eq!(read.ok()["customers"][0]["name"], "Amy Adams");
        let events = "select count(*) from booking_events where action = 'customer_created'";
        assert_eq!(fixture.count(events, &[]).await, 3, "{layout:?}");
    }
}

#[tokio::test]
async fn a_wrong_line_costs_only_itself_and_says_why() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let file = b"name,external_id,email\nA,1,\n ,2,\nC,,\nD,4,no address\nE,5\n\xff,6,\n\"G\nG\",7,\nH,8,h@example.com\n";
    let answer = import(&fixture, &token, CSV, file.as_slice()).await;
    let expected = [
        (2, "created"),
        (3, "refused"),
        (4, "refused"),
        (5, "refused"),
        (6, "refused"),
        (7, "refused"),
        (8, "refused"),
        (10, "created"),
    ];
    assert_eq!(outcomes(&answer), told(&expected));
    assert_eq!(counts(&answer), [2, 0, 0, 6]);
    let results = results(&answer);
    for (at, reason, says) in [
        (1, "INVALID_FIELD", "`name`"),
        (2, "INVALID_FIELD", "`external_id`"),
        (3, "INVALID_FIELD", "`email`"),
        (4, "MALFORMED_REQUEST", "2 values and the header 3"),
        (5, "MALFORMED_REQUEST", "`name` is not UTF-8"),
        (6, "INVALID_FIELD", "one line"),
    ] {
        assert_eq!(results[at]["reason"], reason, "{}", results[at]);
        assert!(results[at]["message"].as_str().unwrap().contains(says), "{}", results[at]);
        assert_eq!(results[at]["customer_id"], "");
    }
    // An archived customer is not changed by an import, and no reason to refuse what is so.
    let path = format!("/v1/customers/{}", results[0]["customer_id"].as_str().unwrap());
    fixture.post(&format!("{path}/archive"), &token, &json!({})).await.ok();
    let file = "name,external_id\nA,1\nAnother,1\n";
    let answer = import(&fixture, &token, CSV, file).await;
    assert_eq!(outcomes(&answer), told(&[(2, "unchanged"), (3, "refused")]));
    assert_eq!(self::results(&answer)[1]["reason"], "CUSTOMER_ARCHIVED");
    // A caller who only wants to know what to put right says so.
    let request = fixture.request(Method::POST, "/v1/customers/import?refused_only=true").bearer_auth(&token);
    let answer = Answer::of(request.header("content-type", CSV).body("name,external_id\nA,9\n ,10\n")).await;
    assert_eq!((outcomes(&answer), counts(&answer)), (told(&[(3, "refused")]), [1, 0, 0, 1]));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_stores_nothing_and_is_named() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let before = fixture.customer_rows().await;
    let utf16: Vec<u8> = [0xff, 0xfe, b'n', 0].to_vec();
    for (content_type, file, says) in [
        (CSV, b"name,external_id,fon\nA,1,2\n".to_vec(), "`fon`"),
        (CSV, utf16, "UTF-16"),
        (CSV, Vec::new(), "is needed"),
        (CSV, b"name\nA\n".to_vec(), "`external_id`"),
    ] {
        let refused = import(&fixture, &token, content_type, file).await;
        refused.refused(400, "INVALID_FIELD");
        assert!(refused.body["detail"].as_str().unwrap().contains(says), "{}", refused.body);
    }
    for content_type in ["application/json", "text/csv; charset=latin1", "text/plain"] {
        import(&fixture, &token, content_type, "x").await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let viewer = fixture.token(demo::VIEWER).await;
    import(&fixture, &viewer, CSV, "name,external_id\nA,1\n").await.refused(403, "SCOPE_MISSING");
    assert_eq!(fixture.customer_rows().await, before);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_on_says_how_far_it_came() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let open = format!("name,external_id\nA,1\nB,2\n\"C,3\n{}", "x,y\n".repeat(50_000));
    let answer = import(&fixture, &token, CSV, open).await;
    let told = messages(&answer);
    let outcomes: Vec<_> = told.iter().map(|one| one["result"]["outcome"].as_str()).collect();
    assert_eq!(outcomes, [Some("created"), Some("created"), None]);
    let error = &told[2]["error"];
    assert_eq!(error["code"], "INVALID_FIELD", "{error}");
    let detail = error["message"].as_str().unwrap();
    assert!(detail.contains("begins on line 4") && detail.contains("after 2 lines"), "{detail}");
    assert!(!detail.contains("Nothing was stored"), "{detail}");
}

#[tokio::test]
async fn the_fields_of_a_line_are_checked_as_those_of_a_call() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (at, customer) in [
        json!({"name": "x".repeat(201)}),
        json!({"name": "A", "email": "a@b@c"}),
        json!({"name": "A", "phone": "1".repeat(51)}),
        json!({"name": "A", "notes": "\u{1}"}),
        json!({"name": "A", "source": "x".repeat(101)}),
    ]
    .into_iter()
    .enumerate()
    {
        let call = fixture.post("/v1/customers", &token, &customer).await;
        call.refused(400, "INVALID_FIELD");
        let mut line: Json = customer;
        line["external_id"] = at.to_string().into();
        let imported = import(&fixture, &token, NDJSON, line.to_string()).await;
        assert_eq!(results(&imported)[0]["message"], call.body["detail"]);
    }
}

#[tokio::test]
async fn a_line_that_a_rule_of_another_program_refuses_costs_only_itself() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let rules = "create function refuse() returns trigger language plpgsql as $$ begin
           if new.name = 'Raise' then raise exception 'not %', new.email; end if;
           if new.name = 'Own' then raise exception 'no' using errcode = 'U0001'; end if;
           return new;
         end $$;
         create trigger refuse before insert or update on customers for each row execute function refuse()";
    fixture.sql.batch_execute(rules).await.unwrap();
    let file = "name,external_id,email\nA,1,\nRaise,2,raise@example.com\nOwn,3,\nB,4,\n";
    let answer = import(&fixture, &token, CSV, file).await;
    let expected = [(2, "created"), (3, "refused"), (4, "refused"), (5, "created")];
    assert_eq!(outcomes(&answer), told(&expected));
    for refused in &results(&answer)[1..3] {
        assert_eq!(refused["reason"], "DB_ERROR");
        let message = refused["message"].as_str().unwrap();
        assert!(
            message.contains("a rule that is not Frontdesk's") && !message.contains("raise@"),
            "{message}"
        );
    }
    let call = fixture.post("/v1/customers", &token, &json!({"name": "Raise"})).await;
    call.refused(500, "DB_ERROR");
    assert_eq!(call.body["detail"], results(&answer)[1]["message"]);
}

/// Its system knows nothing of the merge and sends both every night.
#[tokio::test]
async fn a_line_of_a_merged_customer_is_no_mistake_and_changes_nothing() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let first = import(&fixture, &token, CSV, "name,external_id\nAnna,1\nAnna B.,2\n").await;
    let id = |line: usize| results(&first)[line]["customer_id"].as_str().unwrap().to_owned();
    let merge = json!({"duplicate_id": id(1)});
    fixture.post(&format!("/v1/customers/{}/merge", id(0)), &token, &merge).await.ok();
    let before = fixture.snapshot().await;
    for file in ["name,external_id\nAnna,1\nAnna B.,2\n", "name,external_id\nAnna,1\nAnna Berg,2\n"] {
        let again = import(&fixture, &token, CSV, file).await;
        assert_eq!(outcomes(&again), told(&[(2, "unchanged"), (3, "merged")]));
        assert_eq!(results(&again)[1]["customer_id"], id(0).as_str(), "the one that it is now");
        assert_eq!((counts(&again), &messages(&again)[2]["summary"]["merged"]), ([0, 0, 1, 0], &json!(1)));
    }
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_imported_by_several_at_once_is_stored_once() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let lines = (0..40).map(|n| format!("Guest {n},{n}\n")).collect::<Vec<_>>().concat();
    let file = format!("name,external_id\n{lines}");
    // As many as a tenant may have under way.
    let imports = (0..2).map(|_| import(&fixture, &token, CSV, file.clone()));
    let answers = futures::future::join_all(imports).await;
    let (mut created, mut unchanged) = (0, 0);
    for answer in &answers {
        let [new, changed, same, refused] = counts(answer);
        assert_eq!((changed, refused), (0, 0), "{:?}", answer.body);
        (created, unchanged) = (created + new, unchanged + same);
        for (one, other) in results(answer).iter().zip(results(&answers[0])) {
            assert_eq!(one["customer_id"], other["customer_id"]);
        }
    }
    assert_eq!((created, unchanged), (40, 40));
    for of in ["from customers where source = 'pms'", "from booking_events where action = 'customer_created'"]
    {
        assert_eq!(fixture.count(&format!("select count(*) {of}"), &[]).await, 40);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_beside_a_merge_leaves_the_one_that_stays_and_the_merged_one_as_they_are() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let kept = fixture.create_customer(&token, &json!({"name": "Kept"})).await;
    for round in 0..6 {
        let file = |name: &str| {
            let lines = (0..20).map(|n| format!("{name} {n},{round}-{n}\n")).collect::<Vec<_>>().concat();
            format!("name,external_id\n{lines}")
        };
        let first = import(&fixture, &token, CSV, file("Guest")).await;
        let twin = results(&first)[10]["customer_id"].as_str().unwrap().to_owned();
        let merge = json!({"duplicate_id": twin});
        let path = format!("{kept}/merge");
        let (imported, merged) =
            futures::join!(import(&fixture, &token, CSV, file("Other")), fixture.post(&path, &token, &merge));
        merged.ok();
        let told = outcomes(&imported);
        assert!(told.iter().all(|(line, as_what)| as_what == "updated" || *line == 12), "{told:?}");
        assert!(["updated", "merged"].contains(&told[10].1.as_str()), "{told:?}");
        let row = fixture.customers(&token, &format!("/{twin}")).await;
        let name = if told[10].1 == "updated" { "Other 10" } else { "Guest 10" };
        assert_eq!((&row.ok()["name"], row.body["archived_at"].is_string()), (&json!(name), true));
        assert_eq!(row.body["merged_into"], kept.rsplit('/').next().unwrap());
        let stays = fixture.customers(&token, kept.strip_prefix("/v1/customers").unwrap()).await;
        assert_eq!(stays.ok()["name"], "Kept");
    }
}
