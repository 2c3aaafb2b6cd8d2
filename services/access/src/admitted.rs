//! Callers, made of the token that was sent and of what identity says of it.

use std::sync::Arc;

use crate::authority::Resolution;
use crate::caller::{Caller, TenantId, User};
use crate::keys::Verified;
use crate::kind::TokenKind;
use crate::proof::{Proof, SecondFactor};

impl Verified {
    /// What a token stands for, if it is ours.
    pub(crate) fn stands_for(&self) -> Option<TokenKind> {
        match self {
            Self::Ours(claims) => claims.kind(),
            Self::Foreign(_) => None,
        }
    }
}

impl Caller {
    /// The caller of a method, by its token and by what identity says.
    pub(crate) fn of(verified: Option<&Verified>, resolution: &Resolution, method: &Arc<str>) -> Self {
        let claims = match verified {
            Some(Verified::Ours(claims)) => Some(&**claims),
            Some(Verified::Foreign(_)) | None => None,
        };
        let stands_for = verified.and_then(Verified::stands_for);
        let own = claims.filter(|_| stands_for == Some(TokenKind::User));
        Self {
            user: own.map(User::from).or(resolution.user),
            tenant: resolution.tenant.map(TenantId::new),
            closed: resolution.closed,
            scopes: Arc::clone(&resolution.scopes),
            role: Arc::clone(&resolution.role),
            role_scopes: Arc::clone(&resolution.role_scopes),
            operator: resolution.operator,
            api_key_id: resolution.api_key_id,
            acting: stands_for.and_then(TokenKind::acting),
            issuer: resolution.issuer.clone(),
            marks: Arc::clone(&resolution.marks),
            until: resolution.until,
            second_factor: resolution.second_factor,
            // Whoever acts for a user has proved what the user had.
            proof: claims.map_or(resolution.proof, Proof::from),
            method: Arc::clone(method),
        }
    }

    /// Whoever calls a method that is open to all.
    pub(crate) fn nobody(method: &Arc<str>) -> Self {
        Self {
            user: None,
            tenant: None,
            closed: None,
            scopes: Arc::default(),
            role: Arc::default(),
            role_scopes: Arc::default(),
            operator: false,
            api_key_id: None,
            acting: None,
            issuer: None,
            marks: Arc::default(),
            until: None,
            second_factor: SecondFactor::default(),
            proof: Proof::default(),
            method: Arc::clone(method),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_the_lists_of_what_identity_said_and_no_copies() {
        let resolution = Resolution {
            scopes: ["bookings:view".to_owned()].into(),
            role: "clerk".into(),
            role_scopes: ["bookings:view".to_owned()].into(),
            marks: [[7; 16]].into(),
            ..Resolution::default()
        };
        let caller = Caller::of(None, &resolution, &"/x/Y".into());
        assert!(Arc::ptr_eq(&caller.scopes, &resolution.scopes));
        assert!(Arc::ptr_eq(&caller.role, &resolution.role));
        assert!(Arc::ptr_eq(&caller.role_scopes, &resolution.role_scopes));
        assert!(Arc::ptr_eq(&caller.marks, &resolution.marks));
    }
}
