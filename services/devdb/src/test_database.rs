//! A database of its own for each test: one private server per test process,
//! one migrated template, one clone per test.

use std::collections::HashSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use pg::Fault;
use pg::migrate::{self, MigrationSet};

use crate::{PrivateServer, Programs, ServerError, ServerOptions, for_tests};

/// A migrated database that nobody else uses. It lasts as long as its server, unless it is
/// said to go.
#[derive(Debug)]
pub struct TestDatabase {
    /// Connection string as the owner.
    pub url: String,
    name: String,
    goes: bool,
}

struct Cluster {
    server: PrivateServer,
    /// Names of the templates that have been made, and of what was prepared of them.
    templates: tokio::sync::Mutex<HashSet<String>>,
}

impl TestDatabase {
    /// Clones a database with these migrations applied. Panics with the reason
    /// when there is none: a test cannot go on without.
    pub async fn create(sets: &[&'static MigrationSet]) -> Self {
        let sets = sets.to_vec();
        Self::clone_of(async move || template(&sets).await).await
    }

    /// Clones a migrated database in which something was stored. Whoever is the first to ask
    /// for it by this name, lower case, has it stored.
    pub async fn create_prepared(
        sets: &[&'static MigrationSet],
        name: &str,
        prepare: impl AsyncFnOnce(&str) + Send + 'static,
    ) -> Self {
        let (sets, name) = (sets.to_vec(), name.to_owned());
        Self::clone_of(async move || {
            let template = template(&sets).await;
            prepared(name, &template, prepare).await
        })
        .await
    }

    /// The same, which goes when this is dropped, with whatever sessions it has.
    #[must_use]
    pub fn that_goes(self) -> Self {
        Self { url: self.url.clone(), name: self.name.clone(), goes: true }
    }

    async fn clone_of(template: impl AsyncFnOnce() -> String + Send + 'static) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // The server outlives the test that starts it, and so the runtime of that test.
        let create = move || {
            on_own_runtime(async move {
                let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
                create(&name, &template().await).await;
                Self { url: cluster().server.url(&name), name, goes: false }
            })
        };
        match tokio::task::spawn_blocking(create).await {
            Ok(created) => created,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if !self.goes {
            return;
        }
        let name = std::mem::take(&mut self.name);
        // Nobody waits for it: this may be a thread on which the sessions of the test end.
        std::thread::spawn(move || on_own_runtime(remove(name)));
    }
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let dir = for_tests().join(format!("frontdesk-test-{}", std::process::id()));
        let server = std::thread::spawn(move || {
            let programs = Programs::of_tests()?;
            let options = ServerOptions { dir, ephemeral: true, durable: false, tcp: None, programs };
            on_own_runtime(started(options))
        });
        match server.join() {
            Ok(Ok(server)) => Cluster { server, templates: tokio::sync::Mutex::default() },
            Ok(Err(error)) => panic!("{error}"),
            Err(cause) => std::panic::resume_unwind(cause),
        }
    })
}

/// A server that does nothing by itself: with hundreds of databases, of which most are never
/// asked again, it would start a worker ten times a second to look what is to be vacuumed.
async fn started(options: ServerOptions) -> Result<PrivateServer, ServerError> {
    let server = PrivateServer::start(options).await?;
    let quiet = async {
        let client = pg::connect(&server.url("postgres")).await?;
        client.batch_execute("alter system set autovacuum = off").await?;
        client.batch_execute("select pg_reload_conf()").await.map_err(Fault::from)
    };
    match quiet.await {
        Ok(()) => Ok(server),
        Err(error) => panic!("{error}"),
    }
}

fn on_own_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    #[allow(clippy::expect_used)]
    runtime.expect("a runtime for the test server").block_on(work)
}

async fn template(sets: &[&'static MigrationSet]) -> String {
    let name = sets.iter().fold("template".to_owned(), |name, set| format!("{name}_{}", set.name));
    // Held while migrating, so that each template is made once.
    let mut templates = cluster().templates.lock().await;
    if !templates.contains(&name) {
        create(&name, "template0").await;
        let url = cluster().server.url(&name);
        if let Err(error) = crate::close_public(&url).await {
            panic!("{error}");
        }
        if let Err(error) = migrate::up(&url, sets).await {
            panic!("{error}");
        }
        templates.insert(name.clone());
    }
    name
}

async fn prepared(name: String, template: &str, prepare: impl AsyncFnOnce(&str)) -> String {
    let mut templates = cluster().templates.lock().await;
    if !templates.contains(&name) {
        create(&name, template).await;
        prepare(&cluster().server.url(&name)).await;
        templates.insert(name.clone());
    }
    name
}

/// What is left of a test is in nobody's way but on the disk.
async fn remove(name: String) {
    let removed = async {
        let client = pg::connect(&cluster().server.url("postgres")).await?;
        client.batch_execute(&format!("drop database {name} with (force)")).await.map_err(Fault::from)
    };
    if let Err(error) = removed.await {
        tracing::warn!(%error, name, "the database of a test could not be dropped");
    }
}

async fn create(name: &str, template: &str) {
    let client = match pg::connect(&cluster().server.url("postgres")).await {
        Ok(client) => client,
        Err(error) => panic!("{error}"),
    };
    // The only way before PostgreSQL 15, and from there on the quick one.
    let has_strategies = "select current_setting('server_version_num')::integer >= 150000";
    let strategy = match client.query_one(has_strategies, &[]).await {
        Ok(row) if row.get(0) => " strategy file_copy",
        Ok(_) => "",
        Err(error) => panic!("{error:?}"),
    };
    let statement = format!("create database {name} template {template}{strategy}");
    // `create database` refuses a template that a session is still leaving.
    for _ in 0..100 {
        match client.batch_execute(&statement).await {
            Ok(()) => return,
            Err(error) if error.code().is_some_and(|code| code.code() == "55006") => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            Err(error) => panic!("{statement}: {error:?}"),
        }
    }
    panic!("{statement}: the template stayed in use");
}
