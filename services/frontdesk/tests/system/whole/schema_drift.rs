//! A schema that is changed under a running service.

use frontdesk::demo;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::alterations::alter;
use crate::fixture::{Answer, Fixture, Layout, case, path_of, tenant_path};
use crate::program::run::{against, text};

/// What is broken, how it is repaired, and what calls and readiness say while it is.
struct Drift {
    layout: Layout,
    break_it: &'static str,
    repair: &'static str,
    status: u16,
    code: &'static str,
    object: &'static str,
}

const DRIFTS: [Drift; 6] = [
    Drift {
        layout: Layout::Standard,
        break_it: "alter table booking_requests drop column approved_booking_id",
        repair: "alter table booking_requests add column approved_booking_id uuid",
        status: 503,
        code: "SCHEMA_DRIFT",
        object: "column booking_requests.approved_booking_id",
    },
    Drift {
        layout: Layout::ConfirmedOnly,
        break_it: "alter table bookings drop column approved_booking_id",
        repair: "alter table bookings add column approved_booking_id uuid",
        status: 503,
        code: "SCHEMA_DRIFT",
        object: "column bookings.approved_booking_id",
    },
    Drift {
        layout: Layout::Standard,
        break_it: "alter table inventory_ranges rename to inventory_ranges_gone",
        repair: "alter table inventory_ranges_gone rename to inventory_ranges",
        status: 503,
        code: "SCHEMA_DRIFT",
        object: "table inventory_ranges",
    },
    Drift {
        layout: Layout::Standard,
        break_it: "alter table booking_requests rename to booking_requests_gone",
        repair: "alter table booking_requests_gone rename to booking_requests",
        status: 503,
        code: "SCHEMA_DRIFT",
        object: "table booking_requests",
    },
    Drift {
        layout: Layout::Standard,
        break_it: "alter table bookings rename constraint no_double_bookings to renamed",
        repair: "alter table bookings rename constraint renamed to no_double_bookings",
        status: 503,
        code: "SCHEMA_DRIFT",
        object: "constraint bookings.no_double_bookings",
    },
    Drift {
        layout: Layout::Standard,
        break_it: "alter table bookings drop constraint bookings_status_check; \
            alter table bookings add constraint bookings_status_check check (status in ('requested', 'cancelled')) not valid",
        repair: "alter table bookings drop constraint bookings_status_check",
        status: 422,
        code: "CHECK_VIOLATION",
        object: "bookings_status_check",
    },
];

#[tokio::test]
async fn a_schema_that_drifts_is_named_by_calls_and_readiness_until_it_is_repaired() {
    for Drift { layout, break_it, repair, status, code, object } in DRIFTS {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        fixture.get(&path_of(id, ""), &token).await.ok();
        alter(&fixture, break_it).await;
        let answer = fixture.post(&path_of(id, "/approve"), &token, &json!({})).await;
        answer.refused(status, code);
        let named = if code == "SCHEMA_DRIFT" { "object" } else { "constraint" };
        assert_eq!(answer.body["metadata"][named], object, "{}", answer.body);
        is_explained(&fixture, id, &token, &answer).await;
        let words = format!("{code}: {}", answer.body["detail"].as_str().unwrap());
        assert!(words.contains("`frontdesk doctor --repair --apply`"), "{words}");

        let unready = readiness(&fixture, false).await;
        assert_eq!(unready["booking"], "not_serving");
        until_told(&fixture, &words).await;

        alter(&fixture, repair).await;
        readiness(&fixture, true).await;
        fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.ok();
    }
}

/// An explanation says what the approve was refused with, or is refused alike where it cannot
/// be made itself.
async fn is_explained(fixture: &Fixture, id: Uuid, token: &str, refused: &Answer) {
    let explained = fixture.get(&path_of(id, "/explain"), token).await;
    if explained.status == 200 {
        let body = &explained.body;
        assert_eq!((&body["would_succeed"], &body["refusal_reason"]), (&json!(false), &refused.body["code"]));
        assert_eq!(body["message"], refused.body["detail"], "{body}");
    } else {
        explained.refused(refused.status, refused.body["code"].as_str().unwrap());
        assert_eq!(explained.body["metadata"]["object"], refused.body["metadata"]["object"]);
    }
}

/// Calls go on, and what is written would not be found again. What only notes is missed by
/// nobody: rows are judged when it is their turn.
#[tokio::test]
async fn a_trigger_that_does_not_fire_is_seen_by_readiness() {
    const NOTED: [&str; 3] = ["bookings", "inventory_ranges", "booking_requests"];
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        for table in NOTED.iter().take(if layout == Layout::Standard { 3 } else { 2 }) {
            let off = format!("alter table {table} disable trigger note_inconsistency_suspect");
            alter(&fixture, &off).await;
        }
        for (table, trigger) in [("customers", "customer_keys"), ("properties", "properties_key_name")] {
            let off = format!("alter table {table} disable trigger {trigger}");
            alter(&fixture, &off).await;
            readiness(&fixture, false).await;
            let problems =
                told(&fixture, |problem| problem.contains(&format!("trigger {table}.{trigger}"))).await;
            assert!(!problems.contains("note_inconsistency_suspect"), "{problems}");
            let on = format!("alter table {table} enable trigger {trigger}");
            alter(&fixture, &on).await;
            readiness(&fixture, true).await;
        }
    }
}

/// A right that is taken away, what `frontdesk doctor` calls the grant, and how a refusal names
/// it; the call that needs it, if one of these does.
struct Right {
    take: &'static str,
    grant: &'static str,
    object: &'static str,
    call: Call,
}

#[derive(Clone, Copy)]
enum Call {
    /// Of a new request each time, to which it is not the first.
    Approve,
    MakeCustomer,
    Login,
    ListTenants,
    /// Only what a task does in the background needs it.
    None,
}

/// Of booking.
const RIGHTS: [Right; 7] = [
    Right {
        take: "revoke update on booking_requests from frontdesk_booking",
        grant: "grant to frontdesk_booking: update on booking_requests",
        object: "table booking_requests: the right to update it",
        call: Call::Approve,
    },
    Right {
        take: "revoke insert, select on bookings from frontdesk_booking",
        grant: "grant to frontdesk_booking: select on bookings",
        object: "table bookings: the right to add rows to it, read it",
        call: Call::Approve,
    },
    Right {
        take: "revoke select on booking_requests from frontdesk_booking; \
            grant select (id, tenant_id) on booking_requests to frontdesk_booking",
        grant: "grant to frontdesk_booking: select on booking_requests",
        object: "table booking_requests: the right to read it",
        call: Call::Approve,
    },
    Right {
        take: "revoke update (number) on booking_events from frontdesk_booking_feed",
        grant: "grant to frontdesk_booking_feed: update (number) on booking_events",
        object: "table booking_events: the right of frontdesk_booking_feed to update its column number",
        call: Call::None,
    },
    Right {
        take: "revoke usage on sequence booking_event_ticks from frontdesk_booking",
        grant: "grant to frontdesk_booking: usage on booking_event_ticks",
        object: "sequence booking_event_ticks: the right to use it",
        call: Call::Approve,
    },
    Right {
        take: "revoke usage on schema public from public, frontdesk_booking",
        grant: "grant to frontdesk_booking: usage on public",
        object: "schema public: the right to use it",
        call: Call::Approve,
    },
    Right {
        take: "revoke execute on function frontdesk_text_key(text) from public",
        grant: "grant to frontdesk_booking: execute on frontdesk_text_key(text)",
        object: "function frontdesk_text_key(text): the right to run it",
        call: Call::MakeCustomer,
    },
];

/// Of identity, which has no sequence.
const RIGHTS_OF_IDENTITY: [Right; 5] = [
    Right {
        take: "revoke insert on identity.sessions from frontdesk_identity",
        grant: "grant to frontdesk_identity: insert on identity.sessions",
        object: "table identity.sessions: the right to add rows to it",
        call: Call::Login,
    },
    Right {
        take: "revoke select on identity.tenants from frontdesk_identity",
        grant: "grant to frontdesk_identity: select on identity.tenants",
        object: "table identity.tenants: the right to read it",
        call: Call::ListTenants,
    },
    Right {
        take: "revoke update (deleted_at) on identity.deleted_tenants from frontdesk_identity",
        grant: "grant to frontdesk_identity: update (deleted_at) on identity.deleted_tenants",
        object: "table identity.deleted_tenants: the right to update its column deleted_at",
        call: Call::None,
    },
    Right {
        take: "revoke usage on schema identity from frontdesk_identity",
        grant: "grant to frontdesk_identity: usage on identity",
        object: "schema identity: the right to use it",
        call: Call::Login,
    },
    Right {
        take: "revoke execute on function identity.forget_sessions(timestamptz, integer) from frontdesk_identity",
        grant: "grant to frontdesk_identity: execute on identity.forget_sessions(timestamp with time zone,integer)",
        object: "function identity.forget_sessions(timestamp with time zone,integer): the right to run it",
        call: Call::None,
    },
];

impl Call {
    /// Makes it, as staff or as an operator, whose tokens are from before.
    async fn make(self, fixture: &Fixture, [staff, operator]: &[String; 2], place: i32) -> Option<Answer> {
        Some(match self {
            Self::Approve => {
                let id = fixture.open_request(demo::TENANT, 1, 100 + 2 * place, 101 + 2 * place).await;
                let approved = fixture.post(&path_of(id, "/approve"), staff, &json!({})).await;
                if approved.status != 200 {
                    is_explained(fixture, id, staff, &approved).await;
                }
                approved
            }
            Self::MakeCustomer => {
                fixture.post("/v1/customers", staff, &json!({"name": "Ada Lovelace"})).await
            }
            Self::Login => fixture.try_login(demo::OWNER, demo::PASSWORD).await,
            Self::ListTenants => fixture.get("/v1/tenants", operator).await,
            Self::None => return None,
        })
    }
}

/// As after a restore without grants: every table is there, and no call goes.
#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_is_named_by_calls_readiness_and_doctor_until_it_is_given_again() {
    for (service, rights) in [("booking", &RIGHTS[..]), ("identity", &RIGHTS_OF_IDENTITY)] {
        let fixture = Fixture::start().await;
        let env = [("DATABASE_URL", fixture.database.url.clone())];
        let tokens = [fixture.manager().await, fixture.token(demo::OPERATOR).await];
        for (place, Right { take, grant, object, call }) in (0..).zip(rights) {
            // What is known before is known from a connection that could do it.
            if let Some(answer) = call.make(&fixture, &tokens, 2 * place).await {
                answer.ok();
            }
            alter(&fixture, take).await;
            if let Some(answer) = call.make(&fixture, &tokens, 2 * place + 1).await {
                answer.refused(503, "SCHEMA_DRIFT");
                assert_eq!(answer.body["metadata"]["object"], *object, "{take}: {}", answer.body);
                assert!(answer.body["detail"].to_string().contains("`frontdesk doctor --repair --apply`"));
            }
            assert_eq!(readiness(&fixture, false).await[service], "not_serving", "{take}");
            if service == "booking" {
                told(&fixture, |problem| problem.contains(object)).await;
            }
            let report = text(&against(&fixture, &["doctor", "--json"], &env).await.stdout);
            assert!(report.contains(&format!("{grant} is missing")), "{take}: {report}");
            assert!(!own_checks(&report).contains(object), "it is told twice: {report}");
            let repaired = against(&fixture, &["doctor", "--repair", "--apply"], &env).await;
            assert!(repaired.status.success(), "{}", text(&repaired.stderr));
            readiness(&fixture, true).await;
            if let Some(answer) = call.make(&fixture, &tokens, 2 * place + 1).await {
                answer.ok();
            }
        }
    }
}

/// What doctor found at the database: the gateway's check says what the gateway says.
fn own_checks(report: &str) -> String {
    let report: Value = serde_json::from_str(report).unwrap();
    let checks = report["checks"].as_array().unwrap().iter();
    checks.filter(|one| one["check"] != "gateway").map(ToString::to_string).collect()
}

/// A check that refuses no approve but what follows it, where something does.
#[tokio::test]
async fn an_explanation_knows_whether_competitors_would_be_declined() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let settings = json!({"auto_decline": true});
    fixture.patch("/v1/booking-settings", &token, &settings).await.ok();
    alter(
        &fixture,
        "alter table booking_requests drop constraint booking_requests_status_check; \
         alter table booking_requests add constraint booking_requests_status_check \
            check (status <> 'declined') not valid",
    )
    .await;
    let alone = fixture.open_request(demo::TENANT, 1, 100, 102).await;
    let [first, _second] = [
        fixture.open_request(demo::TENANT, 1, 110, 112).await,
        fixture.open_request(demo::TENANT, 2, 111, 113).await,
    ];
    let explained = fixture.get(&path_of(alone, "/explain"), &token).await;
    assert_eq!(explained.ok()["would_succeed"], true, "{}", explained.body);
    fixture.post(&path_of(alone, "/approve"), &token, &json!({})).await.ok();
    let answer = fixture.post(&path_of(first, "/approve"), &token, &json!({})).await;
    answer.refused(422, "CHECK_VIOLATION");
    is_explained(&fixture, first, &token, &answer).await;
}

/// What another program's function may not do is no right that is given here: it is named as
/// the server names it.
#[tokio::test]
async fn a_right_that_a_function_of_others_lacks_is_named_by_the_server() {
    let fixture = Fixture::start().await;
    alter(
        &fixture,
        "create table of_others (id int); \
         create function copy_to_others() returns trigger language plpgsql as \
            $$ begin insert into of_others values (1); return new; end $$; \
         create trigger copy_to_others before update on booking_requests \
            for each row execute function copy_to_others()",
    )
    .await;
    let token = fixture.manager().await;
    let approve = path_of(case("REQUESTED"), "/approve");
    let answer = fixture.post(&approve, &token, &json!({})).await;
    answer.refused(503, "SCHEMA_DRIFT");
    assert_eq!(
        answer.body["metadata"]["object"],
        "a right of its role (permission denied for table of_others)"
    );
    alter(
        &fixture,
        "create or replace function copy_to_others() returns trigger language plpgsql as \
            $$ begin raise 'not today' using errcode = '42501'; end $$",
    )
    .await;
    let answer = fixture.post(&approve, &token, &json!({})).await;
    let sentence = answer.refused(500, "DB_ERROR").body["detail"].to_string();
    assert!(sentence.contains("by a rule that is not Frontdesk's"), "{sentence}");
    fixture.get(&tenant_path("/members"), &fixture.token(demo::OWNER).await).await.ok();
    readiness(&fixture, true).await;
}

/// Waits until `/readyz` names a problem. Booking has a second to tell its problems, which a
/// loaded machine may not give it.
async fn until_told(fixture: &Fixture, problem: &str) {
    told(fixture, |one| one == problem).await;
}

/// The problems, once one of them is the one that is looked for.
async fn told(fixture: &Fixture, is_it: impl Fn(&str) -> bool) -> String {
    let mut last = Value::Null;
    for _ in 0..50 {
        last = fixture.get("/readyz", "").await.body;
        let problems = last["problems"].as_array().into_iter().flatten();
        if problems.filter_map(Value::as_str).any(&is_it) {
            return last["problems"].to_string();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("it is not in {last}");
}

/// What `/readyz` says once it says so.
pub async fn readiness(fixture: &Fixture, ready: bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..100 {
        let answer = fixture.get("/readyz", "").await;
        last = answer.body.clone();
        if (answer.status == 200) == ready {
            return last;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("readiness stayed {last}");
}
