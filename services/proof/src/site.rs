//! Where orders are run: a database with servers over it, whose statements are stepped.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use devdb::{PrivateServer, Programs, ServerOptions, TestDatabase};
use tokio::sync::{Mutex, Notify};
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
/// The next folder.
static NEXT: AtomicU32 = AtomicU32::new(0);
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
    pub lanes: Vec<Lane>,
    pub changed: Arc<Notify>,
    own: RwLock<Arc<Own>>,
    layout: Layout,
    worlds: AtomicUsize,
    sockets: PathBuf,
    url: String,
    server: Server,
}

/// A session beside those of calls.
pub(crate) struct Own {
    pub sql: Client,
    pub blockers: Statement,
    pub runs: Statement,
    lines: Statement,
}

/// Where the database is.
enum Server {
    Shared {
        _database: TestDatabase,
    },
    /// On a server that may be stopped.
    Stops(Box<Mutex<PrivateServer>>),
}

/// A server for one call at a time.
pub(crate) struct Lane {
    pub service: Served,
    pub stepper: Stepper,
}

impl Site {
    pub async fn start(layout: Layout, forged: Option<&'static Forgery>) -> Self {
        let set = if layout == Layout::Identity { &identity::MIGRATIONS } else { &booking::MIGRATIONS };
        let database = TestDatabase::create(&[set]).await.that_goes();
        let url = database.url.clone();
        Self::over(layout, forged, url, Server::Shared { _database: database }).await
    }

    /// On a server that may be stopped.
    pub async fn that_stops(layout: Layout, forged: Option<&'static Forgery>) -> Self {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = devdb::for_tests().join(format!("frontdesk-proof-{}-{n}", std::process::id()));
        let programs = Programs::of_tests().unwrap();
        let options = ServerOptions { dir, ephemeral: true, durable: true, tcp: None, programs };
        let server = PrivateServer::start(options).await.unwrap();
        let url = server.url("postgres");
        devdb::close_public(&url).await.unwrap();
        pg::migrate::up(&url, &[&booking::MIGRATIONS]).await.unwrap();
        Self::over(layout, forged, url, Server::Stops(Box::new(Mutex::new(server)))).await
    }

    async fn over(
        layout: Layout,
        forged: Option<&'static Forgery>,
        database: String,
        server: Server,
    ) -> Self {
        let sql = pg::connect(&database).await.unwrap();
        for script in layout.scripts().into_iter().chain(forged.map(|forged| forged.sql)) {
            sql.batch_execute(script).await.unwrap();
        }
        sql.batch_execute(QUICK).await.unwrap();
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
            let url = database.replace(&folder, own.to_str().unwrap());
            assert_ne!(url, database, "the address of the server names its folder");
            let service = match layout {
                Layout::Identity => Served::Identity(Identity::over(&url).await.unwrap()),
                _ => Served::Booking(Service::over(&url).await.unwrap()),
            };
            servers.push(Lane { service, stepper });
        }
        let own = RwLock::new(Arc::new(Own::over(&database, layout).await));
        let worlds = AtomicUsize::new(0);
        Self { lanes: servers, changed, own, layout, worlds, sockets, url: database, server }
    }

    /// The session beside those of calls.
    pub fn own(&self) -> Arc<Own> {
        Arc::clone(&self.own.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Stops the server at once, as a crash does, and starts it again.
    pub async fn restart(&self) {
        let Server::Stops(server) = &self.server else { panic!("others use this server") };
        let mut server = server.lock().await;
        let pid = server.pid().unwrap().to_string();
        assert!(Command::new("kill").args(["-QUIT", &pid]).status().unwrap().success());
        while !server.has_ended() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.start_again().await.unwrap();
        let own = Arc::new(Own::over(&self.url, self.layout).await);
        *self.own.write().unwrap_or_else(PoisonError::into_inner) = own;
    }

    /// Stores a world as a tenant of its own, for these calls.
    pub async fn store(&self, world: &World, calls: &[Call]) -> Sender {
        if self.worlds.fetch_add(1, Ordering::Relaxed) % WORLDS == WORLDS - 1 {
            let tables = self.layout.tables().join(", ");
            self.own().sql.batch_execute(&format!("truncate {tables} cascade")).await.unwrap();
        }
        let keyed = world.headers == Headers::Key;
        if let Served::Identity(identity) = &self.lanes[0].service {
            let people = Arc::new(identity.new_person(world.exchanged).await);
            return Sender { keyed, people: Some(Arc::clone(&people)), ..Sender::plain(people.id) };
        }
        let tenant = Uuid::now_v7();
        self.own().sql.batch_execute(&world.sql(tenant)).await.unwrap();
        let etags = match &self.lanes[0].service {
            Served::Booking(service) if world.headers == Headers::Etag => {
                of_calls(service, tenant, calls).await
            }
            _ => BTreeMap::new(),
        };
        Sender { keyed, etags, ..Sender::plain(tenant) }
    }

    pub async fn lines_of(&self, tenant: Uuid) -> Vec<String> {
        let own = self.own();
        let rows = own.sql.query(&own.lines, &[&tenant]).await.unwrap();
        named(rows.iter().map(|row| row.get(0)).collect())
    }
}

impl Own {
    async fn over(url: &str, layout: Layout) -> Self {
        let sql = pg::connect(url).await.unwrap();
        sql.batch_execute(STORING).await.unwrap();
        let lines = sql.prepare(&layout.lines()).await.unwrap();
        let (blockers, runs) = (sql.prepare(BLOCKERS).await.unwrap(), sql.prepare(RUNS).await.unwrap());
        Self { sql, blockers, runs, lines }
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Site").finish_non_exhaustive()
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
