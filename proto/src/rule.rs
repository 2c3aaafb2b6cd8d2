//! Who may call a method: the access rule in its proto, read once for whoever
//! needs it (the access layer, the OpenAPI document, the tests). Who a caller is
//! and whether it satisfies a rule is `services/access`' business.

use std::time::Duration;

use prost_reflect::{MethodDescriptor, Value};

use crate::access::v1::{AccessRule, ApiKeyRequirement, access_rule};

pub use crate::access::v1::Aal;

/// Who may call one method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Anybody.
    Public,
    /// A user token or an API key.
    AnyCredential,
    /// A user token.
    SignedIn,
    /// All of these scopes, and an API key of the tenant if required.
    Scoped {
        /// Sorted as in the proto; never empty.
        scopes: Vec<String>,
        /// Whether an API key must come along.
        api_key_required: bool,
    },
}

/// How the user of a call must have proved to be that user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepUp {
    /// How long ago at most.
    pub fresh: Option<Duration>,
    /// By how many factors.
    pub aal: Aal,
}

impl StepUp {
    /// What the rule of a method asks.
    pub fn of(method: &MethodDescriptor) -> Self {
        declared(method).map(|rule| Self::read(&rule)).unwrap_or_default()
    }

    /// Whether it asks for more than one factor, whenever it was proved.
    pub fn asks(&self) -> bool {
        self.fresh.is_some() || matches!(self.aal, Aal::IfEnrolled | Aal::Aal2)
    }

    fn read(rule: &AccessRule) -> Self {
        let fresh = rule.fresh.and_then(|fresh| Duration::try_from(fresh).ok());
        Self { fresh, aal: rule.aal() }
    }
}

fn declared(method: &MethodDescriptor) -> Option<AccessRule> {
    let extension = method.parent_pool().get_extension_by_name("frontdesk.access.v1.access")?;
    match &*method.options().get_extension(&extension) {
        Value::Message(message) => message.transcode_to().ok(),
        _ => None,
    }
}

impl Rule {
    /// The rule of a method; `None` when its proto has none, one that grants
    /// nothing, one that asks nobody for a proof that it names, or one for users that does not
    /// say how many factors it takes.
    pub fn of(method: &MethodDescriptor) -> Option<Self> {
        declared(method).and_then(Self::read)
    }

    /// Whether a method is a user's alone: nobody else calls it, whoever acts for the user.
    pub fn is_of_users_alone(method: &MethodDescriptor) -> bool {
        declared(method).is_some_and(|rule| match rule.rule {
            Some(access_rule::Rule::SignedIn(signed_in)) => !signed_in.for_others,
            _ => rule.aal() == Aal::Aal2,
        })
    }

    /// Whether the method works on one tenant's data.
    pub fn needs_tenant(&self) -> bool {
        self.scopes().iter().any(|scope| !scope.starts_with("platform:"))
    }

    /// The scopes that a caller must hold.
    pub fn scopes(&self) -> &[String] {
        match self {
            Self::Scoped { scopes, .. } => scopes,
            Self::Public | Self::AnyCredential | Self::SignedIn => &[],
        }
    }

    fn read(rule: AccessRule) -> Option<Self> {
        let is_of_users =
            matches!(rule.rule, Some(access_rule::Rule::SignedIn(_) | access_rule::Rule::Scoped(_)));
        let aal = rule.aal();
        if (rule.fresh.is_some() || aal != Aal::Unspecified) && !is_of_users {
            return None;
        }
        if rule.fresh.is_some_and(|fresh| fresh.seconds <= 0 || fresh.nanos != 0) {
            return None;
        }
        match rule.rule? {
            access_rule::Rule::Public(_) => Some(Self::Public),
            access_rule::Rule::AnyCredential(_) => Some(Self::AnyCredential),
            // Whoever adds one says what it takes: nothing said would be one factor of anybody.
            access_rule::Rule::SignedIn(_) => (aal != Aal::Unspecified).then_some(Self::SignedIn),
            access_rule::Rule::Scoped(scoped) => {
                let api_key_required = scoped.api_key() == ApiKeyRequirement::Required;
                // Without scopes it would let anybody in.
                let named = !scoped.scopes.is_empty() && scoped.scopes.iter().all(|scope| !scope.is_empty());
                // What a tenant asks holds for all that is done in it.
                (named && aal != Aal::Aal1)
                    .then_some(Self::Scoped { scopes: scoped.scopes, api_key_required })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::v1::{AnyCredential, Scoped, SignedIn};
    use crate::descriptors;

    #[test]
    fn every_method_has_a_rule() {
        let mut methods = 0;
        for service in descriptors().services() {
            for method in service.methods() {
                assert!(Rule::of(&method).is_some(), "{} has no access rule", method.full_name());
                methods += 1;
            }
        }
        assert!(methods > 50, "{methods}");
        let customers = descriptors().get_service_by_name("frontdesk.booking.v1.CustomerService").unwrap();
        let list = customers.methods().find(|method| method.name() == "ListCustomers").unwrap();
        let scopes = vec!["conversations:view".to_owned()];
        assert_eq!(Rule::of(&list), Some(Rule::Scoped { scopes, api_key_required: true }));
    }

    #[test]
    fn a_rule_that_grants_nothing_is_none() {
        assert_eq!(Rule::read(AccessRule::default()), None);
        for scopes in [vec![], vec![String::new()]] {
            let scoped = access_rule::Rule::Scoped(Scoped { scopes, ..Default::default() });
            assert_eq!(Rule::read(AccessRule { rule: Some(scoped), ..Default::default() }), None);
        }
    }

    #[test]
    fn a_proof_is_asked_of_users_and_within_a_time() {
        let fresh = |seconds, nanos| Some(prost_types::Duration { seconds, nanos });
        let user = || Some(access_rule::Rule::SignedIn(SignedIn::default()));
        let rule = AccessRule { rule: user(), fresh: fresh(300, 0), aal: Aal::Aal2.into() };
        assert_eq!(StepUp::read(&rule), StepUp { fresh: Some(Duration::from_mins(5)), aal: Aal::Aal2 });
        assert_eq!(Rule::read(rule), Some(Rule::SignedIn));
        for (seconds, nanos) in [(0, 0), (-1, 0), (1, 1)] {
            let aal = Aal::Aal1.into();
            let rule = AccessRule { rule: user(), fresh: fresh(seconds, nanos), aal };
            assert_eq!(Rule::read(rule), None, "{seconds} s and {nanos} ns");
        }
        let anybody = || Some(access_rule::Rule::AnyCredential(AnyCredential {}));
        let whose = AccessRule { rule: anybody(), fresh: fresh(300, 0), ..Default::default() };
        assert_eq!(Rule::read(whose), None);
        for aal in [Aal::Aal1, Aal::IfEnrolled, Aal::Aal2] {
            let whose = AccessRule { rule: anybody(), aal: aal.into(), ..Default::default() };
            assert_eq!(Rule::read(whose), None);
        }
    }

    #[test]
    fn a_rule_for_users_says_how_many_factors_it_takes_and_one_for_scopes_takes_no_less_than_others() {
        let user = || Some(access_rule::Rule::SignedIn(SignedIn::default()));
        let scoped = || {
            let scopes = vec!["bookings:view".to_owned()];
            Some(access_rule::Rule::Scoped(Scoped { scopes, ..Default::default() }))
        };
        for (aal, of_users, of_scopes) in [
            (Aal::Unspecified, false, true),
            (Aal::Aal1, true, false),
            (Aal::IfEnrolled, true, true),
            (Aal::Aal2, true, true),
        ] {
            let is_rule = |rule| Rule::read(AccessRule { rule, aal: aal.into(), fresh: None }).is_some();
            assert_eq!((is_rule(user()), is_rule(scoped())), (of_users, of_scopes), "{aal:?}");
            let asks = StepUp { fresh: None, aal }.asks();
            assert_eq!(asks, matches!(aal, Aal::IfEnrolled | Aal::Aal2));
        }
    }
}
