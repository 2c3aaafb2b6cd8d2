//! What is relied on of the settings of a session, whatever the defaults of the server, the
//! database and the role are. It is set here and nowhere else, or its lack is refused by its
//! name ([`refuse_unfit`]).
//!
//! Left as it is, and why:
//! - `default_transaction_read_only`: whoever sets that wants no changes, and calls are
//!   refused as such.
//! - `default_transaction_deferrable` counts for serializable transactions only, and there
//!   are none.
//! - What memory, disks and processors are worth (`work_mem`, `random_page_cost`,
//!   `effective_cache_size` and their like) is for whoever knows the server. No plan reads a
//!   whole table for it while `enable_seqscan` is off.
//! - `enable_hashjoin`, `enable_mergejoin`, `enable_hashagg`, `enable_material` and their
//!   like: without one of them there is another way to the same few rows.
//! - `check_function_bodies`, `default_tablespace`, `default_table_access_method` and
//!   `createrole_self_grant`: how a migration makes things is the owner's affair, and what it
//!   makes is compared.
//! - `role` of a login that migrates: who becomes the owner by it is meant to. Services set
//!   theirs.
//! - `lc_messages`: nothing is decided by a message. `lc_time`, `lc_numeric`, `lc_monetary`,
//!   `xmloption`, `default_text_search_config`: no statement has to do with them.
//! - `client_encoding` is said by the driver when it connects.

use std::time::Duration;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::{Advice, Fault, Kind};

/// Limit of a statement at the server.
pub(crate) const STATEMENT_LIMIT: Duration = Duration::from_secs(5);

/// What the meaning of statements and their answers depends on.
static MEANING: &[(&str, &str)] = &[
    ("search_path", "public, pg_temp"),
    ("row_security", "on"),
    ("timezone", "UTC"),
    ("datestyle", "ISO, MDY"),
    ("intervalstyle", "postgres"),
    ("bytea_output", "hex"),
    ("extra_float_digits", "1"),
    ("standard_conforming_strings", "on"),
    ("transform_null_equals", "off"),
    ("array_nulls", "on"),
    ("quote_all_identifiers", "off"),
    ("plpgsql.extra_errors", "none"),
    // Else whatever is refused ends the connection.
    ("exit_on_error", "off"),
];
/// How long the statements of a service may take and wait, and how they are planned.
///
/// `enable_seqscan` is off because plans are made while tables are small and kept while
/// they grow: every statement of a service has an index. The penalty for those that have
/// none must not start the just-in-time compiler. Statements are over sooner than a
/// worker has started. Where rows may not be sorted, a whole index is read in its order; and
/// where tables are joined as they are written, the first of them is read whole.
///
/// A statement that is a transaction by itself has the default isolation, and decides by what
/// it has waited for, as those do that are begun.
static SERVING: &[(&str, &str)] = &[
    ("default_transaction_isolation", "read committed"),
    ("lock_timeout", "2s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("enable_seqscan", "off"),
    ("enable_indexscan", "on"),
    ("enable_indexonlyscan", "on"),
    ("enable_bitmapscan", "on"),
    ("enable_nestloop", "on"),
    ("enable_sort", "on"),
    ("geqo", "off"),
    ("from_collapse_limit", "8"),
    ("join_collapse_limit", "8"),
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("plan_cache_mode", "auto"),
];
/// Those that came later, and the version that brought them.
static LATER_SERVING: &[(u32, &str, &str)] =
    &[(140_000, "idle_session_timeout", "0"), (170_000, "transaction_timeout", "0")];
/// What limits a session and no command that changes the schema, as far as the server knows it.
const LIMITS: [&str; 4] =
    ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"];

/// The setting without which no trigger fires and no foreign key holds. Nobody but a superuser
/// may set it, so that it is refused where it is another; whoever it is changed for while a
/// service runs gets an error instead of a connection that stores anything.
const TRIGGERS: &str = "session_replication_role";
const TRIGGERS_FIRE: &str = "origin";
const TRIGGERS_OFF: &str = "replica";
/// The setting by which a commit is durable when it is acknowledged.
const DURABLE: &str = "synchronous_commit";
/// The values of it by which an acknowledged commit may be lost: in a crash, or when a standby
/// takes over that commits are to wait for.
const LOSING: [&str; 3] = ["off", "local", "remote_write"];
/// Where a setting comes from that is a default of a role or a database, as `pg_settings`
/// has it.
const OF_ROLE_OR_DATABASE: [&str; 4] = ["global", "database", "user", "database user"];
/// And where one comes from that was chosen for the server, or in the connection string. Any
/// other was left in a session by whoever had it before.
const CHOSEN: [&str; 4] = ["environment variable", "configuration file", "command line", "client"];

/// Whether commits wait until they are durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commits {
    /// Whoever runs the server, or wrote the connection string, says that they do not.
    AsChosen,
    /// They do, whatever a default of the role or the database says.
    Durable,
}

/// A setting as a session has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) value: String,
    /// As `pg_settings` names it.
    pub(crate) source: String,
    /// The login and the database, quoted where they have to be.
    pub(crate) login: String,
    pub(crate) database: String,
}

/// What sets all that a service relies on, in one round trip: for a session, or for a
/// transaction.
pub(crate) fn of_a_service(role: &str, version: u32, commits: Commits, is_local: bool) -> String {
    let later = LATER_SERVING.iter().filter(|(since, ..)| version >= *since);
    let limit = format!("{}s", STATEMENT_LIMIT.as_secs());
    let serving = SERVING.iter().copied().chain(later.map(|(_, name, value)| (*name, *value)));
    let last = [("statement_timeout", limit.as_str()), ("role", role)];
    let settings: Vec<(&str, &str)> = MEANING.iter().copied().chain(serving).chain(last).collect();
    let durable = match commits {
        Commits::AsChosen => String::new(),
        Commits::Durable => format!(
            "case when pg_catalog.current_setting('{DURABLE}') in ('{}') \
             then pg_catalog.set_config('{DURABLE}', 'on', {is_local}) end, ",
            LOSING.join("', '")
        ),
    };
    format!("select {}, {durable}{}", triggers_fire(is_local), set_to(&settings, is_local))
}

/// What begins a transaction of a command that changes the schema: it takes the time that
/// it takes, and nobody else has its session meanwhile.
pub(crate) fn begin_command() -> String {
    format!(
        "begin isolation level read committed; select {}, {}; \
         select pg_catalog.set_config(name, '0', true) from pg_catalog.pg_settings where name in ('{}')",
        triggers_fire(true),
        set_to(MEANING, true),
        LIMITS.join("', '")
    )
}

/// Sets it only where it is another: to set it at all is refused to most.
fn triggers_fire(is_local: bool) -> String {
    format!(
        "case pg_catalog.current_setting('{TRIGGERS}') when '{TRIGGERS_OFF}' \
         then pg_catalog.set_config('{TRIGGERS}', '{TRIGGERS_FIRE}', {is_local}) end"
    )
}

fn set_to(settings: &[(&str, &str)], is_local: bool) -> String {
    let each = settings
        .iter()
        .map(|(name, value)| format!("pg_catalog.set_config('{name}', '{value}', {is_local})"));
    each.collect::<Vec<_>>().join(", ")
}

/// Refuses a session that has a default by which what is stored would not be guarded, and
/// which nobody but a superuser may set. Gives what is to be done about commits.
pub(crate) async fn refuse_unfit(client: &Client) -> Result<Commits, Fault> {
    let found = look(client).await?;
    let of = |name: &str| found.iter().find(|one| one.name == name);
    if let Some(other) = of(TRIGGERS).filter(|one| one.is_unfit()) {
        return Err(other.refused());
    }
    let is_chosen =
        of(DURABLE).is_some_and(|one| LOSING.contains(&&*one.value) && CHOSEN.contains(&&*one.source));
    Ok(if is_chosen { Commits::AsChosen } else { Commits::Durable })
}

/// Refuses to start with a login by whose defaults what is stored would not be guarded.
pub async fn relied_on(client: &Client) -> Result<(), Fault> {
    refuse_unfit(client).await.map(drop)
}

/// The settings that are not simply set, as a session has them. The query travels by itself:
/// nothing is prepared, and a pooler may share the session.
pub(crate) async fn look(client: &Client) -> Result<Vec<Found>, Fault> {
    let query = format!(
        "select s.name, s.setting, s.source, pg_catalog.quote_ident(session_user), \
         pg_catalog.quote_ident(pg_catalog.current_database()) \
         from pg_catalog.pg_settings s where s.name in ('{TRIGGERS}', '{DURABLE}')"
    );
    let answer = client.simple_query(&query).await?;
    let rows = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let found = rows.map(|row| {
        let cell = |place: usize| row.get(place).unwrap_or_default().to_owned();
        Found { name: cell(0), value: cell(1), source: cell(2), login: cell(3), database: cell(4) }
    });
    Ok(found.collect())
}

/// The defaults of other logins that may switch to one of these roles, as their sessions have
/// them: of whoever looks, [`look`] knows its own. A superuser may switch to any.
pub(crate) async fn look_at_logins(client: &Client, roles: &[&str]) -> Result<Vec<Found>, Fault> {
    let query = format!(
        "select distinct on (r.rolname, d.name) d.name, d.value, \
         case s.setdatabase when 0 then 'user' else 'database user' end, \
         pg_catalog.quote_ident(r.rolname), pg_catalog.quote_ident(pg_catalog.current_database()) \
         from pg_catalog.pg_db_role_setting s \
         join pg_catalog.pg_roles r on r.oid = s.setrole and r.rolcanlogin and not r.rolsuper \
             and r.rolname <> session_user \
         cross join pg_catalog.unnest(s.setconfig) entry \
         cross join lateral (select pg_catalog.split_part(entry, '=', 1) as name, \
             pg_catalog.lower(pg_catalog.split_part(entry, '=', 2)) as value) d \
         where d.name in ('{TRIGGERS}', '{DURABLE}') and s.setdatabase in (0, (select b.oid \
             from pg_catalog.pg_database b where b.datname = pg_catalog.current_database())) \
         and exists (select from pg_catalog.pg_roles n where n.rolname = any ($1) \
             and pg_catalog.pg_has_role(r.oid, n.oid, 'member')) \
         order by r.rolname, d.name, s.setdatabase desc"
    );
    let mut found = Vec::new();
    for row in client.query_typed(&query, &[(&roles, Type::TEXT_ARRAY)]).await? {
        let [name, value, source, login, database] = [0, 1, 2, 3, 4].map(|place| row.try_get(place));
        let found_one =
            Found { name: name?, value: value?, source: source?, login: login?, database: database? };
        found.push(found_one);
    }
    Ok(found)
}

impl Found {
    /// Whether it is about what a commit waits for.
    pub(crate) fn is_of_commits(&self) -> bool {
        self.name == DURABLE
    }

    /// Whether a service does not start for it.
    pub(crate) fn is_unfit(&self) -> bool {
        self.name == TRIGGERS && self.value == TRIGGERS_OFF
    }

    /// Whether it is a default of the role or the database.
    pub(crate) fn is_of_role_or_database(&self) -> bool {
        OF_ROLE_OR_DATABASE.contains(&&*self.source)
    }

    /// What the setting does.
    pub(crate) fn sentence(&self) -> String {
        let Self { name, value, source, .. } = self;
        format!("{name} is {value} ({source}): no trigger fires, and no foreign key holds")
    }

    /// What brings it back to `good`, as who may do it.
    pub(crate) fn cure(&self, good: &str) -> String {
        let Self { name, source, login, database, .. } = self;
        match &**source {
            "client" => "take it from the options in DATABASE_URL".to_owned(),
            "command line" => "start the server without that option".to_owned(),
            "global" => format!("as a superuser: `alter role all reset {name}`"),
            "database" => {
                // Nobody else may take back what only a superuser may set.
                let who = if self.name == TRIGGERS { "a superuser" } else { "its owner" };
                format!("as {who}: `alter database {database} reset {name}`")
            }
            "user" => format!("as a superuser: `alter role {login} reset {name}`"),
            "database user" => {
                format!("as a superuser: `alter role {login} in database {database} reset {name}`")
            }
            _ => {
                format!("as a superuser: `alter system set {name} = {good}`, then `select pg_reload_conf()`")
            }
        }
    }

    /// Why a service does not start, with the statement that lets it.
    fn refused(&self) -> Fault {
        let object = format!("setting {TRIGGERS} at {TRIGGERS_FIRE}");
        let advice = Advice { what: self.sentence(), fix: self.cure(TRIGGERS_FIRE).into() };
        Fault::advised(Kind::SchemaDrift { object }, advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_of_a_setting_has_the_statement_that_takes_it_back() {
        let found = |name: &str, source: &str| Found {
            name: name.to_owned(),
            value: "off".to_owned(),
            source: source.to_owned(),
            login: "\"a b\"".to_owned(),
            database: "d".to_owned(),
        };
        for (source, name, cure) in [
            ("user", TRIGGERS, "as a superuser: `alter role \"a b\" reset session_replication_role`"),
            ("database", TRIGGERS, "as a superuser: `alter database d reset session_replication_role`"),
            ("database", DURABLE, "as its owner: `alter database d reset synchronous_commit`"),
            (
                "database user",
                DURABLE,
                "as a superuser: `alter role \"a b\" in database d reset synchronous_commit`",
            ),
            ("global", DURABLE, "as a superuser: `alter role all reset synchronous_commit`"),
            (
                "configuration file",
                DURABLE,
                "as a superuser: `alter system set synchronous_commit = on`, then `select pg_reload_conf()`",
            ),
        ] {
            let found = found(name, source);
            assert_eq!(found.cure("on"), cure);
            assert_eq!(found.is_of_role_or_database(), source != "configuration file");
        }
    }

    #[test]
    fn what_somebody_chose_for_the_server_is_not_set() {
        let set = |commits| of_a_service("r", 150_000, commits, true);
        assert!(set(Commits::Durable).contains("set_config('synchronous_commit'"));
        assert!(!set(Commits::AsChosen).contains("synchronous_commit"));
        // The role comes last: what is set before it may need more than it has.
        assert!(set(Commits::AsChosen).ends_with("pg_catalog.set_config('role', 'r', true)"));
        assert!(!set(Commits::AsChosen).contains("transaction_timeout"));
    }
}
