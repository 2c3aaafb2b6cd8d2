//! When the deletion of a tenant begins, and of which tenants other services are told.

use frontdesk::demo;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value as Json, json};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::tenant_deletion::{delete, restore, rows};
use super::tenant_purge::{GONE, has_rows_in, house, let_tasks_look, policies};
use crate::fixture::{Answer, Fixture, system_under, tenant_path};
use crate::waits::until_so;

const DUE: &str = "select count(*) from identity.tenants where id = $1 and purge_due_at is not null";
const BEGUN: &str = "select count(*) from identity.tenants where id = $1 and purge_began_at is not null";

/// A database that comes from a backup has lost what was restored since. So identity says for a
/// day what it is about to delete.
#[tokio::test]
async fn a_tenant_whose_time_is_over_is_named_for_a_day_before_its_deletion_begins() {
    let fixture = Fixture::start_under(policies()).await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let before = rows(&fixture, demo::TENANT, false).await;
    let said = "select count(*) from identity.audit_events \
        where action = 'tenant_purge_due' and tenant_id is null and subject = $1";
    let long_over = "update identity.tenants set purge_at = now() - interval '40 days' where id = $1";
    // A restoration takes that back, too: the day of the second time is another one.
    for times in 1..=2 {
        delete(&fixture, &operator).await.ok();
        fixture.execute(long_over, &[&demo::TENANT]).await;
        fixture.until(DUE, &[&demo::TENANT], 1).await;
        let almost = "update identity.tenants \
            set purge_due_at = purge_due_at - interval '23 hours 59 minutes' where id = $1";
        fixture.execute(almost, &[&demo::TENANT]).await;
        let_tasks_look(&fixture).await;
        assert_eq!(fixture.count(BEGUN, &[&demo::TENANT]).await, 0);
        assert_eq!(fixture.count(said, &[&demo::TENANT.to_string()]).await, times);
        // Nobody is told to restore it by a time that is over.
        let told = fixture.get(&tenant_path("/api-keys"), &owner).await;
        assert_eq!(told.refused(403, "TENANT_DELETED").body["metadata"]["restorable_until"], Json::Null);
        restore(&fixture, &operator).await.ok();
        assert_eq!(rows(&fixture, demo::TENANT, false).await, before);
    }
    delete(&fixture, &operator).await.ok();
    fixture.execute(long_over, &[&demo::TENANT]).await;
    fixture.until(DUE, &[&demo::TENANT], 1).await;
    // A note at which nobody has looked since is one of a backup, whose restorations are lost: the
    // deletion does not begin by it, not even in a turn that was under way when it came back.
    for (times, noted) in [(4, "25 hours"), (5, "49 hours"), (6, "40 days")] {
        let long_ago = format!(
            "update identity.tenants set purge_due_at = now() - interval '{noted}', \
             purge_seen_at = now() - interval '121 minutes' where id = $1"
        );
        fixture.execute(&long_ago, &[&demo::TENANT]).await;
        fixture.until(said, &[&demo::TENANT.to_string()], times).await;
        let_tasks_look(&fixture).await;
        assert_eq!(fixture.count(BEGUN, &[&demo::TENANT]).await, 0, "{noted}");
    }
    // One that was looked at is as it was.
    let looked = "update identity.tenants set purge_due_at = now() - interval '23 hours', \
        purge_seen_at = now() - interval '119 minutes' where id = $1";
    fixture.execute(looked, &[&demo::TENANT]).await;
    let_tasks_look(&fixture).await;
    let seen = "select count(*) from identity.tenants where id = $1 \
        and purge_due_at < now() - interval '22 hours' and purge_seen_at > now() - interval '1 hour'";
    assert_eq!(fixture.count(seen, &[&demo::TENANT]).await, 1);
    assert_eq!(fixture.count(said, &[&demo::TENANT.to_string()]).await, 6);
    let a_day = "update identity.tenants set purge_due_at = now() - interval '1 day' where id = $1";
    fixture.execute(a_day, &[&demo::TENANT]).await;
    fixture.until(GONE, &[&demo::TENANT], 1).await;
}

/// The wait counts from the later of two clocks, and is over by the later one as well.
#[tokio::test]
async fn a_clock_that_is_wrong_makes_no_wait_shorter() {
    let fixture = Fixture::start().await;
    let statements = identity::statements().unwrap();
    let run = async |name: &str, given: &[(&str, &(dyn ToSql + Sync))]| {
        let statement = statements.named(name).unwrap();
        let form = statement.full();
        let value = |parameter: &pg::Parameter| {
            given.iter().find(|(name, _)| *name == parameter.name).expect(parameter.name).1
        };
        let values: Vec<&(dyn ToSql + Sync)> = statement.parameters_of(form).map(value).collect();
        let prepared = fixture.sql.prepare_typed(form.text(), form.types()).await.unwrap();
        fixture.sql.query(&prepared, &values).await.unwrap().len()
    };
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    let (behind, far, ahead) =
        (at("2001-01-01T00:00:00Z"), at("2199-01-01T00:00:00Z"), at("2300-01-01T00:00:00Z"));
    let id: &(dyn ToSql + Sync) = &demo::TENANT;
    let (wait, day, ahead): (&(dyn ToSql + Sync), &(dyn ToSql + Sync), &(dyn ToSql + Sync)) =
        (&864_000_i64, &86_400_i64, &ahead);
    for (clock, least) in [(behind, "now()"), (far, "timestamptz '2199-01-01 00:00:00Z'")] {
        let clock_now: &(dyn ToSql + Sync) = &clock;
        assert_eq!(run("delete_tenant", &[("id", id), ("at", clock_now), ("wait", wait)]).await, 1);
        let later = format!(
            "select count(*) from identity.tenants where id = $1 \
             and purge_at between {least} + interval '10 days' - interval '1 hour' \
             and {least} + interval '10 days 1 hour'"
        );
        assert_eq!(fixture.count(&later, &[id]).await, 1, "{clock}");
        // One that is ahead sees nothing that is due.
        assert_eq!(run("mark_purge_due", &[("id", id), ("now", ahead), ("look", day)]).await, 0);
        let due = "update identity.tenants \
            set purge_due_at = now() - interval '2 days', purge_seen_at = now() where id = $1";
        fixture.execute(due, &[id]).await;
        assert_eq!(run("begin_purge", &[("id", id), ("now", ahead), ("rest", day), ("look", day)]).await, 0);
        assert_eq!(run("restore_tenant", &[("id", id)]).await, 1);
    }
}

/// Of a tenant that somebody brings back, what booking has is all that is left.
#[tokio::test]
async fn a_tenant_that_is_brought_back_keeps_what_booking_has_of_it() {
    let fixture = Fixture::start().await;
    let id = Uuid::now_v7();
    house(&fixture, id).await;
    let deleted =
        "insert into identity.deleted_tenants (id, deleted_at) values ($1, now() - interval '40 days')";
    fixture.execute(deleted, &[&id]).await;
    let back = "insert into identity.tenants (id, slug, name, created_at) values ($1, 'back', 'Back', now())";
    let refused = fixture.sql.execute(back, &[&id]).await.unwrap_err();
    let refused = refused.as_db_error().unwrap();
    assert_eq!(refused.code().code(), "23001");
    assert_eq!(refused.message(), format!("tenant {id} was deleted, and its id is not used again"));
    assert!(refused.hint().unwrap().contains("TENANT_DELETED.md"), "{refused:?}");
    // As tools do that restore tables.
    fixture.execute("alter table identity.tenants disable trigger tenants_refuse_deleted", &[]).await;
    assert_eq!(fixture.execute(back, &[&id]).await, 1);
    fixture.execute("alter table identity.tenants enable trigger tenants_refuse_deleted", &[]).await;
    let before = rows(&fixture, id, false).await;
    let replica = Box::pin(system_under(&fixture.database.url, policies())).await;
    let_tasks_look(&fixture).await;
    assert_eq!(rows(&fixture, id, false).await, before);
    // It is deleted in turn, and all that it has with it.
    let over = "update identity.tenants set deleted_at = now(), purge_at = now() - interval '25 hours', \
        purge_due_at = now() - interval '1 day', purge_seen_at = now() where id = $1";
    fixture.execute(over, &[&id]).await;
    fixture.until(GONE, &[&id], 1).await;
    until_so("booking has deleted it", async || has_rows_in(&fixture, id).await.is_empty()).await;
    replica.stop().await.unwrap();
}

/// Those that another program keeps are tried each time, and keep none of the next page.
#[tokio::test]
async fn tenants_that_cannot_be_deleted_keep_no_other_one_however_many_they_are() {
    let fixture = Fixture::start_under(policies()).await;
    let many = "begin; \
        insert into identity.tenants \
            (id, slug, name, created_at, deleted_at, purge_at, purge_due_at, purge_seen_at) \
        select gen_random_uuid(), 'over-' || n, 'Over', now(), now() - interval '60 days', \
            now() - interval '30 days' + n * interval '1 second', now() - interval '25 hours', now() \
        from generate_series(1, 65) n; \
        create table keeps (id uuid references identity.tenants (id)); \
        insert into keeps select id from identity.tenants where slug like 'over-%' order by purge_at limit 45; \
        commit";
    fixture.sql.batch_execute(many).await.unwrap();
    let gone = "select count(*) from identity.deleted_tenants d \
        where not exists (select from identity.tenants t where t.id = d.id)";
    fixture.until(gone, &[], 20).await;
    let kept = "select count(*) from identity.tenants t join keeps k on k.id = t.id where t.purge_began_at is not null";
    assert_eq!(fixture.count(kept, &[]).await, 45);
    fixture.sql.batch_execute("drop table keeps").await.unwrap();
    fixture.until(gone, &[], 65).await;
}

#[tokio::test]
async fn an_operator_who_names_no_tenant_has_not_come_to_a_closed_one() {
    let fixture = Fixture::start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    let member = "insert into identity.memberships (tenant_id, user_id, role, created_at) \
        select $1, u.id, 'viewer', now() from identity.users u where u.email = $2";
    assert_eq!(fixture.execute(member, &[&demo::TENANT, &demo::OPERATOR]).await, 1);
    fixture.get("/v1/properties", &operator).await.refused(400, "TENANT_REQUIRED");
    delete(&fixture, &operator).await.ok();
    let answer = async || fixture.get("/v1/properties", &operator).await;
    answer().await.refused(400, "TENANT_REQUIRED");
    let named = async || {
        let request = fixture.request(Method::GET, "/v1/properties").bearer_auth(&operator);
        let request = request.header("x-tenant-id", demo::TENANT.to_string());
        Answer::of(request).await
    };
    until_so("it is closed to whoever names it", async || named().await.status == 403).await;
    named().await.refused(403, "TENANT_DELETED");
    answer().await.refused(400, "TENANT_REQUIRED");
}

#[tokio::test]
async fn a_tenant_whose_deletion_has_begun_is_nobodys_any_more() {
    let fixture = Fixture::start().await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let path = format!("/v1/users/{}", fixture.user_id(demo::OWNER).await);
    delete(&fixture, &operator).await.ok();
    // As long as it can be restored, somebody is to be its owner then.
    fixture.delete(&path, &operator).await.refused(409, "LAST_OWNER");
    assert_eq!(fixture.get("/v1/me", &owner).await.ok()["memberships"].as_array().unwrap().len(), 1);
    let begun = "update identity.tenants set purge_at = now(), purge_began_at = now() where id = $1";
    fixture.execute(begun, &[&demo::TENANT]).await;
    // By somebody at the database's prompt, who is heard a moment later.
    let shown = async || fixture.get("/v1/me", &owner).await.ok()["memberships"].clone();
    until_so("it is nobody's", async || shown().await == json!([])).await;
    fixture.delete(&path, &operator).await.ok();
}

/// Of such a tenant nothing is shown, so nothing that it has keeps anybody from what is.
#[tokio::test]
async fn a_role_of_a_tenant_whose_deletion_has_begun_need_not_be_known() {
    let fixture = Fixture::start().await;
    let (owner, id) = (fixture.token(demo::OWNER).await, fixture.user_id(demo::OWNER).await);
    let (gone, other) = (demo::TENANT, demo::OTHER_TENANT);
    let begun = format!(
        "insert into identity.memberships values ('{other}', '{id}', 'viewer', now()); \
         alter table identity.memberships drop constraint memberships_role_fkey; \
         update identity.memberships set role = 'auditor' where (tenant_id, user_id) = ('{gone}', '{id}'); \
         update identity.tenants set deleted_at = now(), purge_at = now(), purge_began_at = now() \
         where id = '{gone}'"
    );
    fixture.sql.batch_execute(&begun).await.unwrap();
    // Whoever names the tenant is looked up in that one alone.
    let request = fixture.request(Method::GET, "/v1/me").bearer_auth(&owner);
    let answer = Answer::of(request.header("x-tenant-id", other.to_string())).await;
    let memberships = answer.ok()["memberships"].as_array().unwrap();
    assert_eq!(memberships.len(), 1);
    assert_eq!(memberships[0]["tenant_id"], json!(other));
}

/// The audit log outlives the tenant, and is read by whoever runs the platform.
#[tokio::test]
async fn operators_export_the_log_of_a_tenant_that_is_closed_or_deleted() {
    let fixture = Fixture::start_under(policies()).await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let event = "insert into identity.audit_events (id, at, action, outcome, tenant_id, subject) \
        values (gen_random_uuid(), now() - interval '1 hour', 'login', 'success', $1, $2)";
    fixture.execute(event, &[&demo::TENANT, &"of the tenant"]).await;
    fixture.execute(event, &[&demo::OTHER_TENANT, &"of another"]).await;
    let path = format!("/v1/audit-events/export?tenant_id={}", demo::TENANT);
    let read = async || {
        let request = fixture.request(Method::GET, &path).bearer_auth(&operator);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        assert!(!text.contains("of another"), "{text}");
        text.matches("of the tenant").count()
    };
    fixture.get(&path, &owner).await.refused(403, "SCOPE_MISSING");
    // That of an open one is read in its name, and it reads there who did.
    let open = fixture.get(&path, &operator).await;
    open.refused(400, "INVALID_FIELD");
    delete(&fixture, &operator).await.ok();
    assert_eq!(read().await, 1);
    let over = "update identity.tenants set purge_at = now() - interval '25 hours', \
        purge_due_at = now() - interval '1 day', purge_seen_at = now() where id = $1";
    fixture.execute(over, &[&demo::TENANT]).await;
    fixture.until(GONE, &[&demo::TENANT], 1).await;
    assert_eq!(read().await, 1);
    fixture.get("/v1/audit-events/export?tenant_id=x", &operator).await.refused(400, "INVALID_FIELD");
}
