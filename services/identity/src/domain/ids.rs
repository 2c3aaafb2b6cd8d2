//! Ids as types, so that one cannot stand where another belongs.

use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub Uuid);

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(out)
            }
        }
    )*};
}

ids! {
    /// A user.
    UserId;
    /// A tenant.
    TenantId;
    /// A session of a user; nil for a token of another issuer, which has none here.
    SessionId;
    /// An API key of a tenant.
    ApiKeyId;
    /// An event of the audit log.
    AuditEventId;
    /// A second factor of a user.
    FactorId;
    /// An invitation into a tenant.
    InvitationId;
    /// A letter that is to be sent.
    MailId;
}

/// Reads the hyphenated form of an id.
pub fn parse<I: From<Uuid>>(text: &str) -> Option<I> {
    // `try_parse` alone would also take braces, `urn:uuid:` and no hyphens.
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36).map(I::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let good = "0190163d-8694-739b-aea5-966c26f8ad91";
        assert_eq!(parse::<UserId>(good).map(|id| id.to_string()).as_deref(), Some(good));
        for bad in
            ["", "1", &good.replace('-', ""), &format!("{{{good}}}"), &format!("urn:uuid:{good}"), "x' --"]
        {
            assert_eq!(parse::<UserId>(bad), None, "{bad}");
        }
    }
}
