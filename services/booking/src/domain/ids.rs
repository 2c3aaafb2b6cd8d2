//! Ids as types, so that one cannot stand where another belongs.

use frontdesk_proto::Refusal;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Reads the id in a request's field.
            pub fn parse(field: &str, text: &str) -> Result<Self, Refusal> {
                // `try_parse` alone would also take braces, `urn:uuid:` and no hyphens.
                match Uuid::try_parse(text) {
                    Ok(id) if text.len() == 36 => Ok(Self(id)),
                    _ => Err(Refusal::field(field, "must be a UUID such as 0190163d-8694-739b-aea5-966c26f8ad91")),
                }
            }

            /// Reads the id in a request's field that may be left empty.
            pub fn parse_optional(field: &str, text: &str) -> Result<Option<Self>, Refusal> {
                if text.is_empty() { Ok(None) } else { Self::parse(field, text).map(Some) }
            }
        }
    )*};
}

ids! {
    /// A booking.
    BookingId;
    /// Nights that a property is blocked.
    BlockId;
    /// A booking request.
    BookingRequestId;
    /// A property.
    PropertyId;
    /// A guest: a customer of the tenant.
    GuestId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let good = "0190163d-8694-739b-aea5-966c26f8ad91";
        assert!(PropertyId::parse("id", good).is_ok());
        for bad in [
            "",
            "1",
            &good.replace('-', ""),
            &format!("{{{good}}}"),
            &format!("urn:uuid:{good}"),
            "x' or 1=1 --",
        ] {
            assert!(PropertyId::parse("id", bad).is_err(), "{bad}");
        }
        assert_eq!(PropertyId::parse_optional("id", "").unwrap(), None);
    }
}
