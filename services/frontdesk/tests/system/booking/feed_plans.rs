//! What it costs to number events where the statistics of the table are of a time at
//! which nobody read, so that most events waited for a number.
//!
//! A burst of events that nobody reads, an autovacuum in the midst of it, and then somebody
//! who watches: that is a new installation, a restart under load, a bench.

use pg::Statement;
use serde_json::Value as Json;
use tokio_postgres::{Client, SimpleQueryMessage};
use uuid::Uuid;

use crate::cluster::Cluster;

/// Events of each of eight tenants that waited when the table was analyzed.
const WAITED: u32 = 2500;

/// Most rows that a look for one new event of each of eight tenants reads: the heads, the
/// last events, the new ones, twice, and those that a bitmap would find again.
const MOST_ROWS: f64 = 60.0;
/// Most blocks. Each row that is written has an entry in five indexes.
const MOST_BLOCKS: f64 = 600.0;

#[tokio::test]
async fn numbering_reads_what_waits_whatever_waited_when_statistics_were_made() {
    // Of its own: what a look finds dead is passed over by the next one only when no
    // transaction of the whole server is older.
    let server = Cluster::start().await;
    server.sql("postgres").await.batch_execute("create database plans").await.unwrap();
    let url = server.url("plans");
    pg::migrate::up(&url, &[&booking::MIGRATIONS]).await.unwrap();
    let owner = pg::connect(&url).await.unwrap();
    let fill = format!(
        "alter table booking_events set (autovacuum_enabled = false); \
         insert into booking_events (tenant_id, id, at, booking_request_id, action) \
         select lpad((n % 8)::text, 32, '0')::uuid, gen_random_uuid(), now(), gen_random_uuid(), 'approved' \
         from generate_series(1, 8 * {WAITED}) n; \
         analyze booking_events; \
         update booking_events e set number = n.number \
         from (select id, row_number() over (partition by tenant_id order by tick) as number from booking_events) n \
         where n.id = e.id; \
         insert into feed_heads (tenant_id, head) \
         select lpad(n::text, 32, '0')::uuid, {WAITED} from generate_series(0, 7) n; \
         insert into booking_events (tenant_id, id, at, booking_request_id, action) \
         select lpad(n::text, 32, '0')::uuid, gen_random_uuid(), now(), gen_random_uuid(), 'approved' \
         from generate_series(0, 7) n"
    );
    owner.batch_execute(&fill).await.unwrap();
    let tenants: Vec<String> = (0..8).map(|tenant| format!("uuid '{}'", Uuid::from_u128(tenant))).collect();
    let tenants = format!("array[{}]", tenants.join(", "));
    let places = format!("array_fill({WAITED}::bigint, array[8])");
    let looks = [
        ("number_events", "frontdesk_booking_feed", format!("{tenants}, {places}")),
        ("get_feed_states", "frontdesk_booking_feed", tenants.clone()),
        ("next_waiting_tenant", "frontdesk_booking_sweeper", format!("uuid '{}'", Uuid::from_u128(2))),
    ];
    for statements in booking::statements().unwrap() {
        for (name, role, values) in &looks {
            let statement = statements.iter().find(|one| one.name() == *name).unwrap();
            for mode in ["force_custom_plan", "force_generic_plan"] {
                let session = pg::connect(&url).await.unwrap();
                let set_up = format!(
                    "set role {role}; set enable_seqscan = off; set plan_cache_mode = {mode}; \
                     select set_config('app.tenants', array_to_string({tenants}, ','), false)"
                );
                session.batch_execute(&set_up).await.unwrap();
                // The first one passes what was numbered, and leaves word that it is dead.
                run(&session, statement, values).await;
                let plan = run(&session, statement, values).await;
                let (rows, blocks) = (rows(&plan), plan["Shared Hit Blocks"].as_f64().unwrap());
                let is_cheap = rows <= MOST_ROWS && blocks <= MOST_BLOCKS;
                assert!(is_cheap, "{name}, {mode}: {rows} rows, {blocks} blocks\n{plan:#}");
            }
        }
    }
}

/// Runs a statement and takes it back; its plan.
async fn run(session: &Client, statement: &Statement, values: &str) -> Json {
    let form = statement.full();
    let types = form.types().iter().map(pg::types::Type::name).collect::<Vec<_>>().join(", ");
    let prepare = format!("deallocate all; prepare it ({types}) as {}", form.text());
    session.batch_execute(&prepare).await.unwrap();
    let explain = format!(
        "begin; explain (analyze, buffers, timing off, summary off, format json) execute it({values}); rollback"
    );
    let answer = session.simple_query(&explain).await.unwrap();
    let text = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let plan: Json = serde_json::from_str(text.unwrap()).unwrap();
    plan[0]["Plan"].clone()
}

/// Rows of tables that a plan has read, those that it passed over among them.
fn rows(node: &Json) -> f64 {
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    let is_read = node["Relation Name"].is_string() && node["Node Type"] != "ModifyTable";
    let passed = number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
    let read = if is_read { (number("Actual Rows") + passed) * number("Actual Loops") } else { 0.0 };
    read + node["Plans"].as_array().into_iter().flatten().map(rows).sum::<f64>()
}
