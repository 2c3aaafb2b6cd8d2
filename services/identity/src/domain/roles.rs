//! Roles: the built-in ones, which are the same in every tenant, and those that a
//! tenant made.

use super::scopes::TENANT_SCOPES;

/// Most roles that a tenant makes.
pub const MOST_OWN_ROLES: i64 = 100;

/// A role in a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The same in every tenant.
    BuiltIn(BuiltIn),
    /// Of one tenant.
    Own(OwnRole),
}

/// A role that a tenant made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRole {
    /// Its name, unique in the tenant.
    pub name: String,
    /// The scopes it grants, sorted.
    pub scopes: Vec<String>,
}

/// A built-in role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuiltIn {
    /// Everything in the tenant.
    Owner,
    /// Everything but API keys, members and the tenant itself.
    Manager,
    /// Looks at everything, knows the guests and creates requests for them.
    Agent,
    /// Looks at everything.
    Viewer,
}

impl Role {
    /// A role as it is stored: a name, and the scopes that the tenant gave it if
    /// it has a role of this name. `None` for a name that is neither.
    pub fn from_stored(name: &str, own_scopes: Option<Vec<String>>) -> Option<Self> {
        match (BuiltIn::from_name(name), own_scopes) {
            (Some(role), _) => Some(Self::BuiltIn(role)),
            (None, Some(scopes)) => Some(Self::Own(OwnRole { name: name.to_owned(), scopes })),
            (None, None) => None,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::BuiltIn(role) => role.name(),
            Self::Own(role) => &role.name,
        }
    }

    /// The scopes it grants, sorted.
    pub fn scopes(&self) -> Vec<String> {
        match self {
            Self::BuiltIn(role) => role.scopes().map(str::to_owned).collect(),
            Self::Own(role) => role.scopes.clone(),
        }
    }
}

impl BuiltIn {
    /// Every built-in role, by name.
    pub const ALL: [Self; 4] = [Self::Agent, Self::Manager, Self::Owner, Self::Viewer];

    /// The role with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Agent => "agent",
            Self::Viewer => "viewer",
        }
    }

    /// The scopes it grants, sorted.
    pub fn scopes(self) -> impl Iterator<Item = &'static str> {
        TENANT_SCOPES.into_iter().filter(move |scope| self.grants(scope))
    }

    fn grants(self, scope: &str) -> bool {
        let views = scope.ends_with(":view");
        match self {
            Self::Owner => true,
            Self::Manager => !matches!(scope, "api_keys:manage" | "members:manage" | "tenant:manage"),
            Self::Agent => views || matches!(scope, "bookings:create" | "customers:manage"),
            Self::Viewer => views,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_built_in_role_grants_what_its_work_needs() {
        assert_eq!(BuiltIn::Owner.scopes().count(), TENANT_SCOPES.len());
        let manager: Vec<_> = BuiltIn::Manager.scopes().collect();
        assert!(manager.contains(&"bookings:approve") && manager.contains(&"conversations:view"));
        assert!(
            !manager
                .iter()
                .any(|scope| ["api_keys:manage", "members:manage", "tenant:manage"].contains(scope))
        );
        for of_agent in ["bookings:create", "customers:manage"] {
            assert!(BuiltIn::Agent.scopes().any(|scope| scope == of_agent));
        }
        assert!(!BuiltIn::Agent.scopes().any(|scope| scope == "bookings:approve"));
        assert!(BuiltIn::Viewer.scopes().all(|scope| scope.ends_with(":view")));
    }

    #[test]
    fn a_stored_role_is_built_in_or_of_the_tenant_or_unknown() {
        let own = Some(vec!["audit:view".to_owned()]);
        assert_eq!(Role::from_stored("owner", None), Some(Role::BuiltIn(BuiltIn::Owner)));
        assert_eq!(Role::from_stored("owner", own.clone()), Some(Role::BuiltIn(BuiltIn::Owner)));
        let auditor = Role::from_stored("auditor", own).unwrap();
        assert_eq!((auditor.name(), auditor.scopes()), ("auditor", vec!["audit:view".to_owned()]));
        assert_eq!(Role::from_stored("auditor", None), None);
    }
}
