//! Calls that approve at the same time, made to go together: a batch is what comes while
//! another one is under way, and that one is kept waiting here.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use frontdesk::demo;
use frontdesk::system::System;
use futures::future::join_all;
use identity::Policy;
use serde_json::json;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::relay::Relay;
use crate::figures::Figures;
use crate::fixture::{Answer, Fixture, path_of, system};
use crate::waits::until_so;

/// Two guests whose bookings are not stored before their gate is open.
const SLOW: u32 = 98;
pub const SLOW_IN_LOT: u32 = 99;

/// A trigger that keeps the bookings of these guests waiting, without a lock.
const GATES: &str = "create table gates (guest uuid not null, open boolean not null); insert into gates values \
    ('00000000-0000-0000-0000-000000000062', false), ('00000000-0000-0000-0000-000000000063', false); \
    grant select on gates to frontdesk_booking; \
    create function wait_at_gate() returns trigger language plpgsql as $$ begin \
    while not (select open from gates where guest = new.guest_id) loop perform pg_sleep(0.01); end loop; \
    return new; end $$; \
    create trigger gates before insert on bookings for each row \
    when (new.guest_id >= '00000000-0000-0000-0000-000000000062' \
    and new.guest_id <= '00000000-0000-0000-0000-000000000063') execute function wait_at_gate()";

const AT_GATE: &str = "select count(*) from pg_stat_activity where wait_event = 'PgSleep' \
    and datname = current_database()";

/// Transactions that have written the bookings of these requests.
const TRANSACTIONS: &str =
    "select count(distinct xmin::text) from bookings where booking_request_id = any ($1)";

/// Somebody who approves with a note.
pub struct Ask<'a> {
    pub tenant: Uuid,
    pub id: Uuid,
    pub token: &'a str,
    pub note: &'a str,
}

/// A system in which calls can be made to go together.
pub struct Crowd {
    pub fixture: Fixture,
    pub token: String,
    /// Between the called system and Postgres.
    pub relay: Relay,
    figures: Figures,
    system: System,
}

/// Tells the relays of a process apart.
static NEXT: AtomicU32 = AtomicU32::new(0);

impl Crowd {
    pub async fn start() -> Self {
        // On the heap: every test has room for its future.
        let fixture = Box::pin(Fixture::start()).await;
        fixture.sql.batch_execute(GATES).await.unwrap();
        let token = fixture.manager().await;
        let relay = Relay::start(&fixture, &format!("crowd-{}", NEXT.fetch_add(1, Ordering::Relaxed))).await;
        let system = Box::pin(system(&relay.url, Policy::default())).await;
        let figures = Figures::of(&system).await;
        Self { fixture, token, relay, figures, system }
    }

    pub async fn open(&self, customer: u32, from: i32, to: i32) -> Uuid {
        self.fixture.open_request(demo::TENANT, customer, from, to).await
    }

    pub fn ask(&self, id: Uuid) -> Ask<'_> {
        Ask { tenant: demo::TENANT, id, token: &self.token, note: "" }
    }

    /// Starts to approve, in a task that can be aborted as a caller that goes away.
    pub fn approve(&self, ask: &Ask<'_>) -> JoinHandle<Answer> {
        let url = format!("http://{}{}", self.system.gateway, path_of(ask.id, "/approve"));
        let request = reqwest::Client::builder().no_proxy().build().unwrap().post(url);
        let request = request.header("x-tenant-id", ask.tenant.to_string());
        let request = request.bearer_auth(ask.token).json(&json!({"internal_note": ask.note}));
        tokio::spawn(Answer::of(request))
    }

    /// Waits until so many sessions wait at the gate.
    pub async fn at_gate(&self, sessions: i64) {
        self.fixture.until(AT_GATE, &[], sessions).await;
    }

    pub async fn set_gate(&self, guest: u32, open: bool) {
        let set = "update gates set open = $2 where guest = $1";
        assert_eq!(self.fixture.execute(set, &[&Uuid::from_u128(u128::from(guest)), &open]).await, 1);
    }

    /// Starts calls that go together: after four that go alone, and one that is a batch by
    /// itself, all of which wait at their gate. Gives those before, and these.
    pub async fn gather(&self, days: i32, asks: &[Ask<'_>]) -> [Vec<JoinHandle<Answer>>; 2] {
        self.gather_after(&[&[demo::TENANT]], days, asks).await
    }

    /// The same, where batches of calls of these tenants wait, one after the other: those
    /// of tenants with few calls wait for each other.
    pub async fn gather_after(
        &self,
        batches: &[&[Uuid]],
        days: i32,
        asks: &[Ask<'_>],
    ) -> [Vec<JoinHandle<Answer>>; 2] {
        self.set_gate(SLOW, false).await;
        let alone: &[Uuid] = &[demo::TENANT];
        let (mut before, mut at_gate) = (Vec::new(), 0);
        for batch in [alone; 4].iter().chain(batches) {
            for tenant in *batch {
                let day = days + i32::try_from(before.len()).unwrap();
                let slow = self.fixture.open_request(*tenant, SLOW, day, day + 1).await;
                before.push(self.approve(&Ask { tenant: *tenant, ..self.ask(slow) }));
            }
            at_gate += 1;
            self.at_gate(at_gate).await;
        }
        let calls: Vec<_> = asks.iter().map(|ask| self.approve(ask)).collect();
        until_so("the calls have come", async || {
            let answered = calls.iter().filter(|call| call.is_finished()).count();
            self.under_way().await + answered >= before.len() + calls.len()
        })
        .await;
        // From the service's door to the line it is not far, but nobody tells of the end.
        tokio::time::sleep(Duration::from_millis(300)).await;
        [before, calls]
    }

    /// How many calls to approve the service has.
    pub async fn under_way(&self) -> usize {
        let figure = "frontdesk_rpc_under_way{part=\"booking\",method=\"frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest\"}";
        usize::try_from(self.figures.read(figure).await).unwrap()
    }

    /// Lets those through that came before the batch.
    pub async fn release(&self, before: Vec<JoinHandle<Answer>>) {
        self.set_gate(SLOW, true).await;
        for call in before {
            call.await.unwrap().ok();
        }
    }

    /// Approves together.
    pub async fn together(&self, days: i32, asks: &[Ask<'_>]) -> Vec<Answer> {
        let [before, calls] = self.gather(days, asks).await;
        self.release(before).await;
        join_all(calls).await.into_iter().map(Result::unwrap).collect()
    }

    pub async fn transactions(&self, of: &[Uuid]) -> i64 {
        self.fixture.count(TRANSACTIONS, &[&of]).await
    }

    /// Bookings, active ranges, and events that say so, of a request that was approved once.
    pub async fn assert_approved_once(&self, ids: &[Uuid]) {
        let stored = "select (select count(*) from bookings b where b.booking_request_id = r.id and b.status = 'confirmed'), \
            (select count(*) from inventory_ranges i where i.source_id = r.approved_booking_id and i.state = 'active' \
            and (i.start_date, i.end_date) = (r.check_in, r.check_out)), \
            (select count(*) from booking_events e where e.booking_request_id = r.id and e.action = 'approved' \
            and e.booking_id = r.approved_booking_id), r.status = 'confirmed' and r.row_version = 2 \
            from booking_requests r where r.id = $1";
        for id in ids {
            let row = self.fixture.sql.query_one(stored, &[id]).await.unwrap();
            let counts = [0, 1, 2].map(|column| row.get::<_, i64>(column));
            assert_eq!((counts, row.get::<_, Option<bool>>(3)), ([1; 3], Some(true)), "{id}");
        }
    }
}
