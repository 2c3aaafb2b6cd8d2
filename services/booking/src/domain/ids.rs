//! Ids as types, so that one cannot stand where another belongs.

use std::str::FromStr;

use uuid::Uuid;

/// A text that is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID in its hyphenated form")]
pub struct InvalidId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        /// Reads the hyphenated form, the only one that is taken.
        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // `try_parse` alone would also take braces, `urn:uuid:` and no hyphens.
                Uuid::try_parse(text).ok().filter(|_| text.len() == 36).map(Self).ok_or(InvalidId)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, out)
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
    /// Something that happened.
    EventId;
    /// A guest: a customer of the tenant.
    GuestId;
    /// A property.
    PropertyId;
    /// An inventory range.
    RangeId;
    /// A row of a list, whatever it is a list of.
    RowId;
    /// A user of Frontdesk.
    UserId;
    /// An API key of the tenant.
    KeyId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let good = "0190163d-8694-739b-aea5-966c26f8ad91";
        assert_eq!(good.parse::<PropertyId>().unwrap().to_string(), good);
        for bad in [
            "",
            "1",
            &good.replace('-', ""),
            &format!("{{{good}}}"),
            &format!("urn:uuid:{good}"),
            "x' or 1=1 --",
        ] {
            assert_eq!(bad.parse::<PropertyId>(), Err(InvalidId), "{bad}");
        }
    }
}
