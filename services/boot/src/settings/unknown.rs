//! Variables that were meant for us and are not ours: a setting that was
//! misspelt would otherwise be ignored in silence.
//!
//! The rule has two parts. A name that starts with `FRONTDESK_` is ours alone, so
//! one that we do not know is refused. Any other name is refused only when it
//! differs from one of our settings by a slip of the fingers *and* that setting
//! is not set: by one letter, or two neighbours that changed places; in long
//! names by two. What differs in a short first word (`APP_…` and `API_…`) is
//! another name and not a slip.
//!
//! What Kubernetes and Docker write about a service or a container that is called
//! like us or like our parts is theirs, whatever it starts with.

use strsim::damerau_levenshtein as distance;

use super::Setting;

/// Names that start so are ours.
const PREFIX: &str = "FRONTDESK_";
/// Shorter names are too near to other programs' (`DB_URL` to `SB_URL`).
const SHORTEST: usize = 8;
/// From this length on two letters may be wrong.
const LONG: usize = 16;
/// Shorter first words are not misspelt but others.
const FIRST_WORD: usize = 5;
const FILE: &str = "_FILE";
/// How names end that Kubernetes and Docker make.
const INJECTED_ENDS: [&str; 4] = ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT", "_NAME"];
/// What is within names that Kubernetes and Docker make.
const INJECTED_PARTS: [&str; 2] = ["_SERVICE_PORT_", "_ENV_"];

/// The sentence about a variable that is not a setting, if it was meant as one.
/// `read` are the settings of this command, `every` those of the whole program.
pub fn complaint(
    variable: &str,
    read: &[&'static Setting],
    every: &[&'static Setting],
    is_set: impl Fn(&str) -> bool,
) -> Option<String> {
    let known = |setting: &&Setting| {
        setting.name == variable || setting.file_variable().is_some_and(|file| file == variable)
    };
    if is_injected(variable) || read.iter().any(known) || every.iter().any(known) {
        return None;
    }
    let absent = |setting: &&&Setting| {
        !is_set(setting.name) && !setting.file_variable().is_some_and(|file| is_set(&file))
    };
    let meant = read.iter().filter(absent).find_map(|setting| {
        if is_near(variable, setting.name) {
            return Some(setting.name.to_owned());
        }
        setting.file_variable().filter(|_| is_near_file(variable, setting.name))
    });
    if let Some(meant) = meant {
        return Some(format!("{variable} is not a setting of this program; did you mean {meant}?"));
    }
    variable.starts_with(PREFIX).then(|| {
        format!("{variable} is not a setting of this program; `frontdesk settings` lists them. Unset it.")
    })
}

fn is_near(variable: &str, name: &str) -> bool {
    let first_word = |name: &str| name.split('_').next().unwrap_or_default().to_owned();
    let may_differ = if name.len() < LONG { 1 } else { 2 };
    name.len() >= SHORTEST
        && (first_word(name).len() >= FIRST_WORD || first_word(name) == first_word(variable))
        && distance(variable, name) <= may_differ
}

/// Whether `name` with `_FILE` was meant: the slip is in the one or in the other.
fn is_near_file(variable: &str, name: &str) -> bool {
    variable.strip_suffix(FILE).is_some_and(|stem| is_near(stem, name))
        || variable.strip_prefix(name).is_some_and(|end| distance(end, FILE) == 1)
}

/// Whether Kubernetes or a link of Docker makes such names, of a service or of a
/// container.
fn is_injected(name: &str) -> bool {
    INJECTED_ENDS.iter().any(|end| name.ends_with(end))
        || INJECTED_PARTS.iter().any(|part| name.contains(part))
        || name.rsplit_once("_PORT_").is_some_and(|(_, port)| is_port(port))
}

/// `<digits>_<protocol>`, and which part of the address.
fn is_port(text: &str) -> bool {
    let mut words = text.split('_');
    let number = words.next().unwrap_or_default();
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let is_protocol = matches!(words.next(), Some("TCP" | "UDP" | "SCTP"));
    is_number
        && is_protocol
        && matches!(words.next(), None | Some("ADDR" | "PORT" | "PROTO"))
        && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::super::{Form, Unset};
    use super::*;

    const fn setting(name: &'static str, secret: bool) -> Setting {
        Setting { name, form: Form::Text, unset: Unset::Means("none"), example: "x", meaning: "X.", secret }
    }

    static READ: [Setting; 9] = [
        setting("DATABASE_URL", true),
        setting("DATABASE_POOL_SIZE", false),
        setting("LOGIN_LIMIT_PAIR", false),
        setting("GATEWAY_LISTEN", false),
        setting("API_BASE_URL", false),
        setting("NEW_PASSWORD", true),
        setting("SUPABASE_ANON_KEY", true),
        setting("FRONTDESK_MASTER_KEY", true),
        setting("SB_URL", false),
    ];
    static ELSEWHERE: Setting = setting("FRONTDESK_ELSEWHERE", false);

    fn said(variable: &str, set: &[&str]) -> Option<String> {
        let read: Vec<&Setting> = READ.iter().collect();
        complaint(variable, &read, &[&ELSEWHERE], |name| set.contains(&name))
    }

    #[test]
    fn a_misspelt_setting_is_named_with_what_was_meant() {
        for (variable, meant) in [
            ("DATABSE_URL", "DATABASE_URL"),
            ("DATABASE_ULR", "DATABASE_URL"),
            ("DATABASEURL", "DATABASE_URL"),
            ("DATABASE_URI", "DATABASE_URL"),
            ("DATABSE_URL_FILE", "DATABASE_URL_FILE"),
            ("DATABASE_URL_FIL", "DATABASE_URL_FILE"),
            ("DATABASE_URLFILE", "DATABASE_URL_FILE"),
            ("DATABASE_POOLSIZE", "DATABASE_POOL_SIZE"),
            ("GATEWAY_LISTEM", "GATEWAY_LISTEN"),
            ("LOGIN_LIMT_PAIR", "LOGIN_LIMIT_PAIR"),
            ("LOGIN_LIMIT_PAIRS", "LOGIN_LIMIT_PAIR"),
            ("LOGIN_LIMITS_PAIR", "LOGIN_LIMIT_PAIR"),
            ("LOGINS_LIMITS_PAIR", "LOGIN_LIMIT_PAIR"),
            ("NEW_PASWORD", "NEW_PASSWORD"),
            ("FRONTDESK_MASTERKEY", "FRONTDESK_MASTER_KEY"),
        ] {
            let said = said(variable, &[]).unwrap_or_default();
            assert!(said.contains(&format!("did you mean {meant}?")), "{variable}: {said}");
        }
        assert!(said("FRONTDESK_KEY", &[]).unwrap().contains("Unset it"));
    }

    #[test]
    fn variables_of_others_are_passed_over() {
        for variable in [
            "PATH",
            "LOG_LEVEL",
            "DATABASE_HOST",
            "DATABASE_URL_FILE",
            "DATABASE_USER_FILE",
            "DATABASE_POOL_MIN",
            "DATABASE_POOL_MAX",
            "APP_BASE_URL",
            "DB_URL",
            "DB_PASSWORD",
            "DB_PASSWORD_FILE",
            "PG_PASSWORD_FILE",
            "WEB_PASSWORD",
            "WEB_PASSWORD_FILE",
            "SUPABASE_API_KEY",
            "FRONTDESK",
            "FRONTDESK_ELSEWHERE",
        ] {
            assert_eq!(said(variable, &[]), None, "{variable}");
        }
        assert_eq!(said("DATABASE_URI", &["DATABASE_URL_FILE"]), None);
    }

    #[test]
    fn what_kubernetes_and_docker_inject_is_passed_over() {
        let names = ["FRONTDESK", "FRONTDESK_IDENTITY", "FRONTDESK_GATEWAY", "FRONTDESK_PORT", "GATEWAY"];
        for end in [
            "SERVICE_HOST",
            "SERVICE_PORT",
            "SERVICE_PORT_GRPC",
            "SERVICE_PORT_HTTP_ADMIN",
            "PORT",
            "PORT_8080_TCP",
            "PORT_8080_TCP_ADDR",
            "PORT_53_UDP_PORT",
            "PORT_3868_SCTP_PROTO",
            "NAME",
            "ENV_PATH",
        ] {
            for name in names {
                assert_eq!(said(&format!("{name}_{end}"), &[]), None, "{name}_{end}");
            }
        }
        for ours in
            ["PORT_TCP", "PORT_8080", "PORT_8080_HTTP", "PORT_8080_TCP_HOST", "PORT_80X_TCP", "SERVICE"]
        {
            assert!(said(&format!("FRONTDESK_{ours}"), &[]).is_some(), "{ours}");
        }
    }
}
