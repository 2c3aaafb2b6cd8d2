//! The command line. Results go to stdout, messages to stderr.

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::generate::GenerateCommand;
use crate::operator::output::Output;
use crate::operator::{api_key, customer, mail, master_key, member, property, signing_key, tenant, user};
use crate::settings::Source;
use crate::{
    Failure, cors, dev, doctor, generate, healthcheck, help, migrate, run, runbook, settings, smoke,
    statement, stdout, token, version,
};

/// Identity and booking for rental platforms: gRPC services and an HTTP gateway.
#[derive(Debug, Parser)]
#[command(version = version::TEXT, arg_required_else_help = true)]
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
    /// Runs identity, booking and gateway in one process; settings come from the environment.
    Serve,
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
        command: user::UserCommand,
        #[command(flatten)]
        output: Output,
    },
    /// Creates and lists tenants; works on `DATABASE_URL` itself.
    Tenant {
        #[command(subcommand)]
        command: tenant::TenantCommand,
        #[command(flatten)]
        output: Output,
    },
    /// Gives users roles in tenants; works on `DATABASE_URL` itself.
    Member {
        #[command(subcommand)]
        command: member::MemberCommand,
        #[command(flatten)]
        output: Output,
    },
    /// Creates, rotates and revokes API keys; works on `DATABASE_URL` itself.
    ApiKey {
        #[command(subcommand)]
        command: api_key::ApiKeyCommand,
        #[command(flatten)]
        output: Output,
    },
    /// Creates and lists properties; works on `DATABASE_URL` itself.
    Property {
        #[command(subcommand)]
        command: property::PropertyCommand,
        #[command(flatten)]
        output: Output,
    },
    /// Creates, imports and lists customers; works on `DATABASE_URL` itself.
    Customer {
        #[command(subcommand)]
        command: customer::CustomerCommand,
        #[command(flatten)]
        output: Output,
    },
    /// Lists and rotates the keys that sign tokens; works on `DATABASE_URL` itself.
    Keys {
        #[command(subcommand)]
        command: signing_key::KeysCommand,
        #[command(flatten)]
        output: Output,
    },
    /// Replaces the key that everything is sealed with, and says what is of which key; works
    /// on `DATABASE_URL` itself.
    MasterKey {
        #[command(subcommand)]
        command: master_key::MasterKeyCommand,
        #[command(flatten)]
        output: Output,
    },
    /// Lists letters that could not be delivered, and tries them again; works on
    /// `DATABASE_URL` itself.
    Mail {
        #[command(subcommand)]
        command: mail::MailCommand,
        #[command(flatten)]
        output: Output,
    },
    /// Checks a deployment: database, schema, keys, services.
    Doctor(doctor::DoctorArgs),
    /// Asks the operator port of a role on this machine whether it can do its work.
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Runs the runbook's six checks of approving and declining; approves one request.
    Smoke(smoke::SmokeArgs),
    /// Lists every setting: which variable, what it takes, who reads it.
    Settings(settings::SettingsArgs),
    /// Prints an SQL statement of a service for psql, or lists their names.
    Statement(statement::StatementArgs),
    /// Prints a page of the runbook: what an error reason means and what to do.
    Runbook(runbook::RunbookArgs),
    /// Prints the OpenAPI document of the REST surface.
    Openapi,
    /// Says what browsers may do.
    Cors {
        #[command(subcommand)]
        command: cors::CorsCommand,
    },
    /// Makes completions and manual pages, for packages.
    #[command(hide = true)]
    Generate {
        #[command(subcommand)]
        command: GenerateCommand,
    },
    /// Works with access tokens.
    Token {
        #[command(subcommand)]
        command: token::TokenCommand,
    },
}

/// The command line as it is parsed.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command that the arguments ask for.
pub async fn main() -> Result<(), Failure> {
    let matches = help::documented(command()).get_matches();
    let cli = Cli::from_arg_matches(&matches).map_err(Failure::new)?;
    let source = &Source::new(settings::every());
    match cli.command {
        Command::Dev(args) => Box::pin(dev::run(source, args)).await,
        Command::Env(args) => dev::print_env(&args).await,
        Command::Serve => Box::pin(run::serve(source)).await,
        Command::Identity => Box::pin(run::identity(source)).await,
        Command::Booking => run::booking(source).await,
        Command::Gateway => run::gateway(source).await,
        Command::Migrate { command } => migrate::run(source, command).await,
        Command::User { command, output } => Box::pin(user::run(source, command, output)).await,
        Command::Tenant { command, output } => tenant::run(source, command, output).await,
        Command::Member { command, output } => member::run(source, command, output).await,
        Command::ApiKey { command, output } => api_key::run(source, command, output).await,
        Command::Property { command, output } => property::run(source, command, output).await,
        Command::Customer { command, output } => customer::run(source, command, output).await,
        Command::Keys { command, output } => signing_key::run(source, command, output).await,
        Command::MasterKey { command, output } => master_key::run(source, command, output).await,
        Command::Mail { command, output } => mail::run(source, command, output).await,
        Command::Doctor(args) => doctor::run(source, args).await,
        Command::Healthcheck(args) => healthcheck::run(source, args).await,
        Command::Smoke(args) => smoke::run(source, args).await,
        Command::Settings(args) => settings::print(&args),
        Command::Statement(args) => statement::run(&args),
        Command::Runbook(args) => runbook::run(&args),
        Command::Openapi => openapi(),
        Command::Generate { command } => generate::run(self::command(), command),
        Command::Cors { command } => cors::run(source, command).await,
        Command::Token { command } => token::run(source, command).await,
    }
}

fn openapi() -> Result<(), Failure> {
    let document = gateway::openapi().map_err(Failure::new)?;
    stdout::text_as_it_is(document)
}
