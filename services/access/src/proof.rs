//! What a token says of how its user has proved to be that user, and what identity knows of
//! the user's second factor. What a method asks is in `step_up.rs`.

use crate::token::Claims;

/// How well, and when, a caller has proved to be its user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Proof {
    /// Whether two factors were proved: `aal2`. A token that does not say so is of one.
    pub two_factors: bool,
    /// When one was proved last, in seconds since the epoch; exchanging tokens proves
    /// nothing.
    pub at: Option<u64>,
    /// When a second factor was, in a session of ours. Whoever knows the password can make
    /// `at` new, and not this.
    pub second_at: Option<u64>,
}

/// What identity knows of a user's second factor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SecondFactor {
    /// The user has one, verified.
    pub enrolled: bool,
    /// The tenant of the call, or the platform, asks for one.
    pub asked: bool,
}

/// What a session of ours may begin with, in the words of `amr`: the password, or a link that
/// was sent by mail.
const FIRST: [&str; 2] = ["password", "otp"];

impl From<&Claims> for Proof {
    fn from(claims: &Claims) -> Self {
        let at = claims.amr.iter().map(|method| method.timestamp).max();
        let second = claims.amr.iter().filter(|method| !FIRST.contains(&&*method.method));
        let second_at = second.map(|method| method.timestamp).max();
        Self { two_factors: claims.aal == "aal2", at, second_at }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_password_and_a_link_make_no_second_proof_new() {
        let id = "0d000000-0000-7000-8000-000000000001";
        let proof = |aal: &str, amr: serde_json::Value| {
            let claims = json!({
                "iss": "i", "sub": id, "aud": "a", "exp": 9, "iat": 1, "nbf": 1, "jti": id, "typ": "access",
                "session_id": id, "generation": 1, "email": "", "role": "", "aal": aal, "amr": amr,
                "app_metadata": {}, "user_metadata": {},
            });
            Proof::from(&serde_json::from_value::<Claims>(claims).unwrap())
        };
        let method = |method: &str, at: u64| json!({"method": method, "timestamp": at});
        let (two_factors, at) = (true, Some(7));
        let of = |first: &str, second: &str| proof("aal2", json!([method(first, 7), method(second, 5)]));
        for second in ["totp", "recovery"] {
            for first in ["password", "otp"] {
                assert_eq!(of(first, second), Proof { two_factors, at, second_at: Some(5) });
            }
        }
        let one = proof("aal1", json!([method("password", 7), method("otp", 5)]));
        assert_eq!(one, Proof { two_factors: false, at, second_at: None });
        assert_eq!(proof("", json!([])), Proof::default());
    }
}
