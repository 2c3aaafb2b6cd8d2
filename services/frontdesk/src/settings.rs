//! The settings of every command, and `frontdesk settings`, which prints them.
//! Each is read by the part that knows it.
//!
//! A command is handed where its settings come from and does not know what the
//! others read; the list of who reads stands above all of them.

mod readers;
mod table;

use boot::{Setting, Settings};

pub use self::readers::{READERS, Reader, every};
pub use self::table::{SettingsArgs, in_short, print, without};
use crate::Failure;

/// Where settings come from: the environment of this process.
pub struct Source {
    /// Every setting of the program, which are not misspelt.
    known: Vec<&'static Setting>,
}

impl Source {
    /// `known` are the settings of the whole program.
    pub fn new(known: Vec<&'static Setting>) -> Self {
        Self { known }
    }

    /// Reads what a command needs; what is wrong ends every command alike.
    pub fn read<T>(&self, reader: impl FnOnce(&mut Settings) -> Option<T>) -> Result<T, Failure> {
        let mut settings = Settings::from_environment();
        let value = reader(&mut settings);
        Ok(settings.finish(value, &self.known)?)
    }
}
