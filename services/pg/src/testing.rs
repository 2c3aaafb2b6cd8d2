//! A database of its own for each test: one private server per test process,
//! one migrated template, one clone per test.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::migrate::{self, MigrationSet};
use crate::pool;
use crate::server::{PrivateServer, ServerOptions};

/// A migrated database that nobody else uses.
#[derive(Debug)]
pub struct TestDatabase {
    /// Connection string as the owner.
    pub url: String,
}

struct Cluster {
    server: PrivateServer,
    /// Template by the names of its migration sets.
    templates: Mutex<HashMap<String, String>>,
}

impl TestDatabase {
    /// Clones a database with these migrations applied. Panics with the reason
    /// when there is none: a test cannot go on without.
    pub async fn create(sets: &[&'static MigrationSet]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let sets = sets.to_vec();
        // The server outlives the test that starts it, and so the runtime of that test.
        let url = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            #[allow(clippy::expect_used)]
            runtime.expect("a runtime for the test database").block_on(async move {
                let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
                let template = template(&sets).await;
                create(&name, &template).await;
                cluster().server.url(&name)
            })
        });
        match url.join() {
            Ok(url) => Self { url },
            Err(cause) => std::panic::resume_unwind(cause),
        }
    }
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let dir = std::env::temp_dir().join(format!("frontdesk-test-{}", std::process::id()));
        let options = ServerOptions { dir, ephemeral: true, durable: false };
        let server = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            #[allow(clippy::expect_used)]
            runtime.expect("a runtime for the test server").block_on(PrivateServer::start(options))
        });
        match server.join() {
            Ok(Ok(server)) => Cluster { server, templates: Mutex::default() },
            Ok(Err(error)) => panic!("{error}"),
            Err(cause) => std::panic::resume_unwind(cause),
        }
    })
}

async fn template(sets: &[&'static MigrationSet]) -> String {
    let name = sets.iter().fold("template".to_owned(), |name, set| format!("{name}_{}", set.name));
    // Held while migrating, so that each template is made once; every caller has a thread of its own.
    let mut templates = cluster().templates.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(template) = templates.get(&name) {
        return template.clone();
    }
    create(&name, "template0").await;
    if let Err(error) = migrate::up(&cluster().server.url(&name), sets).await {
        panic!("{error}");
    }
    templates.insert(name.clone(), name.clone());
    name
}

async fn create(name: &str, template: &str) {
    let statement = format!("create database {name} template {template} strategy file_copy");
    let client = match pool::connect(&cluster().server.url("postgres")).await {
        Ok(client) => client,
        Err(error) => panic!("{error}"),
    };
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
