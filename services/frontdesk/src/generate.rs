//! Completions and manual pages, which packages install beside the program: made
//! from the command line itself. Users need no such command, so `--help` has not
//! got it.

use std::path::PathBuf;

use clap::Subcommand;
use clap_complete::Shell;

use crate::{Failure, help, stdout};

#[derive(Debug, Subcommand)]
pub enum GenerateCommand {
    /// Prints a script that completes commands and options.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Writes manual pages, one for each command.
    Man {
        /// A folder.
        dir: PathBuf,
    },
}

/// `program` is the command line.
pub fn run(mut program: clap::Command, command: GenerateCommand) -> Result<(), Failure> {
    match command {
        GenerateCommand::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut program, "frontdesk", &mut script);
            stdout::text_as_it_is(String::from_utf8_lossy(&script))
        }
        GenerateCommand::Man { dir } => {
            let failed = |error| Failure::new(format!("{}: {error}", dir.display()));
            std::fs::create_dir_all(&dir).map_err(failed)?;
            clap_mangen::generate_to(help::documented(program), &dir).map_err(failed)
        }
    }
}
