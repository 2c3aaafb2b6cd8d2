//! A database goes to another cluster, whose transactions count from the beginning: by
//! dump and restore, and by logical replication; or its own transactions count from the beginning. A
//! saved cursor goes on there without loss and without repetition.

use std::time::Duration;

use frontdesk::demo;
use frontdesk::system::System;
use frontdesk_proto::booking::v1::WatchBookingRequestsRequest;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use identity::Policy;
use serde_json::json;
use tokio::time::timeout;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::cluster::Cluster;
use crate::fixture::{Answer, LAKE_HOUSE, channel, path_of, signed, system};
use crate::program::run::frontdesk;

/// A system in a cluster, and who calls it.
struct Place {
    system: System,
    sql: Client,
    token: String,
}

impl Place {
    async fn of(cluster: &Cluster) -> Self {
        let url = cluster.url("system");
        let system = system(&url, Policy::default()).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let body = json!({"email": demo::MANAGER, "password": demo::PASSWORD});
        let login = client.post(format!("http://{}/v1/auth/login", system.gateway)).json(&body);
        let token = Answer::of(login).await.ok()["access"].as_str().unwrap().to_owned();
        Self { system, sql: cluster.sql("system").await, token }
    }

    async fn approve(&self, day: i32) {
        let insert = "insert into booking_requests (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
            guest_count, created_at, updated_at) values ($1, $2, $3, '0d000000-0000-7000-8000-000000000301', \
            date '2040-01-01' + $4::integer, date '2040-01-02' + $4::integer, 'requested', 1, now(), now())";
        let id = Uuid::now_v7();
        self.sql.execute(insert, &[&demo::TENANT, &id, &LAKE_HOUSE, &day]).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}{}", self.system.gateway, path_of(id, "/approve"));
        Answer::of(client.post(url).bearer_auth(&self.token).json(&json!({}))).await.ok();
    }

    /// What a stream tells after a cursor: ids and cursors of so many events.
    async fn hear(&self, cursor: &str, most: usize) -> Vec<(String, String)> {
        let mut client = BookingRequestServiceClient::new(channel(self.system.booking));
        let message = WatchBookingRequestsRequest { cursor: cursor.to_owned(), ..Default::default() };
        let stream = client.watch_booking_requests(signed(message, &self.token)).await;
        let mut feed = stream.unwrap().into_inner();
        let mut heard = Vec::new();
        while heard.len() < most {
            let message = timeout(Duration::from_secs(10), feed.message()).await.expect("an event in time");
            let message = message.unwrap().unwrap();
            heard.extend(message.event.map(|event| (event.id, message.cursor.clone())));
        }
        let more = timeout(Duration::from_millis(500), feed.message()).await;
        assert!(more.is_err(), "there is more than was written: {more:?}");
        heard
    }

    /// The events of the tenant in the order of their ticks.
    async fn stored(&self) -> Vec<String> {
        let ids = "select id::text from booking_events where tenant_id = $1 order by tick";
        let rows = self.sql.query(ids, &[&demo::TENANT]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

/// A cluster with a history of which a watcher has heard a part, and others nothing yet.
async fn with_history(cluster: &Cluster) -> String {
    let postgres = cluster.sql("postgres").await;
    postgres.batch_execute("create database system").await.unwrap();
    let url = cluster.url("system");
    pg::migrate::up(&url, &[&identity::MIGRATIONS, &booking::MIGRATIONS]).await.unwrap();
    demo::seed(&url).await.unwrap();
    // Transaction ids that the new cluster is far from.
    let sql = cluster.sql("system").await;
    for _ in 0..2000 {
        sql.batch_execute("select pg_current_xact_id()").await.unwrap();
    }
    let place = Place::of(cluster).await;
    for day in 0..4 {
        place.approve(day).await;
    }
    let heard = place.hear("start", 4).await;
    for day in 4..8 {
        place.approve(day).await;
    }
    let unread: i64 =
        sql.query_one("select count(*) from booking_events where number is null", &[]).await.unwrap().get(0);
    assert_eq!(unread, 4, "nobody has read these");
    place.system.stop().await.unwrap();
    heard[1].1.clone()
}

/// The saved cursor in the new cluster, before and after something is written there.
async fn goes_on(cluster: &Cluster, cursor: &str) {
    let place = Place::of(cluster).await;
    // The first to write finds the ticks of what nobody has read yet.
    place.approve(8).await;
    let rest: Vec<String> = place.hear(cursor, 7).await.into_iter().map(|(id, _)| id).collect();
    let stored = place.stored().await;
    assert_eq!(stored.len(), 9);
    assert_eq!(rest, stored[2..], "lost, repeated or in another order");
    place.approve(9).await;
    let again = place.hear(cursor, 8).await;
    assert_eq!(again[7].0, *place.stored().await.last().unwrap());
    let xid = "select pg_current_xact_id()::text::bigint";
    let now: i64 = place.sql.query_one(xid, &[]).await.unwrap().get(0);
    let before = "select max(position) from booking_events where number <= 8";
    let before: i64 = place.sql.query_one(before, &[]).await.unwrap().get(0);
    assert!(now < before, "the new cluster has had more transactions: {now} {before}");
    place.system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_goes_on_in_the_cluster_where_its_dump_is_restored() {
    access::install_crypto();
    let (old, new) = (Cluster::start().await, Cluster::start().await);
    let cursor = with_history(&old).await;
    let roles = old.run("pg_dumpall", &["--roles-only", "-d", &old.url("postgres")]);
    let dump = old.run("pg_dump", &["--create", "-d", &old.url("system")]);
    for (script, text) in [("roles.sql", roles), ("dump.sql", dump)] {
        let file = new.folder().join(script);
        std::fs::write(&file, text).unwrap();
        // The owner is there already, which psql says and goes on.
        new.run("psql", &["-X", "-q", "-d", &new.url("postgres"), "-f", file.to_str().unwrap()]);
    }
    drop(old);
    goes_on(&new, &cursor).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_goes_on_in_the_cluster_that_it_is_replicated_to() {
    access::install_crypto();
    let (mut old, new) = (Cluster::start().await, Cluster::start().await);
    old.sql("postgres").await.batch_execute("alter system set wal_level = 'logical'").await.unwrap();
    old.restart().await;
    let cursor = with_history(&old).await;
    new.sql("postgres").await.batch_execute("create database system").await.unwrap();
    pg::migrate::up(&new.url("system"), &[&identity::MIGRATIONS, &booking::MIGRATIONS]).await.unwrap();
    let (from, to) = (old.sql("system").await, new.sql("system").await);
    let tables = "select string_agg(format('%I.%I', schemaname, tablename), ', ') from pg_tables \
        where schemaname in ('public', 'identity') and tablename not like 'frontdesk%'";
    let tables: String = from.query_one(tables, &[]).await.unwrap().get(0);
    from.batch_execute(&format!("create publication moved for table {tables}")).await.unwrap();
    // What migrations store is the same on both sides.
    to.batch_execute(&format!("truncate {tables} cascade")).await.unwrap();
    let connection = old.url("system").replace('\'', "''");
    let subscribe = format!("create subscription moved connection '{connection}' publication moved");
    to.batch_execute(&subscribe).await.unwrap();
    let missing = "select count(*) from pg_subscription_rel where srsubstate <> 'r'";
    for _ in 0..400 {
        let missing: i64 = to.query_one(missing, &[]).await.unwrap().get(0);
        if missing == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Whoever takes changes like that takes over from nobody.
    let durable = format!("{}&options=-c%20synchronous_commit%3Don", old.url("system"));
    let said = frontdesk(&["doctor", "--json"], &[("DATABASE_URL", &durable)]).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("a primary, clocks agree") && !said.contains("standbys:"), "{said}");
    to.batch_execute("drop subscription moved").await.unwrap();
    let behind = "select last_value < (select max(tick) from booking_events) from booking_event_ticks";
    assert!(to.query_one(behind, &[]).await.unwrap().get::<_, bool>(0), "the sequence was replicated");
    drop(from);
    drop(old);
    goes_on(&new, &cursor).await;
}

/// As after a repair with `pg_resetwal`: the ids of transactions are far below those
/// that wrote the events.
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_goes_on_when_the_ids_of_transactions_are_reset() {
    access::install_crypto();
    let mut cluster = Cluster::start().await;
    cluster.count_transactions_from(5).await;
    let cursor = with_history(&cluster).await;
    cluster.count_transactions_from(0).await;
    goes_on(&cluster, &cursor).await;
}
