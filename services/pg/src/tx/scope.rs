//! Whose rows a transaction sees, and what it is begun with so that it does.

use std::time::Duration;

use uuid::Uuid;

use super::sent::see;
use crate::limits::Limits;
use crate::sessions::Way;
use crate::turns::Whose;

/// Whatever the database's default is: decisions look again at rows that they
/// waited for, and a snapshot of the whole transaction would hide these.
const BEGIN: &str = "begin isolation level read committed";

/// The setting by which row-level security knows several tenants, of a role that may see
/// them. The one by which it knows one is [`super::TENANT`].
const TENANTS: &str = "app.tenants";

/// How long a transaction waits for a lock that others are kept waiting by. Whoever has
/// it goes on for longer than what our own calls do.
const BRIEFLY: &str = "100ms";
/// What is for a list of tenants looks up each of them, however many there are; by their
/// number Postgres would plan it anew each time, for longer than it then runs.
const PLANNED_ONCE: &str = "set local plan_cache_mode = force_generic_plan";
/// How long a statement takes that is for several tenants together: a lock or slow rows of
/// one would keep the others waiting. It can be done of each again.
pub(super) const TOGETHER: Duration = Duration::from_secs(1);

/// Whose rows a transaction sees.
#[derive(Debug)]
pub(crate) enum Scope {
    Tenant(Uuid),
    /// The same, and locks are waited for [`BRIEFLY`]. Without a tenant, each statement
    /// says whose rows it sees, and has little time.
    Briefly(Option<Uuid>),
    Global,
    /// What this role may see.
    Role(&'static str),
    /// What this role may see of these tenants, with commas between them. Locks are waited
    /// for [`BRIEFLY`], and no statement is planned by who or how many they are
    /// ([`PLANNED_ONCE`]). Those that are together have little time.
    Tenants {
        role: &'static str,
        tenants: String,
        are_together: bool,
    },
}

impl Scope {
    pub(crate) fn of_tenants(role: &'static str, tenants: &[Uuid], are_together: bool) -> Self {
        let tenants: Vec<String> = tenants.iter().map(Uuid::to_string).collect();
        Self::Tenants { role, tenants: tenants.join(","), are_together }
    }

    /// Whether it sees a tenant's rows, and no others.
    pub(super) fn is_of(&self, of: Uuid) -> bool {
        matches!(self, Self::Tenant(tenant) | Self::Briefly(Some(tenant)) if *tenant == of)
    }

    /// Whose the transaction is; `None` if it is the process's own.
    pub(crate) fn whose(&self) -> Option<Whose> {
        match self {
            Self::Tenant(tenant) | Self::Briefly(Some(tenant)) => Some(Whose::Tenant(*tenant)),
            Self::Briefly(None) => Some(Whose::Tenants),
            Self::Global | Self::Role(_) | Self::Tenants { .. } => {
                boot::whose_call().map(|whose| match whose {
                    boot::Whose::Known(id) => Whose::Caller(id),
                    boot::Whose::Holder(client) => Whose::Holder(client),
                    boot::Whose::Unknown(client) => Whose::Nobody(client),
                })
            }
        }
    }

    /// What begins a transaction, in one message. What the scope limits itself is shorter
    /// than what its call leaves.
    pub(crate) fn begin(&self, way: &Way, limits: Option<Limits>) -> String {
        let begin = format!("{BEGIN}{}{}", way.in_each, limits.map(Limits::sql).unwrap_or_default());
        match self {
            Self::Tenant(tenant) => format!("{begin}; {}", see(*tenant)),
            Self::Briefly(tenant) => {
                let begin = format!("{begin}; set local lock_timeout = '{BRIEFLY}'");
                match tenant {
                    Some(tenant) => format!("{begin}; {}", see(*tenant)),
                    None => format!("{begin}; {}", time_for_each()),
                }
            }
            Self::Global => begin,
            Self::Role(role) => format!("{begin}; set local role {role}"),
            Self::Tenants { role, tenants, are_together } => {
                let begin = format!(
                    "{begin}; set local role {role}; set local {TENANTS} = '{tenants}'; \
                     set local lock_timeout = '{BRIEFLY}'; {PLANNED_ONCE}"
                );
                if *are_together { format!("{begin}; {}", time_for_each()) } else { begin }
            }
        }
    }
}

/// What bounds each statement of those that are for several tenants.
fn time_for_each() -> String {
    format!("set local statement_timeout = {}", TOGETHER.as_millis())
}
