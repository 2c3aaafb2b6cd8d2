//! `frontdesk statement`: a statement of a service as a script for psql, with
//! example values, undone at its end. How it is written down is pg's business.

use clap::{Args, ValueEnum};
use pg::Statements;

use crate::{Failure, stdout};

#[derive(Debug, Args)]
pub struct StatementArgs {
    /// Name of the statement, as in its file; all names are listed without one.
    name: Option<String>,
    /// Layout of booking's tables.
    #[arg(long, value_enum, default_value = "standard")]
    layout: Layout,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Layout {
    Standard,
    SingleTable,
}

pub fn run(args: &StatementArgs) -> Result<(), Failure> {
    let [standard, single_table] = booking::statements().map_err(Failure::new)?;
    let of_booking = match args.layout {
        Layout::Standard => standard,
        Layout::SingleTable => single_table,
    };
    let of_identity = identity::statements().map_err(Failure::new)?;
    let services: [(&str, &Statements); 2] = [("identity", &of_identity), ("booking", &of_booking)];
    let Some(name) = &args.name else { return list(services) };
    let mut found =
        services.iter().filter_map(|(service, statements)| Some((service, statements.named(name)?)));
    let Some((service, statement)) = found.next() else {
        return Err(Failure::new(format!(
            "there is no statement {name}; `frontdesk statement` without a name lists them"
        )));
    };
    stdout::text_as_it_is(format_args!("-- {service}\n{}", statement.for_psql()))
}

fn list(services: [(&str, &Statements); 2]) -> Result<(), Failure> {
    for (service, statements) in services {
        let mut names: Vec<String> = statements.iter().map(pg::Statement::name).collect();
        names.sort_unstable();
        for name in names {
            stdout::line(format_args!("{service} {name}"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn a_name_means_one_statement() {
        let identity = identity::statements().unwrap();
        let names: BTreeSet<String> = identity.iter().map(pg::Statement::name).collect();
        for statements in booking::statements().unwrap() {
            let both: Vec<String> =
                statements.iter().map(pg::Statement::name).filter(|name| names.contains(name)).collect();
            assert!(both.is_empty(), "{both:?}");
        }
    }
}
