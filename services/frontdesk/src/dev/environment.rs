//! What `frontdesk dev` reads from its environment.

use std::net::SocketAddr;

use boot::{
    AdminPort, Form, InForce, Log, Origins, Setting, Settings, Traces, Trimmed, TrustedProxies, Unset,
};
use devdb::Programs;
use gateway::Hosts;
use identity::{MAIL_FROM, MAIL_SENDER, MailFrom, MailSender, RelyingParty, TRUSTED_ISSUERS, TrustedIssuers};

/// The variable by which `frontdesk env` marks the `DATABASE_URL` of a private
/// server, so that the next `frontdesk dev` of that shell is not sent to it.
pub static FRONTDESK_DEV_DATABASE: Setting = Setting {
    name: "FRONTDESK_DEV_DATABASE",
    form: Form::Text,
    unset: Unset::Means("none"),
    example: "postgresql:///frontdesk?host=/tmp/frontdesk",
    meaning: "Written by `frontdesk env`: the same text in DATABASE_URL does not name a server for `frontdesk dev` to use.",
    secret: true,
};

/// The settings of `frontdesk dev`.
pub struct Environment {
    /// How it logs.
    pub log: Log,
    /// Where traces go.
    pub traces: Traces,
    /// Whom it trusts.
    pub trusted: Trusted,
    /// Who takes letters, and whom they are from, if somebody says so.
    pub mail: (Option<MailSender>, Option<MailFrom>),
    /// Where the operator port listens, if it should.
    pub admin: Option<SocketAddr>,
    /// A server to use instead of a private one.
    pub database_url: Option<String>,
    /// The server's programs, if somebody says where they are.
    pub programs: Option<Programs>,
    /// What was read, for operators.
    pub in_force: InForce,
}

/// Whom the settings name as trusted.
pub struct Trusted {
    /// Origins whose pages may call.
    pub origins: Origins,
    /// Of them, or others, those whose pages may call the services without the gateway.
    pub direct: Origins,
    /// Names that the gateway answers to.
    pub hosts: Hosts,
    /// Proxies in front of the gateway.
    pub proxies: TrustedProxies,
    /// Other issuers whose tokens are taken.
    pub issuers: TrustedIssuers,
    /// The site whose pages use passkeys, if somebody says which.
    pub passkeys: Option<RelyingParty>,
}

impl Environment {
    /// Reads every setting of `frontdesk dev`.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let log = Log::read(settings);
        let traces = Traces::read(settings);
        let admin = AdminPort::read(settings);
        let origins = gateway::read_origins(settings);
        let direct = Origins::read_direct(settings);
        let hosts = Hosts::read(settings);
        let proxies = TrustedProxies::read(settings);
        let issuers: Option<TrustedIssuers> = settings.if_set(&TRUSTED_ISSUERS);
        let written = "letters are files in the data folder, which the start names";
        let mail = (
            settings.if_set_else(&MAIL_SENDER, written),
            settings.if_set_else(&MAIL_FROM, "no-reply@localhost"),
        );
        let passkeys = identity::read_passkeys(settings);
        let database_url = pg::read_url_if_set(settings, "a private server is started");
        let marked = settings.if_set::<Trimmed>(&FRONTDESK_DEV_DATABASE).map(|url| url.0);
        let programs = Programs::read(settings);
        let database_url = database_url.filter(|url| marked.as_ref() != Some(url));
        let in_force = settings.in_force();
        Some(Self {
            log: log?,
            traces: traces?,
            trusted: Trusted {
                origins: origins?,
                direct,
                hosts,
                proxies,
                issuers: issuers.unwrap_or_default(),
                passkeys: passkeys?,
            },
            mail,
            admin,
            database_url,
            programs,
            in_force,
        })
    }
}
