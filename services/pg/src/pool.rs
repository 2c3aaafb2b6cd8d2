//! The pool. Every wait has an end.
//!
//! Every transaction is in the service's own role, whoever `DATABASE_URL` names. The role
//! owns nothing, so that row-level security holds for it, and each service has another
//! one, so that a hole in one does not open the tables of the other. What else a session
//! is set to is `settings.rs`, and when, `sessions.rs`.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime, Timeouts,
};
use futures::FutureExt;
use futures::future::{join_all, join3};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::connect::Connector;
use crate::fault::is_refused;
use crate::lease::Lease;
use crate::limits::Limits;
use crate::plans;
use crate::retry::are_sent_whole;
use crate::sessions::{Sessions, Way};
use crate::traced::Traced;
use crate::turns::{PoolTurns, Turn, Whose};
use crate::tx::{Prepared, Scope};
use crate::{Address, Fault, Kind, Query, Statements, Tx};

/// A database as one service sees it.
#[derive(Debug, Clone)]
pub struct Database {
    pool: Pool,
    turns: PoolTurns,
    /// For connections outside the pool.
    connector: Connector,
    sessions: Arc<Sessions>,
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
        let connector = Connector::new(options.url.parse::<Address>()?.named(options.application_name));
        let sessions = Arc::new(Sessions::of(options.role));
        let manager = Manager::from_connect(
            connector.config(),
            connector.clone(),
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let pool = Pool::builder(manager)
            .max_size(options.max_size)
            // The one that was used last has the statements prepared and its session in the caches.
            .queue_mode(QueueMode::Lifo)
            .timeouts(Timeouts {
                wait: Some(Duration::from_secs(2)),
                // The connector bounds that, by the number of addresses that there are.
                create: None,
                recycle: Some(Duration::from_secs(1)),
            })
            .runtime(Runtime::Tokio1)
            .post_create(set_up(&connector, &sessions))
            .pre_recycle(up_to_date(&sessions))
            .post_recycle(plans::made_again(&sessions))
            .build()
            .map_err(|error| format!("the pool cannot be built: {error}"))?;
        let turns = PoolTurns::new(options.max_size);
        Ok(Self { pool, turns, connector, sessions, statements: Arc::default() })
    }

    /// The same database with the statements that may be run in it.
    #[must_use]
    pub fn with(&self, statements: Arc<Statements>) -> Self {
        Self {
            pool: self.pool.clone(),
            turns: self.turns.clone(),
            connector: self.connector.clone(),
            sessions: Arc::clone(&self.sessions),
            statements,
        }
    }

    /// The connections.
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Whose turn it is.
    pub(crate) fn turns(&self) -> &PoolTurns {
        &self.turns
    }

    /// How to connect outside the pool.
    pub(crate) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// The role that every transaction is in, unless it says another.
    pub(crate) fn role(&self) -> &'static str {
        self.sessions.role()
    }

    /// How sessions are used.
    pub(crate) async fn way(&self) -> Result<Arc<Way>, Fault> {
        self.sessions.way(&self.connector).await
    }

    /// A connection, when it is the turn of whoever needs it. The pool has one then.
    async fn lease(&self, whose: Option<Whose>) -> Result<Lease, Fault> {
        let turn = self.turns.connection(whose).await?;
        Ok(Lease::new(self.pool.get().await?, turn, self.connector.clone(), Arc::clone(&self.sessions)))
    }

    /// The statements that may be run.
    pub fn statements(&self) -> &Arc<Statements> {
        &self.statements
    }

    /// Waits for a tenant's turn to change something, which is to be kept until the
    /// change is over: those who wait for each other must not have every connection.
    pub async fn turn(&self, tenant: Uuid) -> Result<Turn, Fault> {
        self.turns.change(tenant).await
    }

    /// Starts a transaction that sees one tenant's rows only.
    pub async fn begin(&self, tenant: Uuid) -> Result<Tx, Fault> {
        self.begin_in(Scope::Tenant(tenant)).await
    }

    /// Waits for the turn of changes of these tenants that are made together, like one.
    pub async fn turn_of(&self, tenants: &[Uuid]) -> Result<Turn, Fault> {
        match tenants {
            [tenant] => self.turns.change(*tenant).await,
            _ => self.turns.change(Uuid::nil()).await,
        }
    }

    /// Starts a transaction for changes of several calls, which one lock must not keep
    /// waiting for as long as each may wait alone: it fails soon. Of several tenants each
    /// statement has its own, see [`Tx::run_each`].
    pub async fn begin_together(&self, tenants: &[Uuid]) -> Result<Tx, Fault> {
        let one = match tenants {
            [tenant] => Some(*tenant),
            _ => None,
        };
        self.begin_in(Scope::Briefly(one)).await
    }

    /// Starts a transaction outside tenants; tables under row-level security
    /// look empty in it.
    pub async fn begin_global(&self) -> Result<Tx, Fault> {
        self.begin_in(Scope::Global).await
    }

    /// Starts a transaction outside tenants in another role, of which the
    /// service's own role is a member.
    pub async fn begin_as(&self, role: &'static str) -> Result<Tx, Fault> {
        self.begin_in(Scope::Role(role)).await
    }

    /// Starts a transaction that sees these tenants' rows only, in a role that may see
    /// several. It waits for locks a tenth of a second, and its statements end after a second
    /// if there are several. They are planned once for all tenants.
    pub async fn begin_for(&self, role: &'static str, tenants: &[Uuid]) -> Result<Tx, Fault> {
        self.begin_in(Scope::of_tenants(role, tenants, tenants.len() > 1)).await
    }

    /// The same whose statements end after a second however many tenants there are: others wait
    /// behind them.
    pub async fn begin_among(&self, role: &'static str, tenants: &[Uuid]) -> Result<Tx, Fault> {
        self.begin_in(Scope::of_tenants(role, tenants, true)).await
    }

    async fn begin_in(&self, scope: Scope) -> Result<Tx, Fault> {
        let way = self.way().await?;
        Ok(Tx::new(self.lease(scope.whose()).await?, way, Arc::clone(&self.statements), scope))
    }

    /// Runs one statement in a tenant's transaction, in one round trip.
    pub async fn run(&self, tenant: Uuid, query: &dyn Query) -> Result<Vec<Row>, Fault> {
        self.begin(tenant).await?.run_last(query).await
    }

    /// Runs the statement of a page in a tenant's transaction, in one round trip.
    pub async fn run_page(
        &self,
        tenant: Uuid,
        query: &dyn Query,
        size: i64,
    ) -> Result<(Vec<Row>, i64), Fault> {
        self.begin(tenant).await?.run_page(query, size).await
    }

    /// Runs one statement outside tenants, in one round trip. A statement that
    /// was prepared before the schema changed has not run, and is run again, sent whole.
    pub async fn run_global(&self, query: &dyn Query) -> Result<Vec<Row>, Fault> {
        // Only a transaction has limits of its own.
        if self.way().await?.is_shared || Limits::of_this_call().is_some() {
            return self.begin_global().await?.run_last(query).await;
        }
        let traced = Traced::of([query]);
        traced.ended(self.run_alone(query).await)
    }

    /// Runs a statement that is a transaction by itself.
    async fn run_alone(&self, query: &dyn Query) -> Result<Vec<Row>, Fault> {
        let (form, params) = self.statements.form(query)?;
        let lease = self.lease(Scope::Global.whose()).await?;
        let client = lease.client()?;
        if form.writes {
            lease.writes();
        }
        let run = async |whole: bool| -> Result<Vec<Row>, Fault> {
            let statement = if whole {
                Prepared::Unnamed(form.into())
            } else {
                let prepared = lease.answer(client.prepare_typed_cached(form.text(), form.types()));
                Prepared::Named(prepared.await?)
            };
            let unsure = |fault: Fault| match fault.kind() {
                Kind::Unavailable if form.writes => Fault::new(Kind::OutcomeUnknown, fault.to_string()),
                _ => fault,
            };
            let answered = lease.answer(statement.query(client, &params).map(Ok::<_, Fault>)).await;
            answered.map_err(unsure)?.map_err(|error| {
                // A pooler that has lost its server says so before the connection ends.
                let refused = is_refused(&error);
                let fault = lease.judged(error.into());
                if refused { fault } else { unsure(fault) }
            })
        };
        match run(are_sent_whole()).await {
            Err(fault) if *fault.kind() == Kind::StaleStatement => run(true).await,
            result => result,
        }
    }

    /// The texts of the statements that do not fit the schema as it is.
    pub async fn misfits(&self) -> Result<Vec<String>, Fault> {
        let way = self.way().await?;
        let lease = self.lease(Scope::Global.whose()).await?;
        let client = lease.client()?;
        lease.open();
        let begin = Scope::Global.begin(&way, None);
        // Each in a transaction of its own: one that does not fit spoils it.
        let prepared = self.statements.iter().map(async |statement| {
            let form = statement.full();
            let prepare = client.prepare_typed(form.text(), form.types());
            let (opened, prepared, closed) =
                join3(client.batch_execute(&begin), prepare, client.batch_execute("rollback")).await;
            (form.text(), opened.and(prepared).and(closed).map_err(Fault::from))
        });
        let mut misfits = Vec::new();
        for (text, prepared) in lease.answer(join_all(prepared).map(Ok::<_, Fault>)).await? {
            match prepared.err() {
                None => {}
                Some(fault) if *fault.kind() == Kind::Unavailable => return Err(fault),
                Some(_) => misfits.push(text.to_owned()),
            }
        }
        lease.closed();
        Ok(misfits)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        let lease = self.lease(Scope::Global.whose()).await?;
        lease.answer(lease.client()?.batch_execute("select 1")).await
    }
}

/// Sets what a session of its own needs, as soon as there is one.
fn set_up(connector: &Connector, sessions: &Arc<Sessions>) -> Hook {
    let (connector, sessions) = (connector.clone(), Arc::clone(sessions));
    Hook::async_fn(move |client, _| {
        let (connector, sessions) = (connector.clone(), Arc::clone(&sessions));
        Box::pin(async move {
            let way =
                sessions.way(&connector).await.map_err(|fault| HookError::message(fault.to_string()))?;
            // The pool gives a hook no time of its own.
            match tokio::time::timeout(connector.patience(), way.set_up(client)).await {
                Ok(set_up) => set_up.map_err(HookError::Backend),
                Err(_) => Err(HookError::message("the database did not answer in time")),
            }
        })
    })
}

/// Lets go of a connection that lacks what others are set up with now.
fn up_to_date(sessions: &Arc<Sessions>) -> Hook {
    let sessions = Arc::clone(sessions);
    Hook::sync_fn(move |_, metrics| {
        let is_new = sessions.is_up_to_date(metrics.created);
        if is_new { Ok(()) } else { Err(HookError::message("the connection is to be made anew")) }
    })
}
