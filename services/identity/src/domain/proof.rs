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
        /// That the user has a passkey and has unlocked it, which is two factors.
        Passkey = "passkey",
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

    /// A session that begins with a passkey: it is had, and it was unlocked.
    pub fn of_passkey(at: Timestamp) -> Self {
        let proof = Proof { by: Method::Passkey, at };
        Self { first: proof, second: Some(proof) }
    }

    /// How much the session is to be believed.
    pub fn assurance(&self) -> Assurance {
        if self.second.is_some() { Assurance::Aal2 } else { Assurance::Aal1 }
    }

    /// Whether the session began with a link a short time ago.
    pub fn is_by_link(&self, now: Timestamp) -> bool {
        self.first.by == Method::Link && now < self.first.at + LINK_COUNTS
    }

    /// Whether a passkey that is proved in the session signs in alone from then on: the session
    /// began with the password, or, of one that is made there, with a passkey that does. Passwords
    /// that are set without the one before end such sessions, so it is the password in force; with
    /// a link, which may have come to whoever reads the mail, it is none. One that ceased to sign
    /// in alone does not make up for it in a session that it may have begun itself.
    pub fn let_passkey_alone(&self, is_new: bool) -> bool {
        match self.first.by {
            Method::Password => true,
            Method::Passkey => is_new,
            Method::Totp | Method::Recovery | Method::Link | Method::Other => false,
        }
    }

    /// The proofs, latest first; one that was two factors is one.
    pub fn latest_first(&self) -> Vec<Proof> {
        let mut proofs: Vec<Proof> = self.second.into_iter().chain([self.first]).collect();
        proofs.sort_by_key(|proof| std::cmp::Reverse(proof.at));
        proofs.dedup();
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
        let passkey = Proofs::of_passkey(at(10));
        assert_eq!((passkey.assurance(), passkey.latest_first()), (Assurance::Aal2, vec![passkey.first]));
        let proved_again = Proofs { first: Proof { at: at(30), ..one.first }, ..two };
        assert_eq!(proved_again.latest_first(), vec![proved_again.first, second]);
    }

    #[test]
    fn a_passkey_signs_in_alone_after_a_proof_beside_the_password_and_a_new_one_after_another_one() {
        let (at, by) = (Timestamp::UNIX_EPOCH, Method::Totp);
        for (first, if_new, if_there) in [
            (Method::Password, true, true),
            (Method::Passkey, true, false),
            (Method::Totp, false, false),
            (Method::Recovery, false, false),
            (Method::Link, false, false),
            (Method::Other, false, false),
        ] {
            for second in [None, Some(Proof { by, at })] {
                let proofs = Proofs { second, ..Proofs::beginning(first, at) };
                let is_let = [true, false].map(|is_new| proofs.let_passkey_alone(is_new));
                assert_eq!(is_let, [if_new, if_there], "{first:?}");
            }
        }
    }
}
