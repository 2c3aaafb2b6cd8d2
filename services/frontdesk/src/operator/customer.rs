//! `frontdesk customer`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use booking::operator::{
    CreateCustomerRequest, CustomerMessage as Customer, Format, ImportOutcome, ImportedCustomer, Operator,
    Reader,
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value as Json, json};

use super::output::{Output, say_created};
use super::{PAGE, open_booking, open_booking_to_write};
use crate::settings::Source;
use crate::{Failure, stderr};

/// The exit code when lines of an import were refused.
pub const LINES_REFUSED: u8 = 3;
/// Bytes of a file that are read at a time.
const PART: usize = 64 * 1024;

#[derive(Debug, Subcommand)]
pub enum CustomerCommand {
    /// Creates a customer; one with this external id, or without one with this name,
    /// e-mail address and phone number, stays as it is.
    Create {
        /// Short name or id of the tenant.
        tenant: String,
        #[command(flatten)]
        customer: NewCustomer,
    },
    /// Stores and updates customers from a file in UTF-8, by their external ids, and
    /// prints what came of each line; importing it again changes nothing.
    Import {
        /// Short name or id of the tenant.
        tenant: String,
        /// The file; `-` is standard input.
        file: PathBuf,
        /// How its lines are written; by the name of the file when left out.
        #[arg(long, value_enum)]
        format: Option<FileFormat>,
        /// The system that external ids are of, for lines that name none.
        #[arg(long, default_value = "")]
        source: String,
    },
    /// Lists customers in use.
    List {
        /// Short name or id of the tenant.
        tenant: String,
    },
}

#[derive(Debug, Args)]
pub struct NewCustomer {
    /// Full name.
    #[arg(long)]
    name: String,
    /// E-mail address.
    #[arg(long, default_value = "")]
    email: String,
    /// Phone number.
    #[arg(long, default_value = "")]
    phone: String,
    /// Id in the system named by `--source`.
    #[arg(long, default_value = "")]
    external_id: String,
    /// The system that the external id is of.
    #[arg(long, default_value = "")]
    source: String,
    /// Notes of the staff.
    #[arg(long, default_value = "")]
    notes: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum FileFormat {
    Csv,
    Ndjson,
}

pub async fn run(source: &Source, command: CustomerCommand, output: Output) -> Result<(), Failure> {
    match command {
        CustomerCommand::Create { tenant, customer } => {
            let NewCustomer { name, email, phone, external_id, source: of, notes } = customer;
            let operator = open_booking_to_write(source, &tenant).await?;
            let asked = CreateCustomerRequest { name, email, phone, external_id, source: of, notes };
            let made = operator.ensure_customer(asked).await.map_err(Failure::new)?;
            say_created(made.created, "customer");
            output.record(&to_json(&made.value), &made.value.id)
        }
        CustomerCommand::Import { tenant, file, format, source: of } => {
            let format = format.map(Format::from).or_else(|| by_name(&file)).ok_or_else(|| {
                Failure::new(format!(
                    "{} does not say by its name how it is written: give --format csv or --format ndjson",
                    file.display()
                ))
            })?;
            let opened = open(&file)?;
            import(&open_booking_to_write(source, &tenant).await?, format, opened, &of, &output).await
        }
        CustomerCommand::List { tenant } => {
            let operator = open_booking(source, &tenant).await?;
            let mut after: Option<Customer> = None;
            loop {
                let page = operator.list_customers(after.as_ref(), PAGE).await.map_err(Failure::new)?;
                for customer in &page {
                    output.record(&to_json(customer), &format!("{} {}", customer.id, customer.name))?;
                }
                let Some(last) = page.into_iter().last() else { return Ok(()) };
                after = Some(last);
            }
        }
    }
}

/// What came of the lines of an import.
#[derive(Debug, Default)]
struct Sum {
    created: u64,
    updated: u64,
    unchanged: u64,
    merged: u64,
    refused: u64,
}

/// Stores line by line, however long the file is; says what came of all at the end,
/// and of those until then when it ends early.
async fn import(
    operator: &Operator,
    format: Format,
    mut file: Box<dyn Read + Send>,
    source: &str,
    output: &Output,
) -> Result<(), Failure> {
    let (mut lines, mut part, mut sum) = (Reader::new(format), vec![0; PART], Sum::default());
    let ended = async {
        loop {
            if let Some(line) = lines.next_line().map_err(Failure::new)? {
                let result = operator.import_line(source, line).await.map_err(Failure::new)?;
                sum.add(&result, output)?;
            } else if lines.has_ended() {
                return Ok(());
            } else {
                match file.read(&mut part) {
                    Ok(0) => lines.end(),
                    Ok(count) => lines.push(&part[..count]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(Failure::new(format!("the file cannot be read: {error}"))),
                }
            }
        }
    }
    .await;
    operator.ends_import().await;
    let Sum { created, updated, unchanged, merged, refused } = sum;
    let merged = if merged == 0 { String::new() } else { format!("{merged} merged into others, ") };
    stderr::say(format_args!(
        "{created} created, {updated} updated, {unchanged} unchanged, {merged}{refused} refused"
    ));
    ended?;
    if refused == 0 {
        return Ok(());
    }
    let refused = if refused == 1 { "1 line was".to_owned() } else { format!("{refused} lines were") };
    Err(Failure::with_code(
        LINES_REFUSED,
        format!(
            "{refused} refused and the others are stored; put right what is wrong and import the file again"
        ),
    ))
}

impl Sum {
    /// Counts the result of a line, and prints it.
    fn add(&mut self, result: &ImportedCustomer, output: &Output) -> Result<(), Failure> {
        let (count, word) = match result.outcome() {
            ImportOutcome::Created => (&mut self.created, "created"),
            ImportOutcome::Updated => (&mut self.updated, "updated"),
            ImportOutcome::Unchanged => (&mut self.unchanged, "unchanged"),
            ImportOutcome::Merged => (&mut self.merged, "merged"),
            ImportOutcome::Refused | ImportOutcome::Unspecified => (&mut self.refused, "refused"),
        };
        *count += 1;
        let ImportedCustomer { line, customer_id, external_id, reason, message, .. } = result;
        let text = if word == "refused" {
            format!("{line} {word} {external_id} {reason} {message}")
        } else {
            format!("{line} {word} {external_id} {customer_id}")
        };
        let json = json!({
            "line": line, "outcome": word, "external_id": external_id, "customer_id": customer_id,
            "reason": reason, "message": message,
        });
        output.record(&json, &text)
    }
}

fn open(file: &Path) -> Result<Box<dyn Read + Send>, Failure> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    match File::open(file) {
        Ok(opened) => Ok(Box::new(opened)),
        Err(error) => Err(Failure::new(format!("{} cannot be read: {error}", file.display()))),
    }
}

fn by_name(file: &Path) -> Option<Format> {
    match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "ndjson" | "jsonl" => Some(Format::Ndjson),
        _ => None,
    }
}

impl From<FileFormat> for Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Csv => Self::Csv,
            FileFormat::Ndjson => Self::Ndjson,
        }
    }
}

fn to_json(customer: &Customer) -> Json {
    let Customer { id, name, email, phone, external_id, source, .. } = customer;
    json!({
        "id": id, "name": name, "email": email, "phone": phone, "external_id": external_id, "source": source,
    })
}
