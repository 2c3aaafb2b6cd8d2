//! The table of settings as people and programs read it: text, JSON, an
//! environment file, the block of the README, and the part of `--help`.

use boot::settings::Row;
use boot::{Setting, Unset};
use clap::Args;
use serde_json::{Value as Json, json};

use super::readers::READERS;
use crate::{Failure, stdout};

/// The commands whose settings an environment file holds.
const ROLES: [&str; 4] = ["identity", "booking", "gateway", "serve"];

#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct SettingsArgs {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// Prints an environment file for identity, booking and gateway, and for serve.
    #[arg(long)]
    env: bool,
    /// Prints the block of the README.
    #[arg(long)]
    markdown: bool,
}

/// A setting with the commands that read it.
struct Entry {
    setting: &'static Setting,
    readers: Vec<Use>,
}

/// A command that reads a setting.
struct Use {
    command: &'static str,
    /// What it does without a value.
    unset: Unset,
}

impl Entry {
    fn commands(&self) -> Vec<&'static str> {
        self.readers.iter().map(|one| one.command).collect()
    }

    fn needed_by(&self) -> Vec<&'static str> {
        let needed = self.readers.iter().filter(|one| one.unset == Unset::Refused);
        needed.map(|one| one.command).collect()
    }

    /// What is done without a value, in words; by whom, if not all do the same.
    fn without(&self, words: impl Fn(Unset) -> String) -> String {
        let mut groups: Vec<(Unset, Vec<&str>)> = Vec::new();
        for Use { command, unset } in &self.readers {
            match groups.iter_mut().find(|(of, _)| of == unset) {
                Some((_, commands)) => commands.push(command),
                None => groups.push((*unset, vec![command])),
            }
        }
        if let [(unset, _)] = groups[..] {
            return words(unset);
        }
        let each =
            groups.iter().map(|(unset, commands)| format!("{}: {}", commands.join(", "), words(*unset)));
        each.collect::<Vec<_>>().join("; ")
    }
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
            let row = in_short(entry.setting, &entry.without(without));
            format!("{row}      Read by {}\n", entry.commands().join(", "))
        })
        .collect();
    blocks.join("\n")
}

/// Every setting as JSON.
fn json() -> Json {
    entries()
        .into_iter()
        .map(|entry| {
            let (read_by, needed_by) = (entry.commands(), entry.needed_by());
            let Entry { setting, readers } = entry;
            let Setting { name, form, unset: _, example, meaning, secret } = setting;
            let default = readers.iter().find_map(|one| match one.unset {
                Unset::Default(value) => Some(value),
                Unset::Means(_) | Unset::Refused => None,
            });
            let without: serde_json::Map<String, Json> = readers
                .iter()
                .filter_map(|one| match one.unset {
                    Unset::Means(meaning) => Some((one.command.to_owned(), json!(meaning))),
                    Unset::Default(_) | Unset::Refused => None,
                })
                .collect();
            json!({
                "name": name, "file_variable": setting.file_variable(), "meaning": meaning,
                "takes": form.to_string(), "default": default, "without": without, "example": example,
                "secret": secret, "read_by": read_by, "needed_by": needed_by,
            })
        })
        .collect()
}

/// An environment file for the roles. What has a default is commented out.
fn environment_file() -> String {
    let mut file =
        "# Settings of `frontdesk identity`, `frontdesk booking` and `frontdesk gateway`, and of\n\
        # `frontdesk serve`, which is all of them, as `frontdesk settings --env` prints them.\n\
        # Empty means not set.\n"
            .to_owned();
    for mut entry in entries() {
        entry.readers.retain(|one| ROLES.contains(&one.command));
        let roles = entry.commands();
        if roles.is_empty() {
            continue;
        }
        let Entry { setting, .. } = entry;
        let Setting { name, form, unset, example, meaning, .. } = setting;
        let needed = !entry.needed_by().is_empty();
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
        ];
        if !matches!(unset, Unset::Default(_)) {
            lines.push(format!("# Without it: {}.", entry.without(in_a_cell)));
        }
        lines.push(format!("{comment}{name}={value}"));
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
    for entry in entries() {
        let Setting { name, form, example, meaning, .. } = entry.setting;
        let file = entry.setting.file_variable().map(|file| format!(", `{file}`")).unwrap_or_default();
        let without = entry.without(in_a_cell);
        lines.push(format!(
            "| `{name}`{file} | {} | {meaning} Takes {form}: `{}` | {without} |",
            entry.commands().join(", "),
            example.replace('`', "")
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A setting as `--help` shows it.
pub fn in_short(setting: &Setting, without: &str) -> String {
    let Setting { name, form, example, meaning, .. } = setting;
    let file = setting.file_variable().map(|file| format!(" or {file}")).unwrap_or_default();
    format!("  {name}{file} ({without})\n      {meaning}\n      Takes {form}, for example {example}\n")
}

/// What a command does without a value, as `--help` says it.
pub fn without(unset: Unset) -> String {
    match unset {
        Unset::Default(value) => format!("default {value}"),
        Unset::Means(meaning) => format!("without it: {meaning}"),
        Unset::Refused => "needed".to_owned(),
    }
}

/// The same under the heading `without it`.
fn in_a_cell(unset: Unset) -> String {
    match unset {
        Unset::Default(value) => format!("`{value}`"),
        Unset::Means(meaning) => meaning.to_owned(),
        Unset::Refused => "refused".to_owned(),
    }
}

/// Every setting once, in the order in which the commands read them.
fn entries() -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for reader in &READERS {
        for Row { setting, unset } in reader.rows() {
            let at = entries.iter().position(|entry| entry.setting.name == setting.name);
            let at = at.unwrap_or_else(|| {
                entries.push(Entry { setting, readers: Vec::new() });
                entries.len() - 1
            });
            add(&mut entries[at].readers, Use { command: reader.command, unset });
        }
    }
    entries
}

/// Adds a command, unless the one above it is there and does the same, which
/// stands for it.
fn add(readers: &mut Vec<Use>, of: Use) {
    let above = of.command.split(' ').next().unwrap_or(of.command);
    if !readers.iter().any(|one| one.command == above && one.unset == of.unset) {
        readers.push(of);
    }
}
