//! Requests that are read at the same time: each call gets its own request as its caller may see
//! it, whoever else asks for what.

use frontdesk::demo;
use futures::future::join_all;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::help::foreign::GUEST;
use crate::figures::Figures;
use crate::fixture::{Fixture, path_of};

/// The id of no request.
const NOWHERE: Uuid = Uuid::nil();
const TOGETHER: &str = "frontdesk_requests_read_total{part=\"booking\",how=\"together\"}";

/// A caller, and how it finds a request: its own tenant's, or not at all.
struct Caller {
    token: String,
    own: Vec<Uuid>,
    others: Vec<Uuid>,
}

async fn callers(fixture: &Fixture) -> [Caller; 2] {
    let mut requests = Vec::new();
    for tenant in [demo::TENANT, demo::OTHER_TENANT] {
        let mut own = Vec::new();
        for n in 0..12 {
            own.push(fixture.open_request(tenant, GUEST, 300 + 3 * n, 302 + 3 * n).await);
        }
        requests.push(own);
    }
    let tokens = [fixture.manager().await, fixture.token(demo::OTHER_OWNER).await];
    let [token, other_token] = tokens;
    [
        Caller { token, own: requests[0].clone(), others: requests[1].clone() },
        Caller { token: other_token, own: requests[1].clone(), others: requests[0].clone() },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_readers_gets_its_own_request_and_none_of_another_tenant() {
    let fixture = Fixture::start().await;
    let figures = Figures::of(&fixture.system).await;
    let callers = callers(&fixture).await;
    let expected: Vec<Json> = join_all(
        callers[0]
            .own
            .iter()
            .map(async |id| fixture.get(&path_of(*id, ""), &callers[0].token).await.ok().clone()),
    )
    .await;
    let mut rounds = 0;
    while rounds < 5 || figures.read(TOGETHER).await < 50 {
        rounds += 1;
        assert!(rounds < 200, "they do not go together");
        let mut reads = Vec::new();
        for Caller { token, own, others } in &callers {
            let found = own.iter().chain(own.iter().take(3)).map(|id| (token, *id, true));
            let lost = others.iter().take(4).chain(&[NOWHERE]).map(|id| (token, *id, false));
            reads.extend(found.chain(lost));
        }
        let reads = reads.into_iter().map(async |(token, id, is_found)| {
            let answer = fixture.get(&path_of(id, ""), token).await;
            if is_found {
                assert_eq!(answer.ok()["id"], json!(id));
            } else {
                answer.refused(404, "BOOKING_REQUEST_NOT_FOUND");
            }
        });
        join_all(reads).await;
    }
    for (id, before) in callers[0].own.iter().zip(&expected) {
        assert_eq!(fixture.get(&path_of(*id, ""), &callers[0].token).await.ok(), before);
    }
}

/// What was stored before a call is seen by it, with whomever it is read.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_after_a_change_sees_it_however_many_read() {
    let fixture = Fixture::start().await;
    let [caller, _] = callers(&fixture).await;
    let noise = join_all((0..8).map(async |n| {
        for k in 0..60 {
            let id = caller.own[(n + k) % 12];
            assert_eq!(fixture.get(&path_of(id, ""), &caller.token).await.ok()["id"], json!(id));
        }
    }));
    let changes = async {
        for id in &caller.own {
            fixture.post(&path_of(*id, "/approve"), &caller.token, &json!({})).await.ok();
            let read = fixture.get(&path_of(*id, ""), &caller.token).await;
            assert_eq!(read.ok()["status"], "confirmed");
        }
    };
    tokio::join!(noise, changes);
}

/// One row that cannot be shown costs the others nothing but another statement.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_read_is_refused_alone() {
    let fixture = Fixture::start().await;
    let [caller, _] = callers(&fixture).await;
    let bad = caller.own[0];
    let never = "alter table booking_requests alter created_at drop not null; \
        update booking_requests set created_at = null where id = ";
    fixture.sql.batch_execute(&format!("{never}'{bad}'")).await.unwrap();
    let alone = fixture.get(&path_of(bad, ""), &caller.token).await;
    for _ in 0..5 {
        let answers =
            join_all(caller.own.iter().map(async |id| fixture.get(&path_of(*id, ""), &caller.token).await))
                .await;
        assert_eq!((answers[0].status, &answers[0].body["code"]), (alone.status, &alone.body["code"]));
        for (id, answer) in caller.own.iter().zip(&answers).skip(1) {
            assert_eq!(answer.ok()["id"], json!(id));
        }
    }
}
