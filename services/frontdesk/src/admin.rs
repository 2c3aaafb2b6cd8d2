//! Operator commands on users, tenants, members and keys, straight on the
//! database that `DATABASE_URL` names. Running one twice changes nothing more.

use clap::{Args, Subcommand, ValueEnum};
use identity::operator::{
    ApiKey, ApiKeyId, Member, NewApiKey, NewUser, Operator, Rotated, SigningKey, Tenant, TenantId, User,
    UserId, UserKind, WithSecret,
};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::roles::{master_key, open};
use crate::{Failure, migrate};

/// Most rows that a list reads at a time.
const PAGE: i64 = 200;

#[derive(Debug, Args)]
pub struct Output {
    /// Prints JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    Person,
    Service,
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Creates a user; an existing one stays as it is. The password is read from
    /// `NEW_PASSWORD` or `NEW_PASSWORD_FILE`; without one the user cannot sign in.
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
    /// Sets the password in `NEW_PASSWORD` or `NEW_PASSWORD_FILE` and ends the
    /// user's sessions.
    Password {
        /// E-mail address.
        email: String,
    },
    /// Disables a user and ends its sessions.
    Disable {
        /// E-mail address.
        email: String,
    },
    /// Lets a disabled user sign in again.
    Enable {
        /// E-mail address.
        email: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Creates a tenant; an existing one stays as it is.
    Create {
        /// Short name: letters, digits and hyphens in lower case.
        slug: String,
        /// Name shown to people; the short name when left out.
        #[arg(long)]
        name: Option<String>,
    },
    /// Lists tenants.
    List,
}

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
    },
}

#[derive(Debug, Subcommand)]
pub enum ApiKeyCommand {
    /// Creates a key and prints its secret once; a live key with this name stays
    /// as it is, and its secret cannot be shown again.
    Create {
        /// Short name or id of the tenant.
        tenant: String,
        /// Name of the key.
        #[arg(long)]
        name: String,
        /// A scope that the key grants by itself; repeatable.
        #[arg(long = "scope")]
        scopes: Vec<String>,
    },
    /// Lists keys.
    List {
        /// Short name or id of the tenant.
        tenant: String,
    },
    /// Gives a key a new secret and prints it once.
    Rotate {
        /// Short name or id of the tenant.
        tenant: String,
        /// Id of the key.
        id: Uuid,
        /// Seconds for which the old secret goes on working.
        #[arg(long, default_value_t = 0)]
        overlap_seconds: i32,
    },
    /// Ends a key.
    Revoke {
        /// Short name or id of the tenant.
        tenant: String,
        /// Id of the key.
        id: Uuid,
    },
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Lists the signing keys that are published.
    List,
    /// Takes the next step of a rotation: publishes a new key, or, when that has
    /// been public for ten minutes, lets it sign.
    Rotate {
        /// Lets the new key sign at once; for a key that has leaked.
        #[arg(long)]
        now: bool,
    },
}

pub async fn user(command: UserCommand, output: Output) -> Result<(), Failure> {
    let admin = admin().await?;
    match command {
        UserCommand::Create { email, name, kind, platform_scopes } => {
            let kind = match kind {
                Kind::Person => UserKind::Person,
                Kind::Service => UserKind::Service,
            };
            let password = boot::Settings::new().optional_secret("NEW_PASSWORD").map(Zeroizing::new);
            let wanted = NewUser {
                id: UserId(Uuid::now_v7()),
                email,
                display_name: name,
                kind,
                password,
                platform_scopes,
            };
            let made = admin.ensure_user(wanted).await.map_err(failed)?;
            talk(made.created, "user");
            print(&output, user_json(&made.value), &made.value.id.to_string());
        }
        UserCommand::List => {
            let mut after = (String::new(), UserId::default());
            loop {
                let page = admin.list_users((&after.0, after.1), PAGE).await.map_err(failed)?;
                for user in &page {
                    print(&output, user_json(user), &format!("{} {}", user.id, user.email));
                }
                let Some(last) = page.last() else { return Ok(()) };
                after = (last.email.clone(), last.id);
            }
        }
        UserCommand::Password { email } => {
            let mut settings = boot::Settings::new();
            let password = settings.secret("NEW_PASSWORD", "the new password");
            let password = settings.finish(password).map_err(Failure::new)?;
            let ended = admin.set_password(&email, Zeroizing::new(password)).await.map_err(failed)?;
            print(
                &output,
                json!({"ended_sessions": ended}),
                &format!("password set, {ended} sessions ended"),
            );
        }
        UserCommand::Disable { email } => {
            let user = admin.disable_user(&email).await.map_err(failed)?;
            print(&output, user_json(&user), &user.id.to_string());
        }
        UserCommand::Enable { email } => {
            let user = admin.enable_user(&email).await.map_err(failed)?;
            print(&output, user_json(&user), &user.id.to_string());
        }
    }
    Ok(())
}

pub async fn tenant(command: TenantCommand, output: Output) -> Result<(), Failure> {
    let admin = admin().await?;
    match command {
        TenantCommand::Create { slug, name } => {
            let name = name.unwrap_or_else(|| slug.clone());
            let made = admin.ensure_tenant(TenantId(Uuid::now_v7()), &slug, &name).await.map_err(failed)?;
            talk(made.created, "tenant");
            print(&output, tenant_json(&made.value), &made.value.id.to_string());
        }
        TenantCommand::List => {
            let mut after = (String::new(), TenantId::default());
            loop {
                let page = admin.list_tenants((&after.0, after.1), PAGE).await.map_err(failed)?;
                for tenant in &page {
                    print(
                        &output,
                        tenant_json(tenant),
                        &format!("{} {} {}", tenant.id, tenant.slug, tenant.name),
                    );
                }
                let Some(last) = page.last() else { return Ok(()) };
                after = (last.slug.clone(), last.id);
            }
        }
    }
    Ok(())
}

pub async fn member(command: MemberCommand, output: Output) -> Result<(), Failure> {
    let admin = admin().await?;
    match command {
        MemberCommand::Create { tenant, email, role } => {
            let tenant = admin.tenant(&tenant).await.map_err(failed)?.id;
            let made = admin.ensure_member(tenant, &email, &role).await.map_err(failed)?;
            talk(made.created, "member");
            print(&output, member_json(&made.value), &format!("{} {}", made.value.user.id, made.value.role));
        }
        MemberCommand::List { tenant } => {
            let tenant = admin.tenant(&tenant).await.map_err(failed)?.id;
            let mut after = (String::new(), UserId::default());
            loop {
                let page = admin.list_members(tenant, (&after.0, after.1), PAGE).await.map_err(failed)?;
                for member in &page {
                    let Member { user, role, .. } = member;
                    print(&output, member_json(member), &format!("{} {} {role}", user.id, user.email));
                }
                let Some(last) = page.last() else { return Ok(()) };
                after = (last.user.email.clone(), last.user.id);
            }
        }
        MemberCommand::Remove { tenant, email } => {
            let tenant = admin.tenant(&tenant).await.map_err(failed)?.id;
            admin.remove_member(tenant, &email).await.map_err(failed)?;
            eprintln!("the user is not a member any more");
        }
    }
    Ok(())
}

pub async fn api_key(command: ApiKeyCommand, output: Output) -> Result<(), Failure> {
    let admin = admin().await?;
    match command {
        ApiKeyCommand::Create { tenant, name, scopes } => {
            let tenant = admin.tenant(&tenant).await.map_err(failed)?.id;
            let (id, wanted) = (ApiKeyId(Uuid::now_v7()), NewApiKey { name, scopes, expires_at: None });
            let ensured = admin.ensure_api_key(tenant, id, wanted, Timestamp::now()).await;
            let (key, secret) = ensured.map_err(failed)?;
            talk(secret.is_some(), "key");
            if secret.is_none() {
                eprintln!("its secret cannot be shown again; `frontdesk api-key rotate` makes a new one");
            }
            print_secret(&output, &key, secret);
        }
        ApiKeyCommand::List { tenant } => {
            let tenant = admin.tenant(&tenant).await.map_err(failed)?.id;
            for key in admin.list_api_keys(tenant).await.map_err(failed)? {
                let state = if key.revoked_at.is_some() { "revoked" } else { "live" };
                print(&output, key_json(&key), &format!("{} {state} {}", key.id, key.name));
            }
        }
        ApiKeyCommand::Rotate { tenant, id, overlap_seconds } => {
            let tenant = admin.tenant(&tenant).await.map_err(failed)?.id;
            let rotated = admin.rotate_api_key(tenant, ApiKeyId(id), overlap_seconds).await;
            let WithSecret { key, secret } = rotated.map_err(failed)?;
            print_secret(&output, &key, Some(secret));
        }
        ApiKeyCommand::Revoke { tenant, id } => {
            let tenant = admin.tenant(&tenant).await.map_err(failed)?.id;
            admin.revoke_api_key(tenant, ApiKeyId(id)).await.map_err(failed)?;
            eprintln!("the key is revoked");
        }
    }
    Ok(())
}

pub async fn keys(command: KeysCommand, output: Output) -> Result<(), Failure> {
    match command {
        KeysCommand::List => {
            for key in admin().await?.list_signing_keys(Timestamp::now()).await.map_err(failed)? {
                let SigningKey { kid, state, created_at, activated_at, retired_at, .. } = key;
                let state = state.word();
                let row = json!({
                    "kid": kid, "state": state, "created_at": created_at,
                    "activated_at": activated_at, "retired_at": retired_at,
                });
                print(
                    &output,
                    row,
                    &format!("{kid} {state} since {}", retired_at.or(activated_at).unwrap_or(created_at)),
                );
            }
        }
        KeysCommand::Rotate { now } => {
            let mut settings = boot::Settings::new();
            let master_key = master_key(&mut settings);
            let master_key = settings.finish(master_key).map_err(Failure::new)?;
            let rotated = admin().await?.rotate_signing_key(&master_key, now).await.map_err(failed)?;
            let (kid, step, usable_at) = match rotated {
                Rotated::Published { kid, usable_at } => (kid, "published", Some(usable_at)),
                Rotated::TooEarly { kid, usable_at } => (kid, "too_early", Some(usable_at)),
                Rotated::Activated { kid } => (kid, "activated", None),
            };
            if let Some(at) = usable_at {
                eprintln!(
                    "the key is public; run this again after {at} to let it sign, or leave that to the schedule"
                );
            }
            print(
                &output,
                json!({"kid": kid, "step": step, "usable_at": usable_at}),
                &format!("{kid} {step}"),
            );
        }
    }
    Ok(())
}

async fn admin() -> Result<Operator, Failure> {
    let mut settings = boot::Settings::new();
    let url = settings.secret("DATABASE_URL", "the database");
    let url = settings.finish(url).map_err(Failure::new)?;
    migrate::check(&url, &identity::MIGRATIONS).await?;
    Operator::new(&open(url, identity::ROLE, "frontdesk-admin", 1)?).map_err(failed)
}

fn talk(created: bool, thing: &str) {
    if created {
        eprintln!("{thing} created");
    } else {
        eprintln!("the {thing} existed already");
    }
}

fn print(output: &Output, json: Json, text: &str) {
    if output.json { println!("{json}") } else { println!("{text}") }
}

fn print_secret(output: &Output, key: &ApiKey, secret: Option<String>) {
    let text = secret.clone().unwrap_or_else(|| key.id.to_string());
    let mut json = key_json(key);
    json["secret"] = secret.into();
    print(output, json, &text);
}

fn user_json(user: &User) -> Json {
    let User { id, email, display_name, kind, created_at, disabled_at } = user;
    json!({
        "id": id.0, "email": email, "display_name": display_name, "kind": kind.word(),
        "created_at": created_at, "disabled_at": disabled_at,
    })
}

fn tenant_json(tenant: &Tenant) -> Json {
    let Tenant { id, slug, name, created_at } = tenant;
    json!({"id": id.0, "slug": slug, "name": name, "created_at": created_at})
}

fn member_json(member: &Member) -> Json {
    let Member { user, role, since } = member;
    json!({"user": user_json(user), "role": role, "created_at": since})
}

fn key_json(key: &ApiKey) -> Json {
    let ApiKey { id, name, scopes, created_at, expires_at, revoked_at, last_used_at, previous_expires_at } =
        key;
    json!({
        "id": id.0, "name": name, "scopes": scopes, "created_at": created_at, "expires_at": expires_at,
        "revoked_at": revoked_at, "last_used_at": last_used_at, "previous_secret_expires_at": previous_expires_at,
    })
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(error)
}
