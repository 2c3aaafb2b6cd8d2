//! The pool. Every wait has an end.
//!
//! Every connection switches to the service's own role, whoever `DATABASE_URL`
//! names. The role owns nothing, so that row-level security holds for it, and each
//! service has another one, so that a hole in one does not open the tables of the
//! other.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, NoTls, Row};
use uuid::Uuid;

use crate::tx::{Scope, Sql};
use crate::{Fault, Kind, Query, Statements, Tx};

/// A database as one service sees it.
#[derive(Debug, Clone)]
pub struct Database {
    pool: Pool,
    statements: Arc<Statements>,
}

/// How to connect.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// `postgresql://` URL or key=value string.
    pub url: String,
    /// Role that every connection switches to; the login role must be a member.
    pub role: &'static str,
    /// Name shown in `pg_stat_activity`.
    pub application_name: &'static str,
    /// Most connections.
    pub max_size: usize,
}

impl Database {
    /// A pool that connects on first use. A URL that cannot be read is an error
    /// at once, as a sentence for whoever set it.
    pub fn new(options: PoolOptions) -> Result<Self, String> {
        let mut config = parse_url(&options.url)?;
        config.application_name(options.application_name);
        // Plans are made while tables are small and kept while they grow, so a plan
        // that reads a whole small table is refused: every statement of a service
        // has an index. The penalty for those that have none must not start the
        // just-in-time compiler.
        let set_up = format!(
            "set role {}; set enable_seqscan = off; set jit = off; set search_path = public, pg_temp; set statement_timeout = '5s'; \
             set lock_timeout = '2s'; set idle_in_transaction_session_timeout = '10s'",
            options.role
        );
        let manager =
            Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager)
            .max_size(options.max_size)
            .timeouts(Timeouts {
                wait: Some(Duration::from_secs(2)),
                create: Some(Duration::from_secs(2)),
                recycle: Some(Duration::from_secs(1)),
            })
            .runtime(Runtime::Tokio1)
            .post_create(Hook::async_fn(move |client, _| {
                let set_up = set_up.clone();
                Box::pin(async move {
                    client.batch_execute(&set_up).await.map_err(deadpool_postgres::HookError::Backend)
                })
            }))
            .build()
            .map_err(|error| format!("the pool cannot be built: {error}"))?;
        Ok(Self { pool, statements: Arc::default() })
    }

    /// The same database with the statements that may be run in it.
    #[must_use]
    pub fn with(&self, statements: Arc<Statements>) -> Self {
        Self { pool: self.pool.clone(), statements }
    }

    /// The statements that may be run.
    pub fn statements(&self) -> &Arc<Statements> {
        &self.statements
    }

    /// Starts a transaction that sees one tenant's rows only.
    pub fn begin(&self, tenant: Uuid) -> impl Future<Output = Result<Tx, Fault>> + Send {
        self.begin_in(Scope::Tenant(tenant))
    }

    /// Starts a transaction outside tenants; tables under row-level security
    /// look empty in it.
    pub fn begin_global(&self) -> impl Future<Output = Result<Tx, Fault>> + Send {
        self.begin_in(Scope::Global)
    }

    /// Starts a transaction outside tenants in another role, of which the
    /// service's own role is a member.
    pub fn begin_as(&self, role: &'static str) -> impl Future<Output = Result<Tx, Fault>> + Send {
        self.begin_in(Scope::Role(role))
    }

    async fn begin_in(&self, scope: Scope) -> Result<Tx, Fault> {
        Ok(Tx::new(self.pool.get().await?, Arc::clone(&self.statements), scope))
    }

    /// Runs one statement in a tenant's transaction, in one round trip.
    pub async fn run(&self, tenant: Uuid, query: &dyn Query) -> Result<Vec<Row>, Fault> {
        self.begin(tenant).await?.run_last(query).await
    }

    /// Runs one statement outside tenants, in one round trip. A statement that
    /// was prepared before the schema changed has not run, and is run anew.
    pub async fn run_global(&self, query: &dyn Query) -> Result<Vec<Row>, Fault> {
        let (form, params) = self.statements.form(query)?;
        self.rows_global(form.into(), &params).await
    }

    /// Runs one statement in a tenant's transaction, in one round trip.
    pub async fn query(
        &self,
        tenant: Uuid,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Fault> {
        self.begin(tenant).await?.commit_with(sql, params).await
    }

    /// Runs one statement outside tenants, in one round trip. A statement that
    /// was prepared before the schema changed has not run, and is run anew.
    pub fn query_global(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> impl Future<Output = Result<Vec<Row>, Fault>> + Send {
        self.rows_global(Sql::untyped(sql), params)
    }

    async fn rows_global(&self, sql: Sql<'_>, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Fault> {
        let client = self.pool.get().await?;
        let run = async || -> Result<Vec<Row>, Fault> {
            let statement = client.prepare_typed_cached(sql.text, sql.types).await?;
            Ok(client.query(&statement, params).await?)
        };
        match run().await {
            Err(fault) if *fault.kind() == Kind::Unavailable && client.is_closed() && sql.writes => {
                Err(Fault::new(Kind::OutcomeUnknown, fault.to_string()))
            }
            Err(fault) if *fault.kind() == Kind::StaleStatement => {
                client.statement_cache.clear();
                run().await
            }
            result => result,
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.query_global("select 1", &[]).await.map(drop)
    }
}

/// Reads a connection string; the error is a sentence without the password.
pub fn parse_url(url: &str) -> Result<Config, String> {
    let mut config: Config =
        url.parse().map_err(|error| format!("DATABASE_URL is not a Postgres connection string ({error})"))?;
    if config.get_ssl_mode() == tokio_postgres::config::SslMode::Require {
        return Err("DATABASE_URL asks for sslmode=require, which this build cannot do: connect over a socket, loopback or a tunnel".to_owned());
    }
    config.connect_timeout(Duration::from_secs(2));
    config.keepalives_idle(Duration::from_secs(30));
    config.tcp_user_timeout(Duration::from_secs(10));
    Ok(config)
}

/// One connection outside any pool, as whoever the URL names: for migrations
/// and the development server.
pub async fn connect(url: &str) -> Result<tokio_postgres::Client, Fault> {
    let config = parse_url(url).map_err(|sentence| Fault::new(Kind::Other, sentence))?;
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "database connection ended");
        }
    });
    Ok(client)
}
