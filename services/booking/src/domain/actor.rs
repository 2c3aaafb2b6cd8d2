//! Who does something.

use uuid::Uuid;

use super::ids::{KeyId, UserId};

/// The kinds of actors, as the database writes them.
pub const KINDS: [&str; 5] = [USER, API_KEY, OPERATOR, SYSTEM, DELEGATE];
const USER: &str = "user";
const API_KEY: &str = "api_key";
const OPERATOR: &str = "operator";
const SYSTEM: &str = "system";
const DELEGATE: &str = "delegate";

/// Who does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A user, with or without an API key: what a user may do is the user's doing.
    User(UserId),
    /// A program with nothing but an API key.
    ApiKey(KeyId),
    /// A client, which is an API key, that acts for a user.
    Delegate(KeyId, UserId),
    /// A platform operator, who is a user as well; without one, whoever ran an operator
    /// command at the database.
    Operator(Option<UserId>),
    /// Frontdesk itself.
    System,
}

/// What is stored of who did something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Acting {
    /// The user behind it, if there was one: also where Frontdesk acted for somebody.
    pub user: Option<UserId>,
    /// Who did it; nobody did yet, or the version before wrote it and knew users alone.
    pub by: Option<Actor>,
}

impl Acting {
    /// Reads the user, and of the actor kind and id. The version before writes no kind,
    /// and where it decides again, another user than the id says.
    pub fn stored(user: Option<UserId>, kind: &str, id: Option<Uuid>) -> Self {
        let by = match (kind, user) {
            (OPERATOR, user) if id == user.map(|user| user.0) => Some(Actor::Operator(user)),
            (SYSTEM, _) => Some(Actor::System),
            (DELEGATE, Some(user)) if id.is_some() => id.map(|id| Actor::Delegate(KeyId(id), user)),
            (API_KEY, None) => id.map(|id| Actor::ApiKey(KeyId(id))),
            (_, user) => user.map(Actor::User),
        };
        Self { user, by }
    }
}

impl Actor {
    /// As the database writes the kind.
    pub fn kind(self) -> &'static str {
        match self {
            Self::User(_) => USER,
            Self::ApiKey(_) => API_KEY,
            Self::Delegate(..) => DELEGATE,
            Self::Operator(_) => OPERATOR,
            Self::System => SYSTEM,
        }
    }

    /// Which one, of its kind.
    pub fn id(self) -> Option<Uuid> {
        match self {
            Self::User(id) => Some(id.0),
            Self::Operator(id) => id.map(|id| id.0),
            Self::ApiKey(id) | Self::Delegate(id, _) => Some(id.0),
            Self::System => None,
        }
    }

    /// The user whose doing it is, if it is one's.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::User(user) | Self::Delegate(_, user) => Some(user),
            Self::Operator(user) => user,
            Self::ApiKey(_) | Self::System => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_comes_back_from_what_is_stored() {
        let (user, key) = (UserId(Uuid::from_u128(1)), KeyId(Uuid::from_u128(2)));
        for (actor, acting) in [
            (Actor::User(user), Some(user)),
            (Actor::Operator(Some(user)), Some(user)),
            (Actor::Operator(None), None),
            (Actor::ApiKey(key), None),
            (Actor::Delegate(key, user), Some(user)),
            (Actor::System, None),
            // On behalf of the user.
            (Actor::System, Some(user)),
        ] {
            assert_eq!(Acting::stored(acting, actor.kind(), actor.id()).by, Some(actor));
        }
    }

    #[test]
    fn what_the_version_before_wrote_is_a_user_or_nobody() {
        let (user, other) = (UserId(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
        assert_eq!(Acting::stored(None, "", None), Acting::default());
        for (kind, id) in
            [("", None), ("user", other), ("operator", other), ("operator", None), ("api_key", other)]
        {
            assert_eq!(Acting::stored(Some(user), kind, id).by, Some(Actor::User(user)), "{kind}");
        }
    }
}
