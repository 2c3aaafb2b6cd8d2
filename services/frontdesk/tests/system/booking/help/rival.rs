//! A session of another program that gets in the way, for the tests beside. Who waits
//! for it is read from the locks, not guessed by sleeping.

use frontdesk::demo;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::fixture::{DAYS, Fixture, LAKE_HOUSE};

/// A session that gets in the way.
pub struct Rival {
    pub sql: Client,
    pid: i32,
}

impl Rival {
    pub async fn begin(fixture: &Fixture) -> Self {
        let sql = pg::connect(&fixture.database.url).await.unwrap();
        let pid = sql.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
        sql.batch_execute(&format!("{DAYS}; begin")).await.unwrap();
        Self { sql, pid }
    }

    pub async fn lock(&self, table: &str, id: Uuid) {
        let query = format!("select id from {table} where id = $1 for update");
        assert_eq!(self.sql.query(&query, &[&id]).await.unwrap().len(), 1);
    }

    /// A confirmed booking of the n-th test customer, not committed yet.
    pub async fn insert_booking(&self, customer: u32, from: i32, to: i32) -> Uuid {
        let (id, guest) = (Uuid::now_v7(), Uuid::from_u128(u128::from(customer)));
        self.sql
            .execute(
                "insert into customers (tenant_id, id, name, email, phone, created_at) \
                 values ($1, $2, 'Test Guest', '', '', now()) on conflict do nothing",
                &[&demo::TENANT, &guest],
            )
            .await
            .unwrap();
        self.sql
            .execute(
                "insert into bookings (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
                 confirmed_at, created_at, updated_at) \
                 values ($1, $2, $3, $4, current_date + $5::integer, current_date + $6::integer, \
                 'confirmed', now(), now(), now())",
                &[&demo::TENANT, &id, &LAKE_HOUSE, &guest, &from, &to],
            )
            .await
            .unwrap();
        id
    }

    pub async fn commit(&self) {
        self.sql.batch_execute("commit").await.unwrap();
    }

    pub async fn roll_back(&self) {
        self.sql.batch_execute("rollback").await.unwrap();
    }

    /// Commits once this many sessions wait for it.
    pub async fn commit_when_it_blocks(&self, fixture: &Fixture, sessions: i64) {
        self.blocks(fixture, sessions).await;
        self.commit().await;
    }

    /// Rolls back once this many sessions wait for it.
    pub async fn roll_back_when_it_blocks(&self, fixture: &Fixture, sessions: i64) {
        self.blocks(fixture, sessions).await;
        self.roll_back().await;
    }

    /// Returns once this many sessions wait, directly or one after the other, for
    /// this one.
    pub async fn blocks(&self, fixture: &Fixture, sessions: i64) {
        let waiting = "with recursive waiting as ( \
            select a.pid from pg_stat_activity a where $1 = any (pg_blocking_pids(a.pid)) \
            union select a.pid from pg_stat_activity a join waiting w on w.pid = any (pg_blocking_pids(a.pid))) \
            select count(*) from waiting";
        fixture.until(waiting, &[&self.pid], sessions).await;
    }
}
