//! Challenges: what a proof is for, in which session, since when. Nothing is stored of
//! one: it is known by its code, and it is over after a while.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use seal::{MacKey, MasterKey};

use super::api_key::NoRandom;
use crate::domain::factor::CHALLENGED_FOR;
use crate::domain::ids::{FactorId, SessionId};

const VERSION: u8 = 1;
const RANDOM: usize = 16;
const BODY: usize = 1 + 16 + 16 + 8 + RANDOM;
/// Longer than any challenge.
const MAX_LEN: usize = 200;
/// How far the clocks of two servers may differ.
const LEEWAY: SignedDuration = SignedDuration::from_secs(access::LEEWAY.cast_signed());

/// Makes challenges and knows them again.
#[derive(Debug, Clone)]
pub struct Challenges(MacKey);

/// What a challenge is for. Of whoever has not signed in yet, neither is known: both are nil.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// The factor that is to be proved.
    pub factor: FactorId,
    /// The session in which.
    pub session: SessionId,
}

impl Challenges {
    /// Those of a deployment.
    pub fn of(master_key: &MasterKey) -> Self {
        Self(master_key.mac_key("frontdesk challenges v1"))
    }

    /// The text of a new challenge.
    pub fn ask(&self, asked: Asked, at: Timestamp) -> Result<String, NoRandom> {
        let mut random = [0; RANDOM];
        rand::fill(&mut random).map_err(|_| NoRandom)?;
        let Asked { factor, session } = asked;
        let at = at.as_millisecond().to_be_bytes();
        let body = [&[VERSION][..], factor.0.as_bytes(), session.0.as_bytes(), &at, &random].concat();
        Ok(URL_SAFE_NO_PAD.encode([&body[..], &self.0.mac(&body)].concat()))
    }

    /// Since when a text is a challenge for this, if it is one that is not over. One that is yet
    /// to come would be taken until then, and for a while after it.
    pub fn asked_at(&self, text: &str, asked: Asked, now: Timestamp) -> Option<Timestamp> {
        let (of, at) = self.read(text)?;
        let age = now.duration_since(at);
        (of == asked && age <= CHALLENGED_FOR && age >= -LEEWAY).then_some(at)
    }

    fn read(&self, text: &str) -> Option<(Asked, Timestamp)> {
        if text.len() > MAX_LEN {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, code) = bytes.split_at_checked(BODY)?;
        if !self.0.verifies(body, code) {
            return None;
        }
        let (version, rest) = body.split_first()?;
        let (factor, rest) = rest.split_at_checked(16)?;
        let (session, rest) = rest.split_at_checked(16)?;
        let (at, _) = rest.split_first_chunk()?;
        (*version == VERSION).then_some(())?;
        let id = |bytes| uuid::Uuid::from_slice(bytes).ok();
        let asked = Asked { factor: FactorId(id(factor)?), session: SessionId(id(session)?) };
        Some((asked, Timestamp::from_millisecond(i64::from_be_bytes(*at)).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_challenge_is_taken_for_what_it_was_asked_for_and_for_a_while() {
        let challenges = Challenges::of(&MasterKey::from_text(&"ab".repeat(32)).unwrap());
        let of = |factor, session| Asked {
            factor: FactorId(Uuid::from_u128(factor)),
            session: SessionId(Uuid::from_u128(session)),
        };
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let text = challenges.ask(of(1, 2), at).unwrap();
        assert_ne!(text, challenges.ask(of(1, 2), at).unwrap(), "nobody can know it beforehand");
        assert_eq!(challenges.asked_at(&text, of(1, 2), at + CHALLENGED_FOR), Some(at));
        let late = at + CHALLENGED_FOR + SignedDuration::from_millis(1);
        assert_eq!(challenges.asked_at(&text, of(1, 2), late), None);
        assert_eq!(challenges.asked_at(&text, of(1, 2), at - LEEWAY), Some(at));
        let early = at - LEEWAY - SignedDuration::from_millis(1);
        assert_eq!(challenges.asked_at(&text, of(1, 2), early), None);
        for other in [of(2, 2), of(1, 1), Asked::default()] {
            assert_eq!(challenges.asked_at(&text, other, at), None);
        }
        for changed in [text[1..].to_owned(), format!("{text}A"), text.to_lowercase(), String::new()] {
            assert_eq!(challenges.asked_at(&changed, of(1, 2), at), None, "{changed}");
        }
    }
}
