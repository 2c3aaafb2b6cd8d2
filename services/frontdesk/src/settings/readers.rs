//! Who reads which settings, and so which there are.

use boot::settings::Row;
use boot::{AdminPort, Setting, Settings};

use crate::operator::{self, signing_key, user};
use crate::{cors, dev, doctor, run, smoke, token};

/// A command that reads settings.
pub struct Reader {
    /// The command, as it is typed.
    pub command: &'static str,
    read: fn(&mut Settings),
}

/// Every command that reads settings. A command stands for those under it too,
/// unless they are listed themselves.
pub const READERS: [Reader; 24] = [
    Reader { command: "identity", read: |from| drop(run::read(identity::Environment::read)(from)) },
    Reader { command: "booking", read: |from| drop(run::read(booking::Environment::read)(from)) },
    Reader { command: "gateway", read: |from| drop(run::read(gateway::Environment::read)(from)) },
    Reader { command: "serve", read: |from| drop(run::read(run::All::read)(from)) },
    Reader { command: "dev", read: |from| drop(dev::Environment::read(from)) },
    Reader { command: "migrate", read: |from| drop(pg::read_url(from)) },
    Reader { command: "user", read: |from| drop(operator::read(from)) },
    Reader { command: "user create", read: |from| drop(user::read_create(from)) },
    Reader { command: "user password", read: |from| drop(user::read_password(from)) },
    Reader { command: "tenant", read: |from| drop(operator::read(from)) },
    Reader { command: "member", read: |from| drop(operator::read(from)) },
    Reader { command: "api-key", read: |from| drop(operator::read(from)) },
    Reader { command: "property", read: |from| drop(operator::read(from)) },
    Reader { command: "customer", read: |from| drop(operator::read(from)) },
    Reader { command: "keys", read: |from| drop(pg::read_url(from)) },
    Reader { command: "keys rotate", read: |from| drop(signing_key::read_rotate(from)) },
    Reader { command: "keys revoke", read: |from| drop(signing_key::read_rotate(from)) },
    Reader { command: "master-key", read: |from| drop(signing_key::read_rotate(from)) },
    Reader { command: "mail", read: |from| drop(operator::read(from)) },
    Reader { command: "doctor", read: |from| drop(doctor::Environment::read(from)) },
    Reader {
        command: "healthcheck",
        read: |from| {
            AdminPort::read_needed(from);
        },
    },
    Reader { command: "smoke", read: |from| drop(smoke::Environment::read(from)) },
    Reader { command: "cors explain", read: |from| drop(cors::Environment::read(from)) },
    Reader { command: "token", read: |from| drop(token::Environment::read(from)) },
];

impl Reader {
    /// What the command reads.
    pub fn rows(&self) -> Vec<Row> {
        Settings::read_by(self.read)
    }
}

/// Every setting of the program, once.
pub fn every() -> Vec<&'static Setting> {
    let mut every: Vec<&'static Setting> = Vec::new();
    for row in READERS.iter().flat_map(Reader::rows) {
        if !every.iter().any(|known| known.name == row.setting.name) {
            every.push(row.setting);
        }
    }
    every
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_one_name_are_one_setting() {
        for row in READERS.iter().flat_map(Reader::rows) {
            let same = every().into_iter().find(|one| one.name == row.setting.name).unwrap();
            assert_eq!(same, row.setting);
        }
    }

    /// Also finds a row that is read as something that it is not.
    #[test]
    fn every_example_is_accepted() {
        for reader in &READERS {
            let example = |setting: &Setting| match setting.name {
                "FRONTDESK_MASTER_KEY" => "ab".repeat(32),
                _ => setting.example.to_owned(),
            };
            // What is in the example's folder is another matter on each machine.
            let rows = reader.rows();
            let rows = rows.iter().filter(|row| row.setting.name != "FRONTDESK_PG_BIN");
            let mut settings = Settings::of(rows.map(|row| (row.setting.name, example(row.setting))));
            (reader.read)(&mut settings);
            let wrong = settings.finish(Some(()), &every());
            assert!(wrong.is_ok(), "{}: {}", reader.command, wrong.unwrap_err());
        }
    }

    /// Needed ones apart, which an empty environment lacks.
    #[test]
    fn every_default_is_accepted() {
        for reader in &READERS {
            let mut settings = Settings::default();
            (reader.read)(&mut settings);
            let said = settings.finish(Some(()), &every()).err().map(|error| error.0).unwrap_or_default();
            assert!(
                said.iter().all(|sentence| sentence.contains("is not set")),
                "{}: {said:?}",
                reader.command
            );
            assert_eq!(said.len(), reader.rows().iter().filter(|row| row.is_needed()).count());
        }
    }

    #[test]
    fn meanings_are_sentences() {
        for setting in every() {
            assert!(setting.meaning.ends_with('.') && !setting.example.is_empty(), "{}", setting.name);
        }
    }
}
