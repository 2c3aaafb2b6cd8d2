//! Scopes and the built-in roles that grant them.

/// Scopes held in a tenant.
pub const TENANT_SCOPES: [&str; 13] = [
    "api_keys:manage",
    "audit:view",
    "bookings:approve",
    "bookings:create",
    "bookings:manage",
    "bookings:view",
    "conversations:view",
    "customers:view",
    "members:manage",
    "members:view",
    "properties:manage",
    "properties:view",
    "tenant:manage",
];

/// Scopes held outside tenants.
pub const PLATFORM_SCOPES: [&str; 3] = ["platform:operate", "platform:tenants", "platform:users"];

/// The platform scope that makes a user an operator, who holds every tenant
/// scope in every tenant.
pub const OPERATE: &str = "platform:operate";

/// A built-in role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything in the tenant.
    Owner,
    /// Everything but API keys, members and the tenant itself.
    Manager,
    /// Looks at everything and creates requests.
    Agent,
    /// Looks at everything.
    Viewer,
}

impl Role {
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
            Self::Agent => views || scope == "bookings:create",
            Self::Viewer => views,
        }
    }
}

/// The scopes of a role: those of a built-in one, else those the tenant gave it.
pub fn scopes(role: &str, custom: Option<&[String]>) -> Vec<String> {
    match Role::from_name(role) {
        Some(role) => role.scopes().map(str::to_owned).collect(),
        None => custom.unwrap_or_default().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_grant_what_the_design_says() {
        assert_eq!(Role::Owner.scopes().count(), TENANT_SCOPES.len());
        let manager: Vec<_> = Role::Manager.scopes().collect();
        assert!(manager.contains(&"bookings:approve") && manager.contains(&"conversations:view"));
        assert!(
            !manager
                .iter()
                .any(|scope| ["api_keys:manage", "members:manage", "tenant:manage"].contains(scope))
        );
        assert!(Role::Agent.scopes().any(|scope| scope == "bookings:create"));
        assert!(!Role::Agent.scopes().any(|scope| scope == "bookings:approve"));
        assert!(Role::Viewer.scopes().all(|scope| scope.ends_with(":view")));
        assert!(TENANT_SCOPES.is_sorted() && PLATFORM_SCOPES.is_sorted());
    }
}
