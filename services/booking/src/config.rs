//! The settings of booking, and what a server of it is built from.
//!
//! A setting of booking's own is a row, its field of [`Policy`] and the place that
//! uses it, and nothing in between: whoever starts a server passes the policy whole,
//! and the store, which every room has, keeps it.

use std::time::Duration;

use access::{Callee, Issuer, RemoteIdentity};
use boot::{Cleartext, Form, Listen, Listener, Origins, ProxyHeader, Runbook, Setting, Settings, Unset};
use pg::Database;

static BOOKING_LISTEN: Setting = Setting {
    name: "BOOKING_LISTEN",
    form: Form::Listen,
    unset: Unset::Default("127.0.0.1:50052"),
    example: "0.0.0.0:50052",
    meaning: "Where booking listens.",
    secret: false,
};
static WATCH_LIMIT_SERVER: Setting = Setting {
    name: "WATCH_LIMIT_SERVER",
    form: Form::Number { least: 1, most: 100_000 },
    unset: Unset::Default("1000"),
    example: "5000",
    meaning: "Most streams of events that one server of booking has open.",
    secret: false,
};
static WATCH_LIMIT_TENANT: Setting = Setting {
    name: "WATCH_LIMIT_TENANT",
    form: Form::Number { least: 1, most: 100_000 },
    unset: Unset::Default("500"),
    example: "200",
    meaning: "Most streams of events that one server of booking has open for a tenant.",
    secret: false,
};
static WATCH_LIMIT_SESSION: Setting = Setting {
    name: "WATCH_LIMIT_SESSION",
    form: Form::Number { least: 1, most: 100_000 },
    unset: Unset::Default("20"),
    example: "50",
    meaning: "Most streams of events that one server of booking has open for a session, or for an API key that calls alone.",
    secret: false,
};
static FEED_RETENTION_DAYS: Setting = Setting {
    name: "FEED_RETENTION_DAYS",
    form: Form::Number { least: 30, most: 36_500 },
    unset: Unset::Default("400"),
    example: "90",
    meaning: "How many days back a stream of events can go on. Older events leave the feed; the history of a request keeps them.",
    secret: false,
};
static IMPORT_LIMIT_SERVER: Setting = Setting {
    name: "IMPORT_LIMIT_SERVER",
    form: Form::Number { least: 1, most: 1000 },
    unset: Unset::Default("16"),
    example: "32",
    meaning: "Most imports that one server of booking runs at once.",
    secret: false,
};
static IMPORT_LIMIT_TENANT: Setting = Setting {
    name: "IMPORT_LIMIT_TENANT",
    form: Form::Number { least: 1, most: 1000 },
    unset: Unset::Default("2"),
    example: "4",
    meaning: "Most imports that one tenant runs at once on one server of booking.",
    secret: false,
};

/// What booking reads from its environment. In a process that is identity, too, nobody says
/// where that is.
#[derive(Debug)]
pub struct Environment<I = Callee> {
    /// Where it listens.
    pub listen: Listen,
    /// Its database.
    pub database: pg::Config,
    /// Who issues tokens, for whom.
    pub issuer: Issuer,
    /// Identity, which knows the callers.
    pub identity: I,
    /// How it behaves.
    pub policy: Policy,
}

/// What a server of booking needs.
#[derive(Debug)]
pub struct Config<A> {
    /// Where it listens.
    pub listener: Listener,
    /// Its database, as [`crate::ROLE`].
    pub database: Database,
    /// Who issues tokens, for whom.
    pub issuer: Issuer,
    /// Who knows the callers.
    pub authority: A,
    /// How it behaves.
    pub policy: Policy,
}

/// How booking behaves, as far as operators decide it.
#[derive(Debug)]
pub struct Policy {
    /// Where callers find the runbook.
    pub runbook: Runbook,
    /// Most streams of events that one server has open.
    pub most_streams: usize,
    /// Of them, for one tenant.
    pub most_streams_of_tenant: usize,
    /// Of them, for one session or API key.
    pub most_streams_of_session: usize,
    /// How many days back a stream can go on.
    pub feed_retention_days: i64,
    /// Origins whose pages may call it without the gateway.
    pub pages: Origins,
    /// In which header proxies say where a call comes from.
    pub proxy_header: ProxyHeader,
    /// How often identity is asked which tenants are deleted; no setting.
    pub delete_tenants_every: Duration,
    /// Most imports that one server runs at once.
    pub most_imports: usize,
    /// Most of them that are one tenant's.
    pub most_imports_of_tenant: usize,
}

impl Environment {
    /// Reads every setting of booking.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        Self::with(settings, RemoteIdentity::read)
    }
}

impl Environment<()> {
    /// Reads the settings of booking in the process of identity.
    pub fn read_within(settings: &mut Settings) -> Option<Self> {
        Self::with(settings, |_, _| Some(()))
    }
}

impl<I> Environment<I> {
    fn with(
        settings: &mut Settings,
        identity: impl FnOnce(&mut Settings, Cleartext) -> Option<I>,
    ) -> Option<Self> {
        let clear = Cleartext::read(settings);
        let listen = Listen::read(settings, &BOOKING_LISTEN, clear);
        let database = pg::Config::read(settings);
        let issuer = Issuer::read(settings);
        let identity = identity(settings, clear);
        let policy = Policy::read(settings);
        Some(Self {
            listen: listen?,
            database: database?,
            issuer: issuer?,
            identity: identity?,
            policy: policy?,
        })
    }
}

impl Policy {
    fn read(settings: &mut Settings) -> Option<Self> {
        let runbook = Runbook::read(settings);
        let pages = Origins::read_direct(settings);
        let most_streams = settings.number(&WATCH_LIMIT_SERVER);
        let most_streams_of_tenant = settings.number(&WATCH_LIMIT_TENANT);
        let most_streams_of_session = settings.number(&WATCH_LIMIT_SESSION);
        let feed_retention_days = settings.number(&FEED_RETENTION_DAYS);
        let proxy_header = ProxyHeader::read(settings);
        let most_imports = settings.number(&IMPORT_LIMIT_SERVER);
        let most_imports_of_tenant = settings.number(&IMPORT_LIMIT_TENANT);
        Some(Self {
            runbook,
            pages,
            most_streams: most_streams?,
            most_streams_of_tenant: most_streams_of_tenant?,
            most_streams_of_session: most_streams_of_session?,
            feed_retention_days: feed_retention_days?,
            proxy_header,
            delete_tenants_every: Duration::from_mins(10),
            most_imports: most_imports?,
            most_imports_of_tenant: most_imports_of_tenant?,
        })
    }
}

impl Default for Policy {
    /// What the rows say where nothing is set.
    #[expect(clippy::expect_used, reason = "a default that its own row refuses fails every test")]
    fn default() -> Self {
        Self::read(&mut Settings::default()).expect("the rows take their defaults")
    }
}
