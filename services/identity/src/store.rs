//! Identity's statements, one method each, in a file per table. What they mean
//! together is decided by the changes.
//!
//! Identity's tables are read before a tenant is known, so they are outside
//! row-level security; that nobody else reads them is kept by the role of the
//! service (`migrations/identity`).

mod api_keys;
mod audit;
mod change;
mod clients;
mod constraints;
mod database;
mod factors;
mod ids;
mod invitations;
mod login_failures;
mod master_keys;
mod members;
pub mod migrated;
mod one_time_tokens;
mod outbox;
mod passkeys;
mod revocations;
mod roles;
pub mod schema;
mod sessions;
mod signing_keys;
mod tenant_purge;
mod tenants;
mod user_links;
mod users;

use std::sync::{Arc, OnceLock};

use pg::{Database, StatementError, Statements};

use crate::config::Policy;
use crate::domain::invitation::InvitationState;
use crate::domain::one_time_token::Purpose;

pub use self::change::Change;
pub use self::database::Store;
pub use self::invitations::NewInvitation;
pub use self::master_keys::Sealed;
pub use self::one_time_tokens::ConfirmedEmail;
pub use self::outbox::NewMail;
pub use self::tenant_purge::Overdue;

/// The statements over this database, for a server with this policy.
pub fn open(database: &Database, policy: Policy) -> Result<Store, StatementError> {
    Ok(Store::new(database.with(statements()?), policy))
}

/// Every statement, compiled once in a process.
pub fn statements() -> Result<Arc<Statements>, StatementError> {
    static COMPILED: OnceLock<Arc<Statements>> = OnceLock::new();
    if let Some(compiled) = COMPILED.get() {
        return Ok(Arc::clone(compiled));
    }
    let compiled = Arc::new(compile()?);
    Ok(Arc::clone(COMPILED.get_or_init(|| compiled)))
}

fn compile() -> Result<Statements, StatementError> {
    let declarations = [
        api_keys::STATEMENTS,
        audit::STATEMENTS,
        clients::STATEMENTS,
        factors::STATEMENTS,
        invitations::STATEMENTS,
        login_failures::STATEMENTS,
        master_keys::STATEMENTS,
        members::STATEMENTS,
        one_time_tokens::STATEMENTS,
        outbox::STATEMENTS,
        passkeys::STATEMENTS,
        revocations::STATEMENTS,
        roles::STATEMENTS,
        schema::STATEMENTS,
        sessions::STATEMENTS,
        signing_keys::STATEMENTS,
        tenant_purge::STATEMENTS,
        tenants::STATEMENTS,
        user_links::STATEMENTS,
        users::STATEMENTS,
    ];
    Statements::of_layout(declarations.into_iter().flatten().copied(), 0, 1, |_, text| filled(text))
}

/// A statement with the columns, parts and words that it shares with others.
fn filled(text: &str) -> String {
    let words = [
        ("{invitation.open}", InvitationState::Open.word()),
        ("{invitation.revoked}", InvitationState::Revoked.word()),
        ("{purpose.recover}", Purpose::Recover.word()),
        ("{purpose.confirm_email}", Purpose::ConfirmEmail.word()),
        ("{purpose.change_email}", Purpose::ChangeEmail.word()),
    ];
    let with_words = |text: String, (gap, word): (&str, &str)| text.replace(gap, &format!("'{word}'"));
    let text = words.into_iter().fold(text.to_owned(), with_words);
    text.replace("{memberships_of_u}", members::OF_U.trim_end())
        .replace("{member}", members::COLUMNS)
        .replace("{invitation}", invitations::COLUMNS)
        .replace("{user}", users::COLUMNS)
        .replace("{tenant}", tenants::COLUMNS)
        .replace("{api_key}", api_keys::COLUMNS)
        .replace("{factor}", factors::COLUMNS)
        .replace("{passkey}", passkeys::COLUMNS)
        .replace("{signing_key}", signing_keys::COLUMNS)
}
