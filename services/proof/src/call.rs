//! The calls whose orders are tried, as data, and how they are written.

use std::fmt;
use std::str::FromStr;

/// How something is put right; a cancel has a name of its own.
pub use frontdesk_proto::booking::v1::ResolutionChoice as Choice;

/// A call that changes something. Numbers are those of rows of the starting state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Approve(u8),
    Decline(u8),
    Review(u8),
    Cancel(u8),
    CancelBooking(u8),
    Create,
    Book,
    Block,
    Unblock(u8),
    CheckIn(u8),
    CheckOut(u8),
    NoShow(u8),
    AutoDecline,
    Expire(u8),
    /// What is wrong with a request is put right in a way.
    Resolve(u8, Choice),
    /// The same of a booking, or of a range of inventory.
    ResolveBooking(u8, Choice),
    ResolveRange(u8, Choice),
    /// The property holds the nights of requests from now on, or holds them no more.
    Hold(bool),
    /// A guest is the same person as the first one.
    Merge(u8),
    Archive(u8),
    /// One of identity.
    Of(OfPerson),
}

/// A call of identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OfPerson {
    /// The newest token of the first session.
    Refresh,
    /// The one that it had at first.
    RefreshFirst,
    Login,
    Logout,
    LogoutEverywhere,
    /// The first session is ended in the second one.
    Revoke,
    ChangePassword,
    Disable,
    RemoveMember,
    UseKey,
    RotateKey,
    RevokeKey,
    /// Of the keys that sign tokens, which are everybody's.
    RotateSigningKey,
}

/// All of identity.
pub const PERSON_CALLS: [OfPerson; 13] = [
    OfPerson::Refresh,
    OfPerson::RefreshFirst,
    OfPerson::Login,
    OfPerson::Logout,
    OfPerson::LogoutEverywhere,
    OfPerson::Revoke,
    OfPerson::ChangePassword,
    OfPerson::Disable,
    OfPerson::RemoveMember,
    OfPerson::UseKey,
    OfPerson::RotateKey,
    OfPerson::RevokeKey,
    OfPerson::RotateSigningKey,
];

/// Those that are tried.
const CHOICES: [Choice; 8] = [
    Choice::ClearMark,
    Choice::ClearLink,
    Choice::LinkBooking,
    Choice::Confirm,
    Choice::ReleaseRange,
    Choice::Reopen,
    Choice::RestoreRange,
    Choice::FitRange,
];

impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approve(n) => write!(out, "approve-r{n}"),
            Self::Decline(n) => write!(out, "decline-r{n}"),
            Self::Review(n) => write!(out, "review-r{n}"),
            Self::Cancel(n) => write!(out, "cancel-r{n}"),
            Self::CancelBooking(n) => write!(out, "cancel-b{n}"),
            Self::Create => write!(out, "create"),
            Self::Book => write!(out, "book"),
            Self::Block => write!(out, "block"),
            Self::Unblock(n) => write!(out, "unblock-k{n}"),
            Self::CheckIn(n) => write!(out, "check-in-b{n}"),
            Self::CheckOut(n) => write!(out, "check-out-b{n}"),
            Self::NoShow(n) => write!(out, "no-show-b{n}"),
            Self::AutoDecline => write!(out, "auto-decline"),
            Self::Expire(n) => write!(out, "expire-r{n}"),
            Self::Hold(true) => write!(out, "hold"),
            Self::Hold(false) => write!(out, "hold-no-more"),
            Self::Merge(n) => write!(out, "merge-g{n}"),
            Self::Archive(n) => write!(out, "archive-g{n}"),
            Self::Of(act) => act.fmt(out),
            Self::Resolve(n, choice) => write!(out, "{}-r{n}", named(*choice)),
            Self::ResolveBooking(n, choice) => write!(out, "{}-b{n}", named(*choice)),
            Self::ResolveRange(n, choice) => write!(out, "{}-i{n}", named(*choice)),
        }
    }
}

impl Call {
    /// Whether the model knows what it does.
    pub fn is_described(self) -> bool {
        !matches!(
            self,
            Self::Resolve(..)
                | Self::ResolveBooking(..)
                | Self::ResolveRange(..)
                | Self::NoShow(_)
                | Self::Merge(_)
                | Self::Archive(_)
                | Self::Of(_)
        )
    }
}

fn named(choice: Choice) -> String {
    choice.as_str_name().trim_start_matches("RESOLUTION_CHOICE_").to_lowercase()
}

impl FromStr for Call {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbered = |n: u8| {
            let of_request = [Self::Approve(n), Self::Decline(n), Self::Review(n), Self::Cancel(n)];
            let of_booking = [Self::CancelBooking(n), Self::CheckIn(n), Self::CheckOut(n), Self::NoShow(n)];
            let resolved = CHOICES.into_iter().flat_map(move |choice| {
                [Self::Resolve(n, choice), Self::ResolveBooking(n, choice), Self::ResolveRange(n, choice)]
            });
            of_request.into_iter().chain(of_booking).chain(resolved).chain([
                Self::Unblock(n),
                Self::Expire(n),
                Self::Merge(n),
                Self::Archive(n),
            ])
        };
        let plain = [Self::Create, Self::Book, Self::Block, Self::AutoDecline];
        let plain = plain.into_iter().chain([Self::Hold(true), Self::Hold(false)]);
        let mut all = (1..=3).flat_map(numbered).chain(plain).chain(PERSON_CALLS.map(Self::Of));
        all.find(|call| call.to_string() == text).ok_or_else(|| format!("there is no call {text}"))
    }
}

impl fmt::Display for OfPerson {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Refresh => "refresh",
            Self::RefreshFirst => "refresh-first",
            Self::Login => "login",
            Self::Logout => "logout",
            Self::LogoutEverywhere => "logout-everywhere",
            Self::Revoke => "revoke",
            Self::ChangePassword => "change-password",
            Self::Disable => "disable",
            Self::RemoveMember => "remove-member",
            Self::UseKey => "use-key",
            Self::RotateKey => "rotate-key",
            Self::RevokeKey => "revoke-key",
            Self::RotateSigningKey => "rotate-signing-key",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_as_it_is_written() {
        for call in [
            Call::Approve(2),
            Call::CancelBooking(1),
            Call::Create,
            Call::Expire(1),
            Call::Hold(false),
            Call::Merge(3),
        ] {
            assert_eq!(call.to_string().parse(), Ok(call));
        }
        assert!("approve".parse::<Call>().is_err());
    }
}
