//! The settings of the gateway, and what one is built from. A setting of
//! the gateway's own is a row, its field of [`Policy`], which is passed whole to the
//! edge and to what the edge is made of, and the place that uses it.

use std::time::Duration;

use boot::{
    Cleartext, ClientTlsFiles, Form, Listen, Listener, Origins, Runbook, Setting, Settings, Trimmed,
    TrustedProxies, Unset, Version,
};
use upstream::{Callee, Upstream};

use crate::origin::{DEFAULT_ORIGINS, Hosts};

static GATEWAY_LISTEN: Setting = Setting {
    name: "GATEWAY_LISTEN",
    form: Form::Listen,
    unset: Unset::Default("127.0.0.1:8080"),
    example: "0.0.0.0:8080",
    meaning: "Where the gateway listens.",
    secret: false,
};
/// Where identity is.
pub static IDENTITY_ADDR: Setting =
    upstream::setting("IDENTITY_ADDR", "Where identity is.", "10.0.0.7:50051,10.0.0.8:50051");
/// Where booking is.
pub static BOOKING_ADDR: Setting =
    upstream::setting("BOOKING_ADDR", "Where booking is.", "10.0.0.7:50052,10.0.0.8:50052");
static ALLOWED_ORIGINS: Setting = Setting {
    name: "ALLOWED_ORIGINS",
    form: Form::Described("origins as scheme://host or scheme://host:port, several with commas"),
    unset: Unset::Default(DEFAULT_ORIGINS),
    example: "https://admin.example.com,https://www.example.com",
    meaning: "Origins whose pages may call (CORS).",
    secret: false,
};
static GATEWAY_HOSTS: Setting = Setting {
    name: "GATEWAY_HOSTS",
    form: Form::Described("host names without port, several with commas"),
    unset: Unset::Means("IP addresses and localhost only"),
    example: "api.example.com",
    meaning: "Names that the gateway answers to besides IP addresses and localhost: pages from there are its own and need no entry of ALLOWED_ORIGINS. Once one is named, calls to any other name are refused, probes excepted; where dev listens on this machine alone, always.",
    secret: false,
};
static CONNECTION_IDLE: Setting = Setting {
    name: "CONNECTION_IDLE",
    form: Form::Number { least: 1, most: 86_400 },
    unset: Unset::Default("75"),
    example: "620",
    meaning: "Seconds after which the gateway ends a connection that asks nothing; more than a load balancer before it keeps one, mostly 60.",
    secret: false,
};
static CONNECTION_AGE: Setting = Setting {
    name: "CONNECTION_AGE",
    form: Form::Number { least: 1, most: 31_536_000 },
    unset: Unset::Default("3600"),
    example: "600",
    meaning: "Seconds after which the gateway ends a connection once its requests are answered, some a tenth earlier, so that clients find new replicas.",
    secret: false,
};
static CONNECTIONS_PER_CLIENT: Setting = Setting {
    name: "CONNECTIONS_PER_CLIENT",
    form: Form::Number { least: 1, most: 16_384 },
    unset: Unset::Default("4096"),
    example: "200",
    meaning: "Most connections of one address, or of one IPv6 network of 64 bits, to the gateway; those of TRUSTED_PROXIES have no such limit.",
    secret: false,
};
/// The project's publishable key.
pub static SUPABASE_ANON_KEY: Setting = Setting {
    name: "SUPABASE_ANON_KEY",
    form: Form::Text,
    unset: Unset::Means("none: /auth/v1 is closed"),
    example: "sb_publishable_4f1c2a",
    meaning: "The publishable key that the Supabase-compatible surface /auth/v1 asks for.",
    secret: true,
};

static CALL_LIMIT_GATEWAY: Setting = Setting {
    name: "CALL_LIMIT_GATEWAY",
    form: Form::Number { least: 1, most: 1_000_000 },
    unset: Unset::Default("2048"),
    example: "4096",
    meaning: "Most requests that the gateway works on at once.",
    secret: false,
};
static CALL_LIMIT_CLIENT: Setting = Setting {
    name: "CALL_LIMIT_CLIENT",
    form: Form::Number { least: 1, most: 1_000_000 },
    unset: Unset::Default("512"),
    example: "128",
    meaning: "Most of them that one client address makes; where proxies are not in TRUSTED_PROXIES, all of their clients are one.",
    secret: false,
};

/// What the gateway reads from its environment. In a process that is the services, too, nobody
/// says where they are.
#[derive(Debug)]
pub struct Environment<S = Callee> {
    /// Where it listens.
    pub listen: Listen,
    /// The identity service.
    pub identity: S,
    /// The booking service.
    pub booking: S,
    /// How it behaves.
    pub policy: Policy,
}

/// What a gateway needs.
#[derive(Debug)]
pub struct Config {
    /// Where it listens.
    pub listener: Listener,
    /// The identity service.
    pub identity: Upstream,
    /// The booking service.
    pub booking: Upstream,
    /// How it behaves.
    pub policy: Policy,
    /// What `/version` answers.
    pub version: Version,
}

/// How the gateway behaves, as far as operators decide it.
#[derive(Debug)]
pub struct Policy {
    /// Where callers find the runbook.
    pub runbook: Runbook,
    /// Origins whose pages may call.
    pub origins: Origins,
    /// Names that it answers to.
    pub hosts: Hosts,
    /// Proxies before the gateway that are believed about where a call comes from.
    pub trusted_proxies: TrustedProxies,
    /// The publishable key that `/auth/v1` asks for; without one that surface is
    /// closed.
    pub anon_key: Option<String>,
    /// How connections of clients are kept.
    pub connections: Connections,
    /// Most requests at once.
    pub most_calls: usize,
    /// Most of them of one client.
    pub most_calls_of_client: usize,
}

/// How connections of clients are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// How long one stays that asks nothing.
    pub idle: Duration,
    /// How long one stays in all.
    pub age: Duration,
    /// Most of one client.
    pub of_client: usize,
}

impl Environment {
    /// Reads every setting of the gateway.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        Self::with(settings, |settings, clear| {
            let tls = ClientTlsFiles::read(settings);
            let identity = Callee::read(settings, &IDENTITY_ADDR, "identity", clear, tls.as_ref());
            let booking = Callee::read(settings, &BOOKING_ADDR, "booking", clear, tls.as_ref());
            Some((identity?, booking?))
        })
    }
}

impl Environment<()> {
    /// Reads the settings of the gateway in the process of the services.
    pub fn read_within(settings: &mut Settings) -> Option<Self> {
        Self::with(settings, |_, _| Some(((), ())))
    }
}

impl<S> Environment<S> {
    fn with(
        settings: &mut Settings,
        services: impl FnOnce(&mut Settings, Cleartext) -> Option<(S, S)>,
    ) -> Option<Self> {
        let clear = Cleartext::read(settings);
        let listen = Listen::read(settings, &GATEWAY_LISTEN, clear);
        let services = services(settings, clear);
        let policy = Policy::read(settings);
        let (identity, booking) = services?;
        Some(Self { listen: listen?, identity, booking, policy: policy? })
    }
}

impl Policy {
    fn read(settings: &mut Settings) -> Option<Self> {
        let runbook = Runbook::read(settings);
        let origins = read_origins(settings);
        let hosts = Hosts::read(settings);
        let trusted_proxies = TrustedProxies::read(settings);
        let anon_key = settings.if_set::<Trimmed>(&SUPABASE_ANON_KEY).map(|key| key.0);
        let connections = Connections::read(settings);
        let most_calls = settings.number(&CALL_LIMIT_GATEWAY);
        let most_calls_of_client = settings.number(&CALL_LIMIT_CLIENT);
        Some(Self {
            runbook,
            origins: origins?,
            hosts,
            trusted_proxies,
            anon_key,
            connections: connections?,
            most_calls: most_calls?,
            most_calls_of_client: most_calls_of_client?,
        })
    }
}

impl Connections {
    fn read(settings: &mut Settings) -> Option<Self> {
        let idle = settings.number(&CONNECTION_IDLE).map(Duration::from_secs);
        let age = settings.number(&CONNECTION_AGE).map(Duration::from_secs);
        let of_client = settings.number(&CONNECTIONS_PER_CLIENT);
        Some(Self { idle: idle?, age: age?, of_client: of_client? })
    }
}

impl Default for Policy {
    /// What the rows say where nothing is set.
    #[expect(clippy::expect_used, reason = "a default that its own row refuses fails every test")]
    fn default() -> Self {
        Self::read(&mut Settings::default()).expect("the rows take their defaults")
    }
}

impl Hosts {
    /// Reads `GATEWAY_HOSTS`.
    pub fn read(settings: &mut Settings) -> Self {
        settings.if_set(&GATEWAY_HOSTS).unwrap_or_default()
    }
}

/// Reads `ALLOWED_ORIGINS`.
pub fn read_origins(settings: &mut Settings) -> Option<Origins> {
    settings.parsed(&ALLOWED_ORIGINS)
}
