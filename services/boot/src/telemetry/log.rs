//! The log of a process: what is logged and how, always on stderr.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::panic::PanicHookInfo;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tracing_log::AsLog;

use super::filter::Filter;
use super::line::Form;
use super::lines::{Lines, notice};
use super::writer::Writer;
use crate::background::message_of;
use crate::settings::{self, Setting, Settings, Unset};

static LOG: Setting = Setting {
    name: "LOG",
    form: settings::Form::Described(
        "a level (off, error, warn, info, debug, trace) or target=level, several with commas",
    ),
    unset: Unset::Default("info"),
    example: "info,booking=debug",
    meaning: "What is logged. The lines of calls have the targets rpc, in a service, and http, in the gateway.",
    secret: false,
};
static LOG_FORMAT: Setting = Setting {
    name: "LOG_FORMAT",
    form: settings::Form::Word(&["text", "json"]),
    unset: Unset::Means("text in dev and on a terminal, else json"),
    example: "json",
    meaning: "How a line of the log is written.",
    secret: false,
};

/// How long the log is written at the end of a process, if nobody reads it.
const LAST_LINES: Duration = Duration::from_secs(2);

/// What writes the log of this process.
static WRITER: OnceLock<Arc<Writer>> = OnceLock::new();

/// How this process logs.
#[derive(Debug, Clone)]
pub struct Log {
    filter: Filter,
    form: Option<Form>,
}

impl Log {
    /// Reads `LOG` and `LOG_FORMAT`.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let filter = settings.parsed(&LOG);
        let form = settings.word_if_set(&LOG_FORMAT);
        let form = form.map(|form| if form == "json" { Form::Json } else { Form::Text });
        Some(Self { filter: filter?, form })
    }

    /// In text unless something else is asked for: somebody reads it as it comes.
    #[must_use]
    pub fn for_people(self) -> Self {
        Self { form: self.form.or(Some(Form::Text)), ..self }
    }

    /// Starts the log. From then on a panic is a line of it, too: the usual way of
    /// printing one waits for the reader.
    pub fn start(self) -> io::Result<()> {
        if WRITER.get().is_some() {
            return Ok(());
        }
        let on_terminal = || if io::stderr().is_terminal() { Form::Text } else { Form::Json };
        let form = self.form.unwrap_or_else(on_terminal);
        let notice = match form {
            Form::Text => |lines, cause: Option<&str>| notice(Form::Text, lines, cause),
            Form::Json => |lines, cause: Option<&str>| notice(Form::Json, lines, cause),
        };
        let writer = Writer::start(stderr(), notice)?;
        if WRITER.set(Arc::clone(&writer)).is_err() {
            return Ok(());
        }
        let finest = self.filter.finest();
        let lines = Lines { filter: self.filter, form, writer };
        if let Err(error) = tracing::subscriber::set_global_default(lines) {
            // Another part of this process, a test for example, takes the events.
            tracing::debug!(%error, "the log was started before");
            return Ok(());
        }
        if let Err(error) = tracing_log::LogTracer::builder().with_max_level(finest.as_log()).init() {
            tracing::debug!(%error, "what libraries log goes elsewhere");
        }
        std::panic::set_hook(Box::new(tell_of_panic));
        Ok(())
    }

    /// Writes what is left, at the end of the process. Later lines are lost.
    pub fn finish() {
        if let Some(writer) = WRITER.get() {
            writer.finish(LAST_LINES);
        }
    }

    /// Lines that were written, and lines that were lost because nobody read them.
    pub fn counts() -> (u64, u64) {
        WRITER.get().map_or((0, 0), |writer| writer.counts())
    }
}

/// Stderr without the lock that everything else waits for that prints there: the
/// thread that writes the log may be stuck in the middle of it.
fn stderr() -> Box<dyn Write + Send> {
    match io::stderr().as_fd().try_clone_to_owned() {
        Ok(own) => Box::new(File::from(own)),
        Err(_) => Box::new(io::stderr()),
    }
}

fn tell_of_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(place, thread = thread.name(), cause = message_of(panic.payload()), "a defect: a panic");
}
