//! Variables that were meant for us and are not ours: a setting that was
//! misspelt would otherwise be ignored in silence.
//!
//! The rule has two parts. A name that starts with `FRONTDESK_` is ours alone, so
//! one that we do not know is refused. Any other name is refused only when it
//! differs from one of our settings by a few letters *and* that setting is not
//! set. Variables of other programs stay out of it: `DATABASE_HOST` and
//! `LOG_LEVEL` are far from any name of ours, `DATABASE_URI` is passed over where
//! `DATABASE_URL` is set, and so is what Kubernetes writes for a service that is
//! called `frontdesk` (`FRONTDESK_PORT_8080_TCP`).

use super::Setting;

/// Names that start so are ours.
const PREFIX: &str = "FRONTDESK_";
/// Shorter names are too near to other programs' (`DB_URL` to `SB_URL`).
const SHORTEST: usize = 8;
/// Letters of a name for each that may be wrong.
const LETTERS_FOR_ONE: usize = 5;

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
    if read.iter().any(known) || every.iter().any(known) {
        return None;
    }
    let absent = |setting: &&&Setting| {
        !is_set(setting.name) && !setting.file_variable().is_some_and(|file| is_set(&file))
    };
    let meant = read.iter().filter(absent).find_map(|setting| {
        let names = [Some(setting.name.to_owned()), setting.file_variable()];
        names.into_iter().flatten().find(|name| is_near(variable, name))
    });
    if let Some(meant) = meant {
        return Some(format!("{variable} is not a setting of this program; did you mean {meant}?"));
    }
    let ours = variable.starts_with(PREFIX) && !is_of_kubernetes(&variable[PREFIX.len()..]);
    ours.then(|| {
        format!("{variable} is not a setting of this program; `frontdesk settings` lists them. Unset it.")
    })
}

fn is_near(variable: &str, name: &str) -> bool {
    name.len() >= SHORTEST
        && strsim::damerau_levenshtein(variable, name) <= (name.len() / LETTERS_FOR_ONE).max(1)
}

/// What Kubernetes writes for a service, after the service's name.
fn is_of_kubernetes(rest: &str) -> bool {
    rest == "PORT"
        || rest.starts_with("PORT_")
        || rest.starts_with("SERVICE_HOST")
        || rest.starts_with("SERVICE_PORT")
}

#[cfg(test)]
mod tests {
    use super::super::{Form, Unset};
    use super::*;

    const fn setting(name: &'static str, secret: bool) -> Setting {
        Setting { name, form: Form::Text, unset: Unset::Means("none"), example: "x", meaning: "X.", secret }
    }

    static URL: Setting = setting("DATABASE_URL", true);
    static LIMIT: Setting = setting("LOGIN_LIMIT_PAIR", false);
    static ELSEWHERE: Setting = setting("FRONTDESK_ELSEWHERE", false);

    fn said(variable: &str, set: &[&str]) -> Option<String> {
        complaint(variable, &[&URL, &LIMIT], &[&ELSEWHERE], |name| set.contains(&name))
    }

    #[test]
    fn a_misspelt_setting_is_named_with_what_was_meant() {
        for (variable, meant) in [
            ("DATABSE_URL", "DATABASE_URL"),
            ("DATABASE_URL_FIL", "DATABASE_URL_FILE"),
            ("LOGIN_LIMIT_PAIRS", "LOGIN_LIMIT_PAIR"),
            ("LOGIN_LIMITS_PAIR", "LOGIN_LIMIT_PAIR"),
        ] {
            assert!(said(variable, &[]).unwrap().contains(&format!("did you mean {meant}?")), "{variable}");
        }
        assert!(said("FRONTDESK_MASTERKEY", &[]).unwrap().contains("Unset it"));
    }

    #[test]
    fn variables_of_others_are_passed_over() {
        for variable in [
            "PATH",
            "DATABASE_HOST",
            "LOG_LEVEL",
            "FRONTDESK",
            "FRONTDESK_ELSEWHERE",
            "FRONTDESK_SERVICE_HOST",
            "FRONTDESK_PORT",
            "FRONTDESK_PORT_8080_TCP_ADDR",
            "DATABASE_URL_FILE",
        ] {
            assert_eq!(said(variable, &[]), None, "{variable}");
        }
        assert_eq!(said("DATABASE_URI", &["DATABASE_URL_FILE"]), None);
        assert!(said("DATABASE_URI", &[]).is_some());
    }
}
