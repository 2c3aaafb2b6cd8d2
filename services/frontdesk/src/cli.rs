//! The command line. Results go to stdout, talk to stderr.

use clap::{Parser, Subcommand};

use crate::{Failure, admin, dev, doctor, migrate, roles, smoke, token};

/// Identity and booking for rental platforms: gRPC services and an HTTP gateway.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts everything for development: Postgres, demo data, all services.
    Dev(dev::DevArgs),
    /// Prints `export` lines for a shell, from a running `frontdesk dev`.
    Env(dev::EnvArgs),
    /// Runs the identity service; settings come from the environment.
    Identity,
    /// Runs the booking service; settings come from the environment.
    Booking,
    /// Runs the gateway; settings come from the environment.
    Gateway,
    /// Brings the database up to date, or says what it lacks.
    Migrate {
        #[command(subcommand)]
        command: migrate::MigrateCommand,
    },
    /// Creates and changes users; works on `DATABASE_URL` itself.
    User {
        #[command(subcommand)]
        command: admin::UserCommand,
        #[command(flatten)]
        output: admin::Output,
    },
    /// Creates and lists tenants; works on `DATABASE_URL` itself.
    Tenant {
        #[command(subcommand)]
        command: admin::TenantCommand,
        #[command(flatten)]
        output: admin::Output,
    },
    /// Gives users roles in tenants; works on `DATABASE_URL` itself.
    Member {
        #[command(subcommand)]
        command: admin::MemberCommand,
        #[command(flatten)]
        output: admin::Output,
    },
    /// Creates, rotates and revokes API keys; works on `DATABASE_URL` itself.
    ApiKey {
        #[command(subcommand)]
        command: admin::ApiKeyCommand,
        #[command(flatten)]
        output: admin::Output,
    },
    /// Lists and rotates the keys that sign tokens; works on `DATABASE_URL` itself.
    Keys {
        #[command(subcommand)]
        command: admin::KeysCommand,
        #[command(flatten)]
        output: admin::Output,
    },
    /// Checks a deployment: database, schema, keys, services.
    Doctor(doctor::DoctorArgs),
    /// Runs the runbook's six checks of approving and declining; approves one request.
    Smoke(smoke::SmokeArgs),
    /// Prints the OpenAPI document of the REST surface.
    Openapi,
    /// Says what browsers may do.
    Cors {
        #[command(subcommand)]
        command: CorsCommand,
    },
    /// Works with access tokens.
    Token {
        #[command(subcommand)]
        command: token::TokenCommand,
    },
}

#[derive(Debug, Subcommand)]
enum CorsCommand {
    /// Says whether pages of an origin may call, by `ALLOWED_ORIGINS`, and why;
    /// exit code 1 if they may not.
    Explain {
        /// Where the page is from, as scheme://host:port
        #[arg(long)]
        origin: String,
    },
}

/// Runs the command that the arguments ask for.
pub async fn run() -> Result<(), Failure> {
    match Cli::parse().command {
        Command::Dev(args) => dev::run(args).await,
        Command::Env(args) => dev::print_env(&args),
        Command::Identity => roles::identity().await,
        Command::Booking => roles::booking().await,
        Command::Gateway => roles::gateway().await,
        Command::Migrate { command } => migrate::run(command).await,
        Command::User { command, output } => admin::user(command, output).await,
        Command::Tenant { command, output } => admin::tenant(command, output).await,
        Command::Member { command, output } => admin::member(command, output).await,
        Command::ApiKey { command, output } => admin::api_key(command, output).await,
        Command::Keys { command, output } => admin::keys(command, output).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Smoke(args) => smoke::run(args).await,
        Command::Openapi => openapi(),
        Command::Cors { command: CorsCommand::Explain { origin } } => explain_origin(&origin),
        Command::Token { command } => token::run(command).await,
    }
}

fn openapi() -> Result<(), Failure> {
    let document = gateway::openapi().map_err(Failure::new)?;
    println!("{document:#}");
    Ok(())
}

fn explain_origin(origin: &str) -> Result<(), Failure> {
    let mut settings = boot::Settings::new();
    let origins = settings.or("ALLOWED_ORIGINS", gateway::Origins::default());
    let origins = settings.finish(origins).map_err(Failure::new)?;
    let (allowed, text) = origins.explain(origin);
    if allowed {
        println!("{text}");
        return Ok(());
    }
    Err(Failure::new(text))
}
