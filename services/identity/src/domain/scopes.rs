//! Scopes, and the rule that nobody gives or takes what they do not hold: also
//! not by way of roles and keys. Operator commands are the exception.

use std::sync::Arc;

use super::field::InvalidField;

/// Scopes held in a tenant: those that a method asks for, and the reserved ones.
pub const TENANT_SCOPES: [&str; 14] = [
    "api_keys:manage",
    "audit:view",
    "bookings:approve",
    "bookings:create",
    "bookings:manage",
    "bookings:view",
    "conversations:view",
    "customers:manage",
    "customers:view",
    "members:manage",
    "members:view",
    "properties:manage",
    "properties:view",
    "tenant:manage",
];

/// Scopes that roles hold and no method asks for yet: customers are read with
/// `conversations:view`. Roles and keys that tenants made have them stored.
pub const RESERVED_SCOPES: [&str; 1] = ["customers:view"];

/// Scopes held outside tenants.
pub const PLATFORM_SCOPES: [&str; 3] = ["platform:operate", "platform:tenants", "platform:users"];

/// The platform scope that makes a user an operator, who holds every tenant
/// scope in every tenant.
pub const OPERATE: &str = "platform:operate";

/// The scope that lets somebody invite.
pub const MANAGE_MEMBERS: &str = "members:manage";

/// The scope that lets somebody change roles, and what a tenant asks of its members.
pub const MANAGE_TENANT: &str = "tenant:manage";

/// The scopes by which somebody can get or give all that an owner has.
pub const OWNERS_SCOPES: [&str; 3] = [MANAGE_API_KEYS, MANAGE_MEMBERS, MANAGE_TENANT];

/// The platform scope that makes tenants, with their first owners.
pub const MANAGE_TENANTS: &str = "platform:tenants";

/// The platform scope that manages users.
pub const MANAGE_USERS: &str = "platform:users";

/// The scope that lets somebody end API keys.
pub const MANAGE_API_KEYS: &str = "api_keys:manage";

/// What whoever changes something holds.
#[derive(Debug, Clone)]
pub enum Holds {
    /// These scopes.
    Scopes(Arc<[String]>),
    /// Everything: an operator command.
    Everything,
}

/// Scopes that somebody would give or take and does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("You cannot give or take scopes that you do not hold yourself: {}.", .0.join(", "))]
pub struct ScopesNotHeld(pub Vec<String>);

impl Holds {
    /// Refuses scopes that are not held.
    pub fn check<'a>(&self, scopes: impl IntoIterator<Item = &'a String>) -> Result<(), ScopesNotHeld> {
        let Self::Scopes(held) = self else { return Ok(()) };
        let missing: Vec<String> =
            scopes.into_iter().filter(|scope| !held.contains(scope)).cloned().collect();
        if missing.is_empty() { Ok(()) } else { Err(ScopesNotHeld(missing)) }
    }
}

/// Scopes that a role or key of a tenant may have, sorted, each once.
pub fn of_tenant(scopes: Vec<String>, may_be_empty: bool) -> Result<Vec<String>, InvalidField> {
    let scopes = known("scopes", scopes, &TENANT_SCOPES)?;
    if scopes.is_empty() && !may_be_empty {
        return Err(InvalidField::new("scopes", "needs at least one scope"));
    }
    Ok(scopes)
}

/// Scopes that a user may hold outside tenants, sorted, each once.
pub fn of_platform(scopes: Vec<String>) -> Result<Vec<String>, InvalidField> {
    known("platform_scopes", scopes, &PLATFORM_SCOPES)
}

fn known(field: &'static str, mut scopes: Vec<String>, known: &[&str]) -> Result<Vec<String>, InvalidField> {
    scopes.sort();
    scopes.dedup();
    if scopes.iter().any(|scope| !known.contains(&scope.as_str())) {
        return Err(InvalidField::new(field, format!("takes {}", known.join(", "))));
    }
    Ok(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gives_what_they_do_not_hold() {
        let asked = ["bookings:view".to_owned(), "tenant:manage".to_owned()];
        let holds = Holds::Scopes(["bookings:view".to_owned()].into());
        assert_eq!(holds.check(&asked), Err(ScopesNotHeld(vec!["tenant:manage".to_owned()])));
        assert_eq!(holds.check(&asked[..1]), Ok(()));
        assert_eq!(Holds::Everything.check(&asked), Ok(()));
    }

    #[test]
    fn scopes_are_known_sorted_and_each_once() {
        assert!(TENANT_SCOPES.is_sorted() && PLATFORM_SCOPES.is_sorted());
        let scopes = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let twice = scopes(&["members:view", "audit:view", "members:view"]);
        assert_eq!(of_tenant(twice, false), Ok(scopes(&["audit:view", "members:view"])));
        assert!(of_tenant(Vec::new(), false).is_err() && of_tenant(Vec::new(), true).is_ok());
        assert!(of_tenant(scopes(&["platform:operate"]), true).is_err());
        assert!(of_platform(scopes(&["tenant:manage"])).is_err());
    }
}
