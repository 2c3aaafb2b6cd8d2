//! `frontdesk user`.

use std::str::FromStr;

use boot::{Form, Setting, Settings, Unset};
use clap::{Subcommand, ValueEnum};
use identity::operator::{
    LinkedSubject, NewUser, Operator, Reset, User, UserId, UserKind, problem_of_password,
};
use identity::{MasterKey, PasswordCost};
use serde_json::{Value as Json, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::output::{Output, say_created};
use super::{PAGE, open, open_compared, open_to_write};
use crate::Failure;
use crate::settings::Source;

static NEW_PASSWORD: Setting = Setting {
    name: "NEW_PASSWORD",
    form: Form::Described("8 to 256 characters"),
    unset: Unset::Means("none: the user cannot sign in"),
    example: "correct horse battery staple",
    meaning: "The password that a user gets.",
    secret: true,
};

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    Person,
    Service,
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Creates a user; an existing one stays as it is.
    Create {
        /// E-mail address.
        email: String,
        /// Name shown to people.
        #[arg(long, default_value = "")]
        name: String,
        /// Person or service account.
        #[arg(long, value_enum, default_value = "person")]
        kind: Kind,
        /// A scope held outside tenants, for example platform:operate; repeatable.
        #[arg(long = "platform-scope")]
        platform_scopes: Vec<String>,
    },
    /// Lists users.
    List,
    /// Sets a new password and ends the user's sessions.
    Password {
        /// E-mail address.
        email: String,
    },
    /// Gives a user scopes held outside tenants.
    Grant {
        /// E-mail address.
        email: String,
        /// For example platform:operate; repeatable.
        #[arg(long = "platform-scope", required = true)]
        platform_scopes: Vec<String>,
    },
    /// Takes scopes held outside tenants from a user.
    Revoke {
        /// E-mail address.
        email: String,
        /// For example platform:operate; repeatable.
        #[arg(long = "platform-scope", required = true)]
        platform_scopes: Vec<String>,
    },
    /// Removes the second factors of a user who has lost them, and ends its sessions.
    ResetFactors {
        /// E-mail address.
        email: String,
    },
    /// Disables a user and ends its sessions.
    Disable {
        /// E-mail address.
        email: String,
        /// Also where a tenant has no other owner who can sign in.
        #[arg(long)]
        even_if_last_owner: bool,
    },
    /// Lets a disabled user sign in again.
    Enable {
        /// E-mail address.
        email: String,
    },
    /// Makes a subject of a trusted issuer this user.
    Link {
        /// E-mail address.
        email: String,
        /// The issuer, as its tokens have it in `iss`.
        #[arg(long)]
        issuer: String,
        /// The subject, as they have it in `sub`.
        #[arg(long)]
        subject: String,
    },
    /// Ends the link of a subject.
    Unlink {
        /// The issuer, as its tokens have it in `iss`.
        #[arg(long)]
        issuer: String,
        /// The subject, as they have it in `sub`.
        #[arg(long)]
        subject: String,
    },
    /// Lists the subjects that a user is linked to.
    Links {
        /// E-mail address.
        email: String,
    },
}

/// A password that may be set.
struct NewPassword(Zeroizing<String>);

/// A password that may not, and why.
#[derive(Debug, thiserror::Error)]
#[error("it {0}")]
struct NotAPassword(String);

impl FromStr for NewPassword {
    type Err = NotAPassword;

    fn from_str(text: &str) -> Result<Self, NotAPassword> {
        match problem_of_password(text) {
            None => Ok(Self(Zeroizing::new(text.to_owned()))),
            Some(problem) => Err(NotAPassword(problem)),
        }
    }
}

/// A password, and with what it is hashed and stored.
pub struct Hashing<P> {
    url: String,
    master_key: Option<MasterKey>,
    cost: PasswordCost,
    password: P,
}

impl<P> Hashing<P> {
    fn read(settings: &mut Settings, password: impl FnOnce(&mut Settings) -> Option<P>) -> Option<Self> {
        let (database, cost) = (super::read(settings), identity::read_password_cost(settings));
        let password = password(settings);
        let (url, master_key) = database?;
        Some(Self { url, master_key, cost: cost?, password: password? })
    }

    async fn open(self) -> Result<(Operator, P), Failure> {
        let Self { url, master_key, cost, password } = self;
        let operator = Box::pin(open_compared(url, master_key.as_ref())).await?;
        Ok((operator.hashing_at(cost).map_err(Failure::new)?, password))
    }
}

/// The database, and the password if there is one.
pub fn read_create(settings: &mut Settings) -> Option<Hashing<Option<Zeroizing<String>>>> {
    let password = |settings: &mut Settings| settings.if_set::<NewPassword>(&NEW_PASSWORD);
    Hashing::read(settings, |settings| Some(password(settings).map(|password| password.0)))
}

/// The database and the password.
pub fn read_password(settings: &mut Settings) -> Option<Hashing<Zeroizing<String>>> {
    let password = |settings: &mut Settings| settings.needed::<NewPassword>(&NEW_PASSWORD);
    Hashing::read(settings, |settings| password(settings).map(|password| password.0))
}

pub async fn run(source: &Source, command: UserCommand, output: Output) -> Result<(), Failure> {
    match command {
        UserCommand::Create { email, name, kind, platform_scopes } => {
            let (operator, password) = Box::pin(source.read(read_create)?.open()).await?;
            let kind = match kind {
                Kind::Person => UserKind::Person,
                Kind::Service => UserKind::Service,
            };
            let id = UserId(Uuid::now_v7());
            let wanted = NewUser { id, email, display_name: name, kind, password, platform_scopes };
            let made = operator.ensure_user(wanted).await.map_err(Failure::new)?;
            say_created(made.created, "user");
            print(&output, &made.value)
        }
        UserCommand::List => list(source, &output).await,
        UserCommand::Password { email } => {
            let (operator, password) = Box::pin(source.read(read_password)?.open()).await?;
            let ended = operator.set_password(&email, password).await.map_err(Failure::new)?;
            output.record(&json!({"ended_sessions": ended}), &format!("password set, {ended} sessions ended"))
        }
        UserCommand::Grant { email, platform_scopes } => {
            change_scopes(source, &output, &email, &platform_scopes, &[]).await
        }
        UserCommand::Revoke { email, platform_scopes } => {
            change_scopes(source, &output, &email, &[], &platform_scopes).await
        }
        UserCommand::ResetFactors { email } => reset_factors(source, &output, &email).await,
        UserCommand::Disable { email, even_if_last_owner } => {
            let disabled = open_to_write(source).await?.disable_user(&email, even_if_last_owner).await;
            print(&output, &disabled.map_err(Failure::new)?)
        }
        UserCommand::Link { email, issuer, subject } => {
            let linked = open_to_write(source).await?.link_user(&email, &issuer, &subject).await;
            let User { id, .. } = linked.map_err(Failure::new)?;
            let json = json!({"user_id": id.to_string(), "issuer": issuer, "subject": subject});
            output.record(&json, &format!("{subject} of {issuer} is {email}"))
        }
        UserCommand::Unlink { issuer, subject } => {
            open_to_write(source).await?.unlink_user(&issuer, &subject).await.map_err(Failure::new)?;
            let json = json!({"issuer": issuer, "subject": subject});
            output.record(&json, &format!("{subject} of {issuer} is nobody"))
        }
        UserCommand::Links { email } => {
            for link in open(source).await?.list_user_links(&email).await.map_err(Failure::new)? {
                let LinkedSubject { of, created_at } = link;
                let json = json!({"issuer": of.issuer, "subject": of.subject, "created_at": created_at});
                output.record(&json, &format!("{of} since {created_at}"))?;
            }
            Ok(())
        }
        UserCommand::Enable { email } => {
            print(&output, &open_to_write(source).await?.enable_user(&email).await.map_err(Failure::new)?)
        }
    }
}

async fn reset_factors(source: &Source, output: &Output, email: &str) -> Result<(), Failure> {
    let reset = open_to_write(source).await?.reset_factors(email).await.map_err(Failure::new)?;
    let Reset { factors, sessions } = reset;
    let json = json!({"removed_factors": factors, "ended_sessions": sessions});
    output.record(&json, &format!("{factors} factors removed, {sessions} sessions ended"))
}

async fn change_scopes(
    source: &Source,
    output: &Output,
    email: &str,
    given: &[String],
    taken: &[String],
) -> Result<(), Failure> {
    let changed = open_to_write(source).await?.change_platform_scopes(email, given, taken).await;
    let scopes = changed.map_err(Failure::new)?;
    output.record(&json!({"platform_scopes": scopes}), &scopes.join(" "))
}

async fn list(source: &Source, output: &Output) -> Result<(), Failure> {
    let operator = open(source).await?;
    let mut after = (String::new(), UserId::default());
    loop {
        let page = operator.list_users((&after.0, after.1), PAGE).await.map_err(Failure::new)?;
        for user in &page {
            output.record(&to_json(user), &format!("{} {}", user.id, user.email))?;
        }
        let Some(last) = page.last() else { return Ok(()) };
        after = (last.email.clone(), last.id);
    }
}

fn print(output: &Output, user: &User) -> Result<(), Failure> {
    output.record(&to_json(user), &user.id.to_string())
}

/// A user as JSON.
pub fn to_json(user: &User) -> Json {
    let User { id, email, display_name, kind, created_at, disabled_at, email_confirmed_at } = user;
    json!({
        "id": id.0, "email": email, "display_name": display_name, "kind": kind.word(),
        "created_at": created_at, "disabled_at": disabled_at, "email_confirmed_at": email_confirmed_at,
    })
}
