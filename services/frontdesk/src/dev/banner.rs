//! What a running system tells people and shells.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::demo;
use super::environment::FRONTDESK_DEV_DATABASE;
use super::folder::{self, Running};
use crate::{Failure, stdout};

#[derive(Debug, Args)]
pub struct EnvArgs {
    /// Folder that was given to `frontdesk dev`.
    #[arg(long, default_value = ".frontdesk")]
    data_dir: PathBuf,
}

/// Prints `export` lines of a running system, waiting for one that starts.
pub async fn print_env(args: &EnvArgs) -> Result<(), Failure> {
    let running = folder::read_running(&args.data_dir).await?;
    stdout::text_as_it_is(exports(&running))
}

/// The folders that a start tells.
#[derive(Debug, Clone, Copy)]
pub struct Folders<'a> {
    /// The data folder, as it was given.
    pub data: &'a Path,
    /// Of a private server that keeps its data.
    pub postgres: Option<&'a Path>,
    /// Where letters are, unless a server takes them.
    pub mail: Option<&'a Path>,
}

/// The block at the end of the start.
pub fn ready(
    running: &Running,
    Folders { data: data_dir, postgres, mail }: Folders<'_>,
    migrated: usize,
    elapsed: Duration,
) -> String {
    let Running { pid: _, gateway_url, identity, booking, database_url, database_is_private: _, secrets } =
        running;
    let env = if data_dir == Path::new(".frontdesk") {
        "frontdesk env".to_owned()
    } else {
        format!("frontdesk env --data-dir {}", data_dir.display())
    };
    let env = match std::env::current_exe() {
        Ok(program) => env.replacen("frontdesk", &program.display().to_string(), 1),
        Err(_) => env,
    };
    let data = match postgres {
        Some(dir) => format!("data in {}", dir.display()),
        None => "server given by DATABASE_URL".to_owned(),
    };
    let mail = match mail {
        Some(dir) => format!("files in {}, sent to nobody", dir.display()),
        None => "sent by MAIL_SENDER".to_owned(),
    };
    let api_key = &secrets.tenant_api;
    let (tenant, manager, password) = (demo::TENANT, demo::MANAGER, demo::PASSWORD);
    format!(
        r#"
Ready in {:.1} s (for development: demo data, public password, loopback only)

  Console     {gateway_url}/
  REST        {gateway_url}/api/v1     also /v1
  gRPC-Web    {gateway_url}     also Connect and gRPC, with reflection
  Health      {gateway_url}/livez  {gateway_url}/readyz
  gRPC        {identity} (identity)  {booking} (booking), with reflection
  Postgres    {database_url}
              {data}, {migrated} migrations applied now
  Mail        {mail}

  Login       {manager}  {password}
  Tenant      {tenant}
  API key     {api_key}

Try it
  eval "$({env})"
  TOKEN=$(curl -s $API_BASE_URL/v1/auth/login -H 'content-type: application/json' \
    -d "{{\"email\":\"$MANAGER_EMAIL\",\"password\":\"$DEMO_PASSWORD\"}}" | sed 's/.*"access":"\([^"]*\)".*/\1/')
  curl -s "$API_BASE_URL/api/v1/booking-requests?status=requested" -H "Authorization: Bearer $TOKEN"
  curl -s -X POST $API_BASE_URL/api/v1/booking-requests/$DEMO_REQUESTED/approve -H "Authorization: Bearer $TOKEN"
  curl -s $API_BASE_URL/v1/customers -H "Authorization: Bearer $TOKEN" -H "X-TENANT-ID: $TENANT_ID" -H "X-TENANT-API-KEY: $TENANT_API_KEY"
  grpcurl -plaintext $BOOKING_ADDR list

Stop: Ctrl-C     Start over: frontdesk dev --reset

"#,
        elapsed.as_secs_f32()
    )
}

/// The `export` lines.
fn exports(running: &Running) -> String {
    let url = running.gateway_url.clone();
    let mut variables = vec![
        ("API_BASE_URL".to_owned(), url.clone()),
        ("SB_URL".to_owned(), url.clone()),
        // So that a service that is started beside it takes its tokens.
        ("TOKEN_ISSUER".to_owned(), url),
        ("IDENTITY_ADDR".to_owned(), running.identity.to_string()),
        ("BOOKING_ADDR".to_owned(), running.booking.to_string()),
        ("DATABASE_URL".to_owned(), running.database_url.clone()),
        ("TENANT_ID".to_owned(), demo::TENANT.to_string()),
        ("TENANT_API_KEY".to_owned(), running.secrets.tenant_api.clone()),
        ("OTHER_TENANT_ID".to_owned(), demo::OTHER_TENANT.to_string()),
        ("SUPABASE_ANON_KEY".to_owned(), running.secrets.publishable.clone()),
        ("OWNER_EMAIL".to_owned(), demo::OWNER.to_owned()),
        ("MANAGER_EMAIL".to_owned(), demo::MANAGER.to_owned()),
        ("VIEWER_EMAIL".to_owned(), demo::VIEWER.to_owned()),
        ("OPERATOR_EMAIL".to_owned(), demo::OPERATOR.to_owned()),
        ("DEMO_PASSWORD".to_owned(), demo::PASSWORD.to_owned()),
    ];
    if running.database_is_private {
        variables.push((FRONTDESK_DEV_DATABASE.name.to_owned(), running.database_url.clone()));
    }
    variables.extend(demo::CASES.map(|(case, id)| (format!("DEMO_{case}"), id.to_string())));
    variables.iter().fold(String::new(), |mut text, (name, value)| {
        // A single quote ends the quoting, so it is written outside it.
        if writeln!(text, "export {name}='{}'", value.replace('\'', r"'\''")).is_err() {
            tracing::error!(name, "a line could not be written");
        }
        text
    })
}
