//! The primary is lost under load, and a standby that has all of it takes over: the roles,
//! which know both, follow without a restart, and nothing that was acknowledged is lost.
//! Who decides that a primary is lost is not in question here: `deploy/patroni/try` does it
//! with Patroni and etcd, and without a standby that commits wait for, too.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use devdb::{PrivateServer, Programs, ServerOptions};
use tokio::time::sleep;

use super::chaos::Run;
use crate::fixture::Layout;
use crate::waits::until;
use crate::whole::crashes::{Victim, seeded};

/// A copy of a server that follows it.
struct Standby {
    dir: PathBuf,
    server: Option<PrivateServer>,
}

impl Standby {
    async fn of(primary: &Victim) -> Self {
        let dir = std::env::temp_dir().join(format!("frontdesk-standby-{}", std::process::id()));
        let owner = fs::metadata(primary.folder().join("data")).unwrap();
        fs::create_dir_all(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
        chown(&dir, Some(owner.uid()), Some(owner.gid())).unwrap();
        let programs = Programs::of_tests().unwrap();
        let mut copy = Command::new(programs.path("pg_basebackup"));
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--username=frontdesk"])
            .arg("--pgdata")
            .arg(dir.join("data"))
            .arg("--host")
            .arg(primary.folder());
        let copied = copy.uid(owner.uid()).gid(owner.gid()).current_dir("/").output().unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        let options =
            ServerOptions { dir: dir.clone(), ephemeral: false, durable: true, tcp: None, programs };
        let server = Some(PrivateServer::start(options).await.unwrap());
        Self { dir, server }
    }

    fn url(&self) -> String {
        self.server.as_ref().unwrap().url("system")
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        self.server = None;
        let _gone = fs::remove_dir_all(&self.dir);
    }
}

/// What doctor says of the server.
async fn told(primary: &str) -> boot::Finding {
    let checks = pg::checks::checks(primary, &[], &[]);
    let server = checks.into_iter().find(|check| check.name == "database").unwrap();
    server.run().await.remove(0)
}

/// From now on a commit is acknowledged when the standby has it, too.
async fn commits_wait(primary: &str) {
    let sql = pg::connect(primary).await.unwrap();
    sql.batch_execute("alter system set synchronous_standby_names = '*'").await.unwrap();
    sql.batch_execute("select pg_reload_conf()").await.unwrap();
    let follows = "select count(*) from pg_stat_replication where sync_state = 'sync'";
    until(&sql, follows, &[], 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_takes_over_has_all_that_was_acknowledged() {
    let primary = Victim::start().await;
    seeded(&primary, Layout::Standard).await;
    let standby = Standby::of(&primary).await;
    let sql = pg::connect(&primary.url("system")).await.unwrap();
    until(&sql, "select count(*) from pg_stat_replication where state = 'streaming'", &[], 1).await;
    let odd = told(&primary.url("system")).await;
    assert!(odd.state == boot::State::Odd && odd.found.contains("no commit waits for one"), "{odd:?}");
    assert!(odd.fix.contains("alter system set synchronous_standby_names = '*'"), "{odd:?}");
    commits_wait(&primary.url("system")).await;
    let good = told(&primary.url("system")).await;
    assert!(good.state == boot::State::Good && good.found.contains("a commit waits"), "{good:?}");
    let (one, other) = (primary.folder().display(), standby.dir.display());
    let both = format!("host={one},{other} port=5432,5432 user=frontdesk dbname=system");
    let mut run = Run::begin(primary, both, 1000).await;
    run.during(async |stage, callers| {
        sleep(Duration::from_millis(500)).await;
        stage.postgres.kill().await;
        let lost = Instant::now();
        sleep(Duration::from_millis(500)).await;
        let sql = pg::connect(&standby.url()).await.unwrap();
        sql.execute("select pg_promote()", &[]).await.unwrap();
        let promoted = Instant::now();
        let again = callers.recovered(promoted, Duration::from_secs(10)).await;
        let gap = callers.longest_gap(lost);
        eprintln!("promoted after {:?}; then {again:?}; {gap:?} without an approval", promoted - lost);
        sleep(Duration::from_millis(300)).await;
    })
    .await;
    run.ends_well_in(&standby.url()).await;
}
