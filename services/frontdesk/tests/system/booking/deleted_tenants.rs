//! What booking deletes because identity says so, and what it does not whoever says what.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use access::{
    Authority, Caller, Claims, Credentials, DeletedTenants, Issuer, Key, RemoteIdentity, Resolution, Revoked,
};
use devdb::TestDatabase;
use frontdesk::demo;
use frontdesk::system::Policies;
use frontdesk_proto::Refusal;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::fixture::{Fixture, Layout, system_under};
use crate::identity::tenant_purge::{furnish, house, policies};
use crate::waits::until_so;

/// After all others in the order of ids.
const LAST: Uuid = Uuid::from_u128(u128::MAX - 1);
const HOUSES: &str = "select count(*) from properties where tenant_id = $1";

/// Whom booking asks, and how often it was asked.
#[derive(Debug, Clone)]
struct Asked<A> {
    identity: A,
    times: Arc<AtomicUsize>,
}

impl<A: Authority> Authority for Asked<A> {
    const HOLDS: Duration = A::HOLDS;

    async fn keys(&self, now: Timestamp) -> Result<Vec<Key>, Refusal> {
        self.identity.keys(now).await
    }

    async fn resolve(
        &self,
        credentials: &Credentials,
        claims: Option<&Claims>,
        now: Timestamp,
    ) -> Result<Resolution, Refusal> {
        self.identity.resolve(credentials, claims, now).await
    }

    async fn follow(&self, hear: impl Fn(Revoked, Instant) + Send + Sync) {
        self.identity.follow(hear).await;
    }

    async fn record_operator(&self, credentials: &Credentials, caller: &Caller) -> Result<(), Refusal> {
        self.identity.record_operator(credentials, caller).await
    }

    async fn deleted_tenants(&self, of: &[Uuid]) -> Result<DeletedTenants, Refusal> {
        let answer = self.identity.deleted_tenants(of).await;
        self.times.fetch_add(1, Ordering::SeqCst);
        answer
    }
}

/// A booking whose tasks run until it is dropped.
struct Booking {
    times: Arc<AtomicUsize>,
    stop: CancellationToken,
    _server: boot::GrpcServer,
}

impl Drop for Booking {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Booking {
    /// One that asks whoever listens there, and takes tokens of this issuer.
    async fn asking(fixture: &Fixture, identity: SocketAddr, issuer: Issuer) -> Self {
        let config =
            pg::Config { url: fixture.database.url.clone(), pool_size: pg::Config::DEFAULT_POOL_SIZE };
        let (times, stop) = (Arc::<AtomicUsize>::default(), CancellationToken::new());
        let identity = RemoteIdentity::new(identity.to_string().parse().unwrap());
        let config = booking::Config {
            listener: TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap().into(),
            database: config.open(booking::ROLE, "frontdesk-booking").unwrap(),
            issuer,
            authority: Asked { identity, times: Arc::clone(&times) },
            policy: policies().booking,
        };
        let server = booking::build(config, &stop).unwrap();
        Self { times, stop, _server: server }
    }

    /// Returns when it has been answered, or not, in more turns than it takes to delete.
    async fn has_asked(&self) {
        let before = self.times.load(Ordering::SeqCst);
        until_so("booking has asked", async || self.times.load(Ordering::SeqCst) >= before + 4).await;
    }
}

/// A tenant that has a house and was deleted long ago.
async fn deleted(fixture: &Fixture, tenant: Uuid) {
    house(fixture, tenant).await;
    let deleted =
        "insert into identity.deleted_tenants (id, deleted_at) values ($1, now() - interval '61 minutes')";
    fixture.execute(deleted, &[&tenant]).await;
}

#[tokio::test]
async fn without_an_answer_of_its_identity_booking_deletes_nothing() {
    let fixture = Fixture::start().await;
    deleted(&fixture, LAST).await;
    let before = fixture.snapshot().await;
    // Nobody listens there, and a service that has no such method.
    let away = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap().local_addr().unwrap();
    for other in [away, fixture.system.booking] {
        let booking = Booking::asking(&fixture, other, Issuer::default()).await;
        booking.has_asked().await;
        assert_eq!(fixture.snapshot().await, before, "{other}");
    }
    // Another one's identity, by its issuer.
    let issuer = Issuer { issuer: "https://another.example".to_owned(), ..Issuer::default() };
    let booking = Booking::asking(&fixture, fixture.system.identity, issuer).await;
    booking.has_asked().await;
    assert_eq!(fixture.snapshot().await, before);
    drop(booking);
    // One whose statement fails.
    fixture.execute("alter table identity.deleted_tenants rename to lost", &[]).await;
    let booking = Booking::asking(&fixture, fixture.system.identity, Issuer::default()).await;
    booking.has_asked().await;
    assert_eq!(fixture.snapshot().await, before);
    fixture.execute("alter table identity.lost rename to deleted_tenants", &[]).await;
    fixture.until("select 1 - count(*) from properties where tenant_id = $1", &[&LAST], 1).await;
}

/// Another identity under the same name: booking goes by the database that it has asked first.
#[tokio::test]
async fn booking_believes_the_database_of_identity_that_it_has_asked_before() {
    let fixture = Fixture::start().await;
    let booking = Booking::asking(&fixture, fixture.system.identity, Issuer::default()).await;
    booking.has_asked().await;
    let known = "select count(*) from frontdesk_booking_identity k \
        join identity.revocation_head h on h.database_id = k.database_id";
    assert_eq!(fixture.count(known, &[]).await, 1);
    let another = "update identity.revocation_head set database_id = gen_random_uuid()";
    assert_eq!(fixture.execute(another, &[]).await, 1);
    booking.has_asked().await;
    deleted(&fixture, LAST).await;
    booking.has_asked().await;
    assert_eq!(fixture.count(HOUSES, &[&LAST]).await, 1);
    assert_eq!(fixture.count("select count(*) from frontdesk_booking_identity", &[]).await, 1);
    // Until somebody who knows says that it is this one.
    fixture.execute("delete from frontdesk_booking_identity", &[]).await;
    until_so("it is deleted", async || fixture.count(HOUSES, &[&LAST]).await == 0).await;
    assert_eq!(fixture.count(known, &[]).await, 1);
}

/// Somebody who sees that it is wrong has time to stop it.
#[tokio::test]
async fn booking_is_told_of_a_deletion_an_hour_after_it_began() {
    let fixture = Fixture::start().await;
    house(&fixture, LAST).await;
    let lately =
        "insert into identity.deleted_tenants (id, deleted_at) values ($1, now() - interval '59 minutes')";
    fixture.execute(lately, &[&LAST]).await;
    let booking = Booking::asking(&fixture, fixture.system.identity, Issuer::default()).await;
    booking.has_asked().await;
    assert_eq!(fixture.count(HOUSES, &[&LAST]).await, 1);
    let over = "update identity.deleted_tenants set deleted_at = now() - interval '1 hour' where id = $1";
    fixture.execute(over, &[&LAST]).await;
    until_so("it is deleted", async || fixture.count(HOUSES, &[&LAST]).await == 0).await;
}

/// One answer may be a mistake that the next one no longer makes.
#[tokio::test]
async fn what_identity_says_once_deletes_nothing() {
    let fixture = Fixture::start().await;
    deleted(&fixture, LAST).await;
    let before = fixture.snapshot().await;
    let known = "select count(*) from frontdesk_booking_identity";
    fixture.until(known, &[], 1).await;
    // Each replica is told once.
    for _ in 0..2 {
        fixture.execute("delete from frontdesk_booking_identity", &[]).await;
        let every = Duration::from_hours(1);
        let booking = booking::Policy { delete_tenants_every: every, ..booking::Policy::default() };
        let policies = Policies { booking, ..Policies::default() };
        let replica = Box::pin(system_under(&fixture.database.url, policies)).await;
        fixture.until(known, &[], 1).await;
        replica.stop().await.unwrap();
    }
    assert_eq!(fixture.snapshot().await, before);
}

/// What says that a tenant has something here goes at last, so that whoever comes next finds
/// what is left.
#[tokio::test]
async fn a_booking_that_ends_between_two_pieces_leaves_what_the_next_one_finds() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        furnish(&fixture).await;
        let gone = "with begun as (update identity.tenants set deleted_at = now(), purge_at = now(), \
            purge_began_at = now() where id = $1) \
            insert into identity.deleted_tenants (id, deleted_at) values ($1, now() - interval '61 minutes')";
        fixture.execute(gone, &[&demo::TENANT]).await;
        // Another program is at its properties.
        let mut other = pg::connect(&fixture.database.url).await.unwrap();
        let holds = other.transaction().await.unwrap();
        let lock = "select from properties where tenant_id = $1 for update";
        assert!(holds.execute(lock, &[&demo::TENANT]).await.unwrap() > 1);
        let booking = Booking::asking(&fixture, fixture.system.identity, Issuer::default()).await;
        let tables = [
            layout.requests(),
            "bookings",
            "inventory_ranges",
            "booking_events",
            "idempotency_keys",
            "inconsistency_suspects",
            "inconsistencies",
            "booking_settings",
            "customers",
        ];
        for table in tables {
            let is_empty = async || {
                let count = format!("select count(*) from {table} where tenant_id = $1");
                fixture.count(&count, &[&demo::TENANT]).await == 0
            };
            until_so(format_args!("{table} is empty in {layout:?}"), is_empty).await;
        }
        drop(booking);
        assert!(fixture.count(HOUSES, &[&demo::TENANT]).await > 1, "{layout:?}");
        holds.rollback().await.unwrap();
        let _booking = Booking::asking(&fixture, fixture.system.identity, Issuer::default()).await;
        let is_gone = async || {
            let feeds = "select count(*) from feed_heads where tenant_id = $1";
            fixture.count(HOUSES, &[&demo::TENANT]).await == 0
                && fixture.count(feeds, &[&demo::TENANT]).await == 0
        };
        until_so(format_args!("the rest is gone in {layout:?}"), is_gone).await;
    }
}

/// Whoever took "no rows" for "nothing is left" would delete what requests still refer to.
#[tokio::test]
async fn nothing_is_said_of_a_tenant_at_which_another_server_is() {
    // No server runs, whose tasks lock rows in another order than the whole of them here.
    let database = TestDatabase::create(&[&identity::MIGRATIONS, &booking::MIGRATIONS]).await;
    demo::seed(&database.url).await.unwrap();
    let sql = pg::connect(&database.url).await.unwrap();
    let [statements, _] = booking::statements().unwrap();
    let mut other = pg::connect(&database.url).await.unwrap();
    let holds = other.transaction().await.unwrap();
    let lock = "select pg_advisory_xact_lock(hashtextextended('delete tenant ' || $1::uuid, 0))";
    holds.execute(lock, &[&demo::TENANT]).await.unwrap();
    let deleted = async |name: &str| -> Option<i64> {
        let form = statements.named(name).unwrap().full();
        let prepared = sql.prepare_typed(form.text(), form.types()).await.unwrap();
        sql.query_one(&prepared, &[&[demo::TENANT].as_slice(), &1_i64]).await.unwrap().get("deleted")
    };
    let names = ["delete_requests_of_tenants", "delete_rows_of_tenants"];
    for name in names {
        assert_eq!(deleted(name).await, None, "{name}");
    }
    holds.rollback().await.unwrap();
    sql.batch_execute("begin; delete from booking_requests").await.unwrap();
    assert_eq!(deleted(names[0]).await, Some(0));
    assert!(deleted(names[1]).await > Some(1));
    sql.batch_execute("rollback").await.unwrap();
}

/// Feeds and what the check has found have no page that a call reads: another tenant's stay.
#[tokio::test]
async fn feeds_and_inconsistencies_of_others_stay() {
    let fixture = Fixture::start().await;
    let other = Uuid::from_u128(7);
    for tenant in [LAST, other] {
        let some = "with heads as (insert into feed_heads (tenant_id, head, forgotten) values ($1, 9, 3)), \
            checks as (insert into inconsistency_checks (tenant_id) values ($1)) \
            insert into inconsistencies (tenant_id, kind_number, row_id, found_at) \
            select $1, n, gen_random_uuid(), now() from generate_series(1, 700) n";
        assert_eq!(fixture.execute(some, &[&tenant]).await, 700);
    }
    let deleted =
        "insert into identity.deleted_tenants (id, deleted_at) values ($1, now() - interval '61 minutes')";
    fixture.execute(deleted, &[&LAST]).await;
    let left = "select (select count(*) from feed_heads where tenant_id = $1 and head = 9) \
        + (select count(*) from inconsistency_checks where tenant_id = $1) \
        + (select count(*) from inconsistencies where tenant_id = $1)";
    let before = fixture.count(left, &[&other]).await;
    let _booking = Booking::asking(&fixture, fixture.system.identity, Issuer::default()).await;
    until_so("it is deleted", async || fixture.count(left, &[&LAST]).await == 0).await;
    assert_eq!(fixture.count(left, &[&other]).await, before);
}

/// A tenant of a later page, and one of which another program has stored a customer alone.
#[tokio::test]
async fn tenants_are_found_on_every_page_and_by_whatever_they_have() {
    let fixture = Fixture::start().await;
    let many = "insert into properties (tenant_id, id, name, time_zone, max_guests, created_at) \
        select gen_random_uuid(), gen_random_uuid(), 'House', 'Europe/Berlin', 2, now() \
        from generate_series(1, 1203) n";
    fixture.execute(many, &[]).await;
    deleted(&fixture, LAST).await;
    let others = "select count(*) from properties where tenant_id <> $1";
    let before = fixture.count(others, &[&LAST]).await;
    let booking = Booking::asking(&fixture, fixture.system.identity, Issuer::default()).await;
    until_so("it is deleted", async || fixture.count(HOUSES, &[&LAST]).await == 0).await;
    drop(booking);
    assert_eq!(fixture.count(others, &[&LAST]).await, before);

    for layout in [Layout::Literal, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let guest = "insert into customers (tenant_id, id, name, email, phone, created_at) \
            values ($1, gen_random_uuid(), 'Guest', '', '', now())";
        fixture.execute(guest, &[&LAST]).await;
        let deleted = "insert into identity.deleted_tenants (id, deleted_at) values ($1, now() - interval '61 minutes')";
        fixture.execute(deleted, &[&LAST]).await;
        let _booking = Booking::asking(&fixture, fixture.system.identity, Issuer::default()).await;
        let guests = "select count(*) from customers where tenant_id = $1";
        until_so("it is deleted", async || fixture.count(guests, &[&LAST]).await == 0).await;
    }
}
