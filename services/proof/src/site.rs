//! Where orders are run: a database with servers over it, whose statements are stepped.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use devdb::TestDatabase;
use tokio::sync::Notify;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::call::Call;
use crate::calls::{Sender, Served};
use crate::forged::Forgery;
use crate::people::Identity;
use crate::service::Service;
use crate::stepper::Stepper;
use crate::versions::of_calls;
use crate::world::{Headers, Layout, World, named};

/// Most calls at once.
pub const MOST_CALLS: usize = 3;
/// Worlds after which the tables are emptied: large ones take longer.
const WORLDS: usize = 2000;

/// Sessions that wait in a circle are to be freed soon; the stepper has noticed by then.
const QUICK: &str = "do $$ begin \
    execute format('alter database %I set deadlock_timeout = 50', current_database()); end $$";
/// How rows of a starting state are stored and what came of them is read. They fit as they are:
/// triggers and foreign keys would cost more than some calls. Plans are made while tables are small,
/// and what has no index must not start the just-in-time compiler.
const STORING: &str = "set session_replication_role = replica; set enable_seqscan = off; set jit = off";
/// Whether a process is there and waits for nobody.
const RUNS: &str = "select exists (select from pg_stat_activity where pid = $1) \
    and cardinality(pg_blocking_pids($1)) = 0";
const BLOCKERS: &str = "select pg_blocking_pids(pid) from unnest($1::integer[]) as pid";

/// A database in a layout, and the servers over it.
pub(crate) struct Site {
    pub sql: Client,
    pub blockers: Statement,
    pub runs: Statement,
    pub lanes: Vec<Lane>,
    pub changed: Arc<Notify>,
    lines: Statement,
    layout: Layout,
    worlds: AtomicUsize,
    sockets: PathBuf,
    database: TestDatabase,
}

/// A server for one call at a time.
pub(crate) struct Lane {
    pub service: Served,
    pub stepper: Stepper,
}

impl Site {
    pub async fn start(layout: Layout, forged: Option<&'static Forgery>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let set = if layout == Layout::Identity { &identity::MIGRATIONS } else { &booking::MIGRATIONS };
        let database = TestDatabase::create(&[set]).await.that_goes();
        let sql = pg::connect(&database.url).await.unwrap();
        for script in layout.scripts().into_iter().chain(forged.map(|forged| forged.sql)) {
            sql.batch_execute(script).await.unwrap();
        }
        sql.batch_execute(QUICK).await.unwrap();
        sql.batch_execute(STORING).await.unwrap();
        let folder = "select current_setting('unix_socket_directories')";
        let folder: String = sql.query_one(folder, &[]).await.unwrap().get(0);
        // In the folder of the server, which goes with it, also when this process is killed.
        let sockets = PathBuf::from(&folder).join(format!("p{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let (changed, names_of, mut servers) = (Arc::<Notify>::default(), statement_names(), Vec::new());
        for n in 0..MOST_CALLS {
            let own = sockets.join(n.to_string());
            std::fs::create_dir_all(&own).unwrap();
            let server = PathBuf::from(&folder).join(".s.PGSQL.5432");
            let at = own.join(".s.PGSQL.5432");
            let stepper =
                Stepper::listen(&at, server, Arc::clone(&changed), Arc::clone(&names_of), forged).unwrap();
            let url = database.url.replace(&folder, own.to_str().unwrap());
            assert_ne!(url, database.url, "the address of the server names its folder");
            let service = match layout {
                Layout::Identity => Served::Identity(Identity::over(&url).await.unwrap()),
                _ => Served::Booking(Service::over(&url).await.unwrap()),
            };
            servers.push(Lane { service, stepper });
        }
        let lines = sql.prepare(&layout.lines()).await.unwrap();
        let (blockers, runs) = (sql.prepare(BLOCKERS).await.unwrap(), sql.prepare(RUNS).await.unwrap());
        let worlds = AtomicUsize::new(0);
        Self { sql, blockers, runs, lanes: servers, changed, lines, layout, worlds, sockets, database }
    }

    /// Stores a world as a tenant of its own, for these calls.
    pub async fn store(&self, world: &World, calls: &[Call]) -> Sender {
        if self.worlds.fetch_add(1, Ordering::Relaxed) % WORLDS == WORLDS - 1 {
            let tables = self.layout.tables().join(", ");
            self.sql.batch_execute(&format!("truncate {tables} cascade")).await.unwrap();
        }
        let keyed = world.headers == Headers::Key;
        if let Served::Identity(identity) = &self.lanes[0].service {
            let people = Arc::new(identity.new_person(world.exchanged).await);
            return Sender { keyed, people: Some(Arc::clone(&people)), ..Sender::plain(people.id) };
        }
        let tenant = Uuid::now_v7();
        self.sql.batch_execute(&world.sql(tenant)).await.unwrap();
        let etags = match &self.lanes[0].service {
            Served::Booking(service) if world.headers == Headers::Etag => {
                of_calls(service, tenant, calls).await
            }
            _ => BTreeMap::new(),
        };
        Sender { keyed, etags, ..Sender::plain(tenant) }
    }

    pub async fn lines_of(&self, tenant: Uuid) -> Vec<String> {
        let rows = self.sql.query(&self.lines, &[&tenant]).await.unwrap();
        named(rows.iter().map(|row| row.get(0)).collect())
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Site").field("database", &self.database).finish_non_exhaustive()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.sockets);
    }
}

/// The names of statements by their texts.
fn statement_names() -> Arc<HashMap<String, String>> {
    let all: Vec<_> =
        booking::statements().unwrap().into_iter().chain([identity::statements().unwrap()]).collect();
    let forms = all.iter().flat_map(|layout| layout.iter()).flat_map(|statement| {
        let name = statement.name();
        statement.forms().map(move |form| (form.text().to_owned(), name.clone())).collect::<Vec<_>>()
    });
    Arc::new(forms.collect())
}

#[cfg(test)]
mod tests;
