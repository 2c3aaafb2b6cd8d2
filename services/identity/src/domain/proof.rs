//! How a user has proved, in a session, to be that user.

use jiff::{SignedDuration, Timestamp};

use super::words::words;

words! {
    /// What was proved.
    pub enum Method {
        /// That the user knows the password.
        Password = "password",
        /// That the user has the app with the secret of TOTP.
        Totp = "totp",
        /// That the user has a recovery code.
        Recovery = "recovery",
        /// That the user reads the mail of the account's address.
        Link = "otp",
        /// Something that a later version knows.
        Other = "other",
    }
}

impl Method {
    /// The value of whatever word the database has.
    pub fn of_word(word: &str) -> Self {
        Self::from_word(word).unwrap_or(Self::Other)
    }
}

/// How long a session that began with a link may set a password without the one in force.
const LINK_COUNTS: SignedDuration = SignedDuration::from_mins(15);

/// One proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// Of what.
    pub by: Method,
    /// When.
    pub at: Timestamp,
}

/// What was proved in a session. Its times do not move when tokens are exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proofs {
    /// How the session began.
    pub first: Proof,
    /// The second factor that was proved last.
    pub second: Option<Proof>,
}

/// How much a session is to be believed (NIST SP 800-63B, in the words of Supabase).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assurance {
    /// One factor.
    Aal1,
    /// Two factors.
    Aal2,
}

impl Proofs {
    /// A session that begins with one proof.
    pub fn beginning(by: Method, at: Timestamp) -> Self {
        Self { first: Proof { by, at }, second: None }
    }

    /// How much the session is to be believed.
    pub fn assurance(&self) -> Assurance {
        if self.second.is_some() { Assurance::Aal2 } else { Assurance::Aal1 }
    }

    /// Whether the session began with a link a short time ago.
    pub fn is_by_link(&self, now: Timestamp) -> bool {
        self.first.by == Method::Link && now < self.first.at + LINK_COUNTS
    }

    /// The proofs, latest first.
    pub fn latest_first(&self) -> Vec<Proof> {
        let mut proofs: Vec<Proof> = self.second.into_iter().chain([self.first]).collect();
        proofs.sort_by_key(|proof| std::cmp::Reverse(proof.at));
        proofs
    }
}

impl Assurance {
    /// As the claim `aal` has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_proofs_are_two_factors_and_the_latest_comes_first() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let one = Proofs::beginning(Method::Password, at(10));
        assert_eq!((one.assurance(), one.latest_first()), (Assurance::Aal1, vec![one.first]));
        let by_link = Proofs::beginning(Method::Link, at(10));
        assert!(by_link.is_by_link(at(909)) && !by_link.is_by_link(at(910)) && !one.is_by_link(at(11)));
        let second = Proof { by: Method::Totp, at: at(20) };
        let two = Proofs { second: Some(second), ..one };
        assert_eq!((two.assurance(), two.latest_first()), (Assurance::Aal2, vec![second, one.first]));
        let proved_again = Proofs { first: Proof { at: at(30), ..one.first }, ..two };
        assert_eq!(proved_again.latest_first(), vec![proved_again.first, second]);
    }
}
