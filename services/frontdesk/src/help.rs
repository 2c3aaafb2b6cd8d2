//! `--help`: to what the parser of the command line knows it adds the settings
//! that a command reads and its exit codes, which man pages show too.

use boot::settings::Row;
use clap::Command;

use crate::operator::customer::LINES_REFUSED;
use crate::settings::{READERS, Reader, in_short, without};

/// Exit codes that a command has beside those of every command.
const EXIT_CODES: [(&str, &[(u8, &str)]); 12] = [
    ("dev", &[(130, "stopped by a second signal")]),
    ("identity", &[(130, "stopped by a second signal")]),
    ("booking", &[(130, "stopped by a second signal")]),
    ("gateway", &[(130, "stopped by a second signal")]),
    ("serve", &[(130, "stopped by a second signal")]),
    ("migrate up", &[(3, "what was applied is not there any more")]),
    ("migrate status", &[(3, "the database is behind, or what was applied is not there any more")]),
    ("customer import", &[(LINES_REFUSED, "lines were refused; the others are stored")]),
    ("doctor", &[(1, "a check failed, something could not be mended, or a setting is wrong")]),
    ("healthcheck", &[(1, "the role does not answer or cannot do its work, or a setting is wrong")]),
    ("smoke", &[(1, "a check failed, or a setting is wrong")]),
    (
        "token",
        &[
            (1, "a setting is missing or wrong"),
            (2, "the sign-in was refused"),
            (3, "no answer, or one that is not JSON"),
            (4, "the token was refused"),
        ],
    ),
];
/// Exit codes of every command.
const COMMON: [(u8, &str); 3] = [
    (0, "success"),
    (1, "failure: the sentence on stderr says what to do; wrong settings are one"),
    (2, "the command line cannot be read"),
];

/// The command line with what every command's `--help` should say.
pub fn documented(mut program: Command) -> Command {
    // Fills in the names that subcommands are called by.
    program.build();
    let commands: Vec<Command> = program.get_subcommands().cloned().collect();
    commands.into_iter().fold(program, |program, command| {
        let name = command.get_name().to_owned();
        program.mut_subcommand(name.clone(), |command| of_command(command, &name, &[], &[]))
    })
}

/// Adds to a command and those under it; what is said of a command holds for
/// those under it unless they have their own.
fn of_command(command: Command, path: &str, above: &[Row], codes_above: &[(u8, &str)]) -> Command {
    let own = READERS.iter().find(|reader| reader.command == path);
    let rows = own.map_or_else(|| above.to_vec(), Reader::rows);
    let own_codes = EXIT_CODES.iter().find(|(of, _)| *of == path).map(|(_, codes)| *codes);
    let codes = own_codes.unwrap_or(codes_above);
    let names: Vec<String> = command
        .get_subcommands()
        .map(|under| under.get_name().to_owned())
        .filter(|name| name != "help")
        .collect();
    let command = names.into_iter().fold(command, |command, name| {
        let under = format!("{path} {name}");
        command.mut_subcommand(name, |command| of_command(command, &under, &rows, codes))
    });
    let text = format!("{}{}", settings(&rows), exit_codes(codes));
    command.after_help(text)
}

fn settings(rows: &[Row]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let rows: String = rows.iter().map(|row| in_short(row.setting, &without(row.unset))).collect();
    format!("Settings (environment variables; `frontdesk settings` lists all):\n{rows}\n")
}

fn exit_codes(own: &[(u8, &str)]) -> String {
    let common = COMMON.iter().filter(|(code, _)| !own.iter().any(|(one, _)| one == code));
    let mut codes: Vec<&(u8, &str)> = common.chain(own).collect();
    codes.sort_by_key(|(code, _)| *code);
    let lines: Vec<String> = codes.iter().map(|(code, meaning)| format!("  {code:<3} {meaning}")).collect();
    format!("Exit codes:\n{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reader_and_every_exit_code_belongs_to_a_command() {
        let mut program = crate::cli::command();
        program.build();
        let paths = READERS.iter().map(|reader| reader.command).chain(EXIT_CODES.iter().map(|(of, _)| *of));
        for path in paths {
            let mut words = path.split(' ');
            let found = words.try_fold(&program, |command, word| command.find_subcommand(word));
            assert!(found.is_some(), "{path} is not a command");
        }
    }

    #[test]
    fn help_names_settings_and_exit_codes() {
        let mut program = documented(crate::cli::command());
        let mut help = |path: &str| {
            let mut command = &mut program;
            for word in path.split(' ') {
                command = command.find_subcommand_mut(word).unwrap();
            }
            command.render_long_help().to_string()
        };
        let booking = help("booking");
        for part in [
            "BOOKING_LISTEN (default 127.0.0.1:50052)",
            "DATABASE_URL or DATABASE_URL_FILE (needed)",
            "  130 ",
        ] {
            assert!(booking.contains(part), "{part} is not in {booking}");
        }
        assert!(help("migrate status").contains("  3   the database is behind"));
        assert!(help("migrate status").contains("DATABASE_URL"));
        assert!(
            help("user create").contains("NEW_PASSWORD_FILE") && !help("user list").contains("NEW_PASSWORD")
        );
        assert!(help("doctor").contains("API_BASE_URL (without it: its check is left out)"));
        assert!(help("smoke").contains("API_BASE_URL (default http://127.0.0.1:8080)"));
        assert!(help("user password").contains("NEW_PASSWORD or NEW_PASSWORD_FILE (needed)"));
        assert!(help("token get").contains("  4   the token was refused"));
    }
}
