//! Settings about tokens and about identity.

use boot::{Cleartext, ClientTlsFiles, Form, Setting, Settings, Unset};
use upstream::Callee;

use crate::{Issuer, LIFETIME, RemoteIdentity};

static TOKEN_ISSUER: Setting = Setting {
    name: "TOKEN_ISSUER",
    form: Form::Text,
    unset: Unset::Default("frontdesk"),
    example: "https://id.example.com",
    meaning: "The claim `iss` of access tokens; the same for identity and booking.",
    secret: false,
};
static TOKEN_AUDIENCE: Setting = Setting {
    name: "TOKEN_AUDIENCE",
    form: Form::Text,
    unset: Unset::Default("authenticated"),
    example: "frontdesk.example.com",
    meaning: "The claim `aud` of access tokens; the same for identity and booking.",
    secret: false,
};
static TOKEN_MAX_LIFETIME_SECONDS: Setting = Setting {
    name: "TOKEN_MAX_LIFETIME_SECONDS",
    form: Form::Number { least: LIFETIME as i64, most: 31 * 24 * 3600 },
    unset: Unset::Default("3600"),
    example: "7200",
    meaning: "How long an access token may live at most, from `iat` to `exp`: one that would live longer is refused, whoever signed it.",
    secret: false,
};
static IDENTITY_ADDR: Setting =
    upstream::setting("IDENTITY_ADDR", "Where identity is.", "10.0.0.7:50051,10.0.0.8:50051");

impl Issuer {
    /// Reads `TOKEN_ISSUER`, `TOKEN_AUDIENCE` and `TOKEN_MAX_LIFETIME_SECONDS`.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let issuer = settings.text(&TOKEN_ISSUER);
        let audience = settings.text(&TOKEN_AUDIENCE);
        let longest = settings.number(&TOKEN_MAX_LIFETIME_SECONDS);
        Some(Self { issuer: issuer?, audience: audience?, longest: longest? })
    }
}

impl Default for Issuer {
    fn default() -> Self {
        Self {
            issuer: "frontdesk".to_owned(),
            audience: "authenticated".to_owned(),
            longest: u64::from(LIFETIME),
        }
    }
}

impl RemoteIdentity {
    /// Reads `IDENTITY_ADDR`, and how identity is called.
    pub fn read(settings: &mut Settings, clear: Cleartext) -> Option<Callee> {
        let tls = ClientTlsFiles::read(settings);
        Callee::read(settings, &IDENTITY_ADDR, "identity", clear, tls.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_that_the_table_says() {
        assert_eq!(Issuer::read(&mut Settings::default()), Some(Issuer::default()));
    }
}
