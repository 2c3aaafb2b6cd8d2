//! The server: whether it takes changes, whether its clock is right, what its defaults do to
//! what is stored, and who follows it.

use std::time::{SystemTime, UNIX_EPOCH};

use boot::Finding;
use tokio_postgres::Client;

use super::ask::one_row;
use crate::Fault;
use crate::settings::{self, Found};

/// Clocks that are further apart expire tokens early.
const MAX_SKEW: f64 = 2.0;

/// Who follows a primary.
#[derive(Debug, Clone, Copy)]
struct Standbys {
    /// How many, without subscriptions, and without backups that are being made as far as that
    /// is shown.
    count: i64,
    /// Whether a commit waits for some of them.
    are_waited_for: bool,
}

pub(super) async fn findings(client: &Client, roles: &[&str]) -> Result<Vec<Finding>, Fault> {
    let query = "select current_setting('server_version'), \
        extract(epoch from clock_timestamp())::float8, pg_is_in_recovery(), \
        (select count(*) from pg_stat_replication r where r.state is distinct from 'backup' and not exists (\
            select from pg_replication_slots s where s.slot_type = 'logical' and s.active_pid = r.pid)), \
        current_setting('synchronous_standby_names') <> ''";
    let row = one_row(client, query).await?;
    let (version, now, is_standby): (String, f64, bool) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let standbys = Standbys { count: row.try_get(3)?, are_waited_for: row.try_get(4)? };
    let here = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    let skew = (here - now).abs();
    let (own, others) = (settings::look(client).await?, settings::look_at_logins(client, roles).await?);
    let of_others = others
        .iter()
        .filter_map(|found| of_setting(&format!("{version}, as {} has it", found.login), found, standbys));
    let odd = own.iter().filter_map(|found| of_setting(&version, found, standbys)).chain(of_others);
    Ok(if is_standby {
        let fix = "set DATABASE_URL to the primary; a standby takes no changes";
        Finding::bad(format!("PostgreSQL {version}, a standby"), fix).into()
    } else if skew > MAX_SKEW {
        let found = format!("PostgreSQL {version}; its clock is {skew:.1} s off this machine's");
        Finding::bad(found, "set both clocks by NTP").into()
    } else {
        let odd: Vec<Finding> = odd.chain(not_waited_for(&version, standbys)).collect();
        if odd.is_empty() { Finding::good(well(&version, standbys)).into() } else { odd }
    })
}

/// What an operator should know of a setting, if there is something.
fn of_setting(version: &str, found: &Found, standbys: Standbys) -> Option<Finding> {
    let Found { name, value, source, .. } = found;
    if found.is_unfit() {
        return Some(Finding::bad(
            format!("PostgreSQL {version}; {}, so that no service starts", found.sentence()),
            found.cure("origin"),
        ));
    }
    let is_waited_for = standbys.count > 0 && standbys.are_waited_for;
    let loses = match &**value {
        _ if !found.is_of_commits() => return None,
        "off" if found.is_of_role_or_database() => {
            "the services set it on, and what is acknowledged to other programs a crash may lose".to_owned()
        }
        "off" => "a crash loses acknowledged approvals".to_owned(),
        "local" | "remote_write" if is_waited_for && found.is_of_role_or_database() => {
            "the services set it on, and a standby that takes over may lack what is acknowledged to other programs"
                .to_owned()
        }
        "local" | "remote_write" if is_waited_for => {
            let until = if value == "local" { "sent there" } else { "on its disk" };
            format!(
                "a standby that takes over may lack acknowledged approvals: a commit does not wait until it is {until}"
            )
        }
        _ => return None,
    };
    Some(Finding::odd(
        format!("PostgreSQL {version}; {name} is {value} ({source}): {loses}"),
        found.cure("on"),
    ))
}

/// Standbys that no commit waits for, if there are any.
fn not_waited_for(version: &str, Standbys { count, are_waited_for }: Standbys) -> Option<Finding> {
    (count > 0 && !are_waited_for).then(|| {
        Finding::odd(
            format!(
                "PostgreSQL {version}; standbys: {count}, and no commit waits for one (synchronous_standby_names is \
                 empty): one that takes over may lack the last acknowledged approvals"
            ),
            "as a superuser: `alter system set synchronous_standby_names = '*'`, then `select pg_reload_conf()`; \
             where Patroni runs the server, `synchronous_mode: true` in its configuration",
        )
    })
}

/// That all is well, and that a commit waits for the standbys.
fn well(version: &str, Standbys { count, .. }: Standbys) -> String {
    let well = format!("PostgreSQL {version}, a primary, clocks agree");
    match count {
        0 => well,
        count => format!("{well}; standbys: {count}, and a commit waits as synchronous_standby_names says"),
    }
}

#[cfg(test)]
mod tests {
    use boot::State;

    use super::*;

    #[test]
    fn a_level_of_commits_is_told_where_it_loses_something() {
        for (value, source, count, told) in [
            ("on", "default", 2, None),
            ("remote_apply", "user", 2, None),
            ("off", "command line", 0, Some("a crash loses acknowledged approvals")),
            ("off", "user", 0, Some("the services set it on")),
            ("local", "database", 0, None),
            ("local", "database", 1, Some("the services set it on")),
            ("local", "configuration file", 1, Some("does not wait until it is sent there")),
            ("remote_write", "configuration file", 1, Some("does not wait until it is on its disk")),
        ] {
            let [name, login, database] = ["synchronous_commit", "l", "d"].map(str::to_owned);
            let found = Found { name, value: value.to_owned(), source: source.to_owned(), login, database };
            let finding = of_setting("15", &found, Standbys { count, are_waited_for: true });
            assert_eq!(finding.is_some(), told.is_some(), "{value} {source} {count}");
            if let (Some(Finding { state, found, fix }), Some(told)) = (finding, told) {
                assert!(state == State::Odd && found.contains(told) && !fix.is_empty(), "{found}: {fix}");
            }
        }
    }

    #[test]
    fn standbys_that_nobody_waits_for_are_told() {
        let of = |count, are_waited_for| Standbys { count, are_waited_for };
        assert!(well("15", of(0, false)).ends_with("clocks agree"));
        assert!(well("15", of(1, true)).contains("a commit waits"));
        assert!(not_waited_for("15", of(0, false)).is_none() && not_waited_for("15", of(1, true)).is_none());
        let told = not_waited_for("15", of(2, false)).unwrap();
        assert!(told.state == State::Odd && told.found.contains("may lack the last acknowledged approvals"));
        assert!(told.fix.contains("alter system set synchronous_standby_names = '*'"));
    }
}
