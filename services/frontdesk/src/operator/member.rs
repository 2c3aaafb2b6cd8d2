//! `frontdesk member`.

use clap::Subcommand;
use identity::operator::{Member, UserId};
use serde_json::{Value as Json, json};

use super::output::{Output, say_created};
use super::{PAGE, api_key, open, open_to_write, user};
use crate::settings::Source;
use crate::{Failure, stderr};

#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// Makes a user a member of a tenant, or gives a member another role.
    Create {
        /// Short name or id of the tenant.
        tenant: String,
        /// E-mail address of the user.
        email: String,
        /// owner, manager, agent, viewer, or a role of the tenant.
        #[arg(long)]
        role: String,
    },
    /// Lists members.
    List {
        /// Short name or id of the tenant.
        tenant: String,
    },
    /// Removes a member.
    Remove {
        /// Short name or id of the tenant.
        tenant: String,
        /// E-mail address of the user.
        email: String,
        /// Also ends the API keys that the user made; they are listed either way.
        #[arg(long)]
        revoke_api_keys: bool,
    },
}

pub async fn run(source: &Source, command: MemberCommand, output: Output) -> Result<(), Failure> {
    match command {
        MemberCommand::Create { tenant, email, role } => {
            let operator = open_to_write(source).await?;
            let tenant = operator.tenant(&tenant).await.map_err(Failure::new)?.id;
            let made = operator.ensure_member(tenant, &email, &role).await.map_err(Failure::new)?;
            say_created(made.created, "member");
            output.record(&to_json(&made.value), &format!("{} {}", made.value.user.id, made.value.role))
        }
        MemberCommand::List { tenant } => {
            let operator = open(source).await?;
            let tenant = operator.tenant(&tenant).await.map_err(Failure::new)?.id;
            let mut after = (String::new(), UserId::default());
            loop {
                let page =
                    operator.list_members(tenant, (&after.0, after.1), PAGE).await.map_err(Failure::new)?;
                for member in &page {
                    let Member { user, role, .. } = member;
                    output.record(&to_json(member), &format!("{} {} {role}", user.id, user.email))?;
                }
                let Some(last) = page.last() else { return Ok(()) };
                after = (last.user.email.clone(), last.user.id);
            }
        }
        MemberCommand::Remove { tenant, email, revoke_api_keys } => {
            let operator = open_to_write(source).await?;
            let tenant = operator.tenant(&tenant).await.map_err(Failure::new)?.id;
            let removed = operator.remove_member(tenant, &email, revoke_api_keys).await;
            let keys = removed.map_err(Failure::new)?;
            stderr::say("the user is not a member any more");
            if !keys.is_empty() && !revoke_api_keys {
                stderr::say("the API keys that the user made go on working: --revoke-api-keys ends them");
            }
            for key in keys {
                let state = if revoke_api_keys { "revoked" } else { "live" };
                output.record(&api_key::to_json(&key), &format!("{} {state} {}", key.id, key.name))?;
            }
            Ok(())
        }
    }
}

fn to_json(member: &Member) -> Json {
    let Member { user, role, since } = member;
    json!({"user": user::to_json(user), "role": role, "created_at": since})
}
