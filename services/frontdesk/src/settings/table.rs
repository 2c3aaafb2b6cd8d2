//! The table of settings as people and programs read it: text, JSON, an
//! environment file, the block of the README, and the part of `--help`.

use boot::settings::Row;
use boot::{Setting, Unset};
use clap::Args;
use serde_json::{Value as Json, json};

use super::readers::READERS;
use crate::{Failure, stdout};

/// The commands whose settings an environment file holds.
const ROLES: [&str; 3] = ["identity", "booking", "gateway"];

#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct SettingsArgs {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// Prints an environment file for identity, booking and gateway.
    #[arg(long)]
    env: bool,
    /// Prints the block of the README.
    #[arg(long)]
    markdown: bool,
}

/// A setting with the commands that read it.
struct Entry {
    setting: &'static Setting,
    readers: Vec<&'static str>,
    /// Those that do not start without it.
    needed_by: Vec<&'static str>,
}

/// `frontdesk settings`.
pub fn print(args: &SettingsArgs) -> Result<(), Failure> {
    if args.json {
        stdout::line(format_args!("{:#}", json()))
    } else if args.env {
        stdout::text_as_it_is(environment_file())
    } else if args.markdown {
        stdout::text_as_it_is(markdown())
    } else {
        stdout::text_as_it_is(text())
    }
}

/// Every setting in a few lines.
fn text() -> String {
    let entries = entries();
    let blocks: Vec<String> = entries
        .iter()
        .map(|entry| {
            let needed = entry.setting.unset == Unset::Refused;
            format!("{}      Read by {}\n", in_short(entry.setting, needed), entry.readers.join(", "))
        })
        .collect();
    blocks.join("\n")
}

/// Every setting as JSON.
fn json() -> Json {
    entries()
        .into_iter()
        .map(|Entry { setting, readers, needed_by }| {
            let Setting { name, form, unset, example, meaning, secret } = setting;
            let (default, without) = match unset {
                Unset::Default(value) => (Some(*value), None),
                Unset::Means(meaning) => (None, Some(*meaning)),
                Unset::Refused => (None, None),
            };
            json!({
                "name": name, "file_variable": setting.file_variable(), "meaning": meaning,
                "takes": form.to_string(), "default": default, "without": without, "example": example,
                "secret": secret, "read_by": readers, "needed_by": needed_by,
            })
        })
        .collect()
}

/// An environment file for the roles. What has a default is commented out.
fn environment_file() -> String {
    let mut file = "# Settings of `frontdesk identity`, `frontdesk booking` and `frontdesk gateway`, as\n\
        # `frontdesk settings --env` prints them. Empty means not set.\n"
        .to_owned();
    for Entry { setting, readers, needed_by } in entries() {
        let roles: Vec<&str> = readers.into_iter().filter(|reader| ROLES.contains(reader)).collect();
        if roles.is_empty() {
            continue;
        }
        let Setting { name, form, unset, example, meaning, .. } = setting;
        let needed = needed_by.iter().any(|reader| ROLES.contains(reader));
        let value = match unset {
            Unset::Default(value) => value,
            Unset::Means(_) | Unset::Refused => "",
        };
        let comment = if needed { "" } else { "#" };
        let mut lines = vec![
            String::new(),
            format!("# {meaning}"),
            format!("# Read by {}. Takes {form}.", roles.join(", ")),
            format!("# For example {example}"),
            format!("{comment}{name}={value}"),
        ];
        lines.extend(
            setting.file_variable().map(|file| format!("#{file}=/run/secrets/{}", name.to_lowercase())),
        );
        lines.push(String::new());
        file.push_str(&lines.join("\n"));
    }
    file
}

/// The block of the README.
fn markdown() -> String {
    let mut lines = vec![
        "| variable | read by | takes, for example | without it |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    for Entry { setting, readers, .. } in entries() {
        let Setting { name, form, unset, example, meaning, .. } = setting;
        let file = setting.file_variable().map(|file| format!(", `{file}`")).unwrap_or_default();
        let without = match unset {
            Unset::Default(value) => format!("`{value}`"),
            Unset::Means(meaning) => (*meaning).to_owned(),
            Unset::Refused => "refused".to_owned(),
        };
        lines.push(format!(
            "| `{name}`{file} | {} | {meaning} Takes {form}: `{}` | {without} |",
            readers.join(", "),
            example.replace('`', "")
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A setting as `--help` shows it.
pub fn in_short(setting: &Setting, needed: bool) -> String {
    let Setting { name, form, unset, example, meaning, .. } = setting;
    let file = setting.file_variable().map(|file| format!(" or {file}")).unwrap_or_default();
    let without = match unset {
        _ if needed => "needed".to_owned(),
        Unset::Default(value) => format!("default {value}"),
        Unset::Means(meaning) => format!("default {meaning}"),
        Unset::Refused => "left out if not set".to_owned(),
    };
    format!("  {name}{file} ({without})\n      {meaning}\n      Takes {form}, for example {example}\n")
}

/// Every setting once, in the order in which the commands read them.
fn entries() -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for reader in &READERS {
        for Row { setting, needed } in reader.rows() {
            let at = entries.iter().position(|entry| entry.setting.name == setting.name);
            let at = at.unwrap_or_else(|| {
                entries.push(Entry { setting, readers: Vec::new(), needed_by: Vec::new() });
                entries.len() - 1
            });
            add(&mut entries[at].readers, reader.command);
            if needed {
                add(&mut entries[at].needed_by, reader.command);
            }
        }
    }
    entries
}

/// Adds a command, unless the one above it is there, which stands for it.
fn add(commands: &mut Vec<&'static str>, command: &'static str) {
    let above = command.split(' ').next().unwrap_or(command);
    if !commands.contains(&above) {
        commands.push(command);
    }
}
