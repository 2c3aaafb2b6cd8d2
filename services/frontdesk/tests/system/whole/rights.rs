//! Rights that are taken from the roles of a running service.

use frontdesk::demo;
use serde_json::{Value, json};

use super::schema_drift::{is_explained, readiness, told};
use crate::alterations::alter;
use crate::fixture::{Answer, Fixture, case, path_of, tenant_path};
use crate::program::run::{against, text};

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
    let sentence = answer.body["detail"].to_string();
    assert!(sentence.contains("the migrations do not give it") && !sentence.contains("doctor"), "{sentence}");
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

/// A right is not missing because it was given in another way: to everybody, column by column,
/// through another role, or as one that includes it.
#[tokio::test]
async fn a_right_that_is_had_in_another_way_is_not_missing() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (place, another_way) in (0..).zip([
        "revoke update on booking_requests from frontdesk_booking; grant update on booking_requests to public",
        "revoke select on inventory_ranges from frontdesk_booking; \
            do $$ begin execute (select format('grant select (%s) on inventory_ranges to frontdesk_booking', \
            string_agg(quote_ident(attname), ', ')) from pg_attribute \
            where attrelid = 'inventory_ranges'::regclass and attnum > 0 and not attisdropped); end $$",
        "revoke usage on sequence booking_event_ticks from frontdesk_booking; \
            grant update on sequence booking_event_ticks to frontdesk_booking",
        "revoke execute on function frontdesk_text_key(text) from public; \
            grant execute on function frontdesk_text_key(text) to frontdesk_booking",
    ]) {
        alter(&fixture, another_way).await;
        let problems = readiness(&fixture, true).await;
        assert_eq!(problems["booking"], "serving", "{another_way}: {problems}");
        let id = fixture.open_request(demo::TENANT, 1, 100 + 2 * place, 101 + 2 * place).await;
        fixture.post(&path_of(id, "/approve"), &token, &json!({})).await.ok();
    }
}
