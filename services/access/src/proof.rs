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
}

/// What identity knows of a user's second factor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SecondFactor {
    /// The user has one, verified.
    pub enrolled: bool,
    /// The tenant of the call, or the platform, asks for one.
    pub asked: bool,
}

impl From<&Claims> for Proof {
    fn from(claims: &Claims) -> Self {
        let at = claims.amr.iter().map(|method| method.timestamp).max();
        Self { two_factors: claims.aal == "aal2", at }
    }
}
