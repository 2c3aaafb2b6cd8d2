//! The log: text on a terminal, JSON lines elsewhere, always on stderr.

use std::io::IsTerminal;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use crate::settings::{Form, Setting, Settings, Unset};

/// What is logged of everything that `LOG` does not name.
const DEFAULT_FILTER: &str = "info,refinery_core=warn";
/// Whatever `LOG` says: below these levels libraries print parameters of
/// statements and headers of requests, which are people's data and secrets.
const ALWAYS: [&str; 6] =
    ["tokio_postgres=warn", "h2=info", "hyper=info", "hyper_util=info", "reqwest=info", "tower=info"];

static LOG: Setting = Setting {
    name: "LOG",
    form: Form::Described(
        "a level (off, error, warn, info, debug, trace) or target=level, several with commas",
    ),
    unset: Unset::Default("info"),
    example: "info,booking=debug",
    meaning: "What is logged, by tracing's filter syntax.",
    secret: false,
};
static LOG_FORMAT: Setting = Setting {
    name: "LOG_FORMAT",
    form: Form::Word(&["text", "json"]),
    unset: Unset::Means("text on a terminal, else json"),
    example: "json",
    meaning: "How a line of the log is written.",
    secret: false,
};

/// How this process logs.
#[derive(Debug, Clone)]
pub struct Log {
    filter: Filter,
    json: Option<bool>,
}

/// Directives that were checked.
#[derive(Debug, Clone)]
struct Filter(String);

impl Log {
    /// Reads `LOG` and `LOG_FORMAT`.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let filter = settings.parsed(&LOG);
        let format = settings.word_if_set(&LOG_FORMAT);
        Some(Self { filter: filter?, json: format.map(|format| format == "json") })
    }

    /// Starts the log.
    pub fn start(self) {
        let held = ALWAYS.iter().filter_map(|directive| directive.parse().ok());
        let filter = held.fold(EnvFilter::new(self.filter.0), EnvFilter::add_directive);
        let json = self.json.unwrap_or_else(|| !std::io::stderr().is_terminal());
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        let started = if json { log.json().flatten_event(true).try_init() } else { log.try_init() };
        if let Err(error) = started {
            // Another part of this process, a test for example, has started it.
            tracing::debug!(%error, "log was started before");
        }
    }
}

impl FromStr for Filter {
    type Err = String;

    /// The filter's own syntax takes any word for the name of a target, so that
    /// a misspelt level would silence everything; here a target has its level.
    fn from_str(text: &str) -> Result<Self, String> {
        let directives: Vec<&str> = text.split(',').map(str::trim).collect();
        for directive in &directives {
            let level = directive.rsplit_once('=').map_or(*directive, |(_, level)| level);
            // An empty text would be taken for `error`.
            if level.is_empty() || level.parse::<LevelFilter>().is_err() {
                return Err(format!("`{level}` is not a level"));
            }
        }
        let filter = format!("{DEFAULT_FILTER},{}", directives.join(","));
        EnvFilter::try_new(&filter).map_err(|error| error.to_string())?;
        Ok(Self(filter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_not_a_level_is_refused_and_not_taken_for_a_target() {
        for good in ["info", "TRACE", "booking=debug", "warn, pg=trace", "off", "[rpc{request_id}]=debug"] {
            assert!(good.parse::<Filter>().is_ok(), "{good}");
        }
        for bad in ["nonsense", "", "info,", "booking", "booking=loud", "info,x y=z"] {
            assert!(bad.parse::<Filter>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_named_stays_at_info() {
        let filter = EnvFilter::new("booking=debug".parse::<Filter>().unwrap().0).to_string();
        assert!(filter.contains("info") && filter.contains("booking=debug"), "{filter}");
        let filter = EnvFilter::new("error".parse::<Filter>().unwrap().0).to_string();
        assert!(filter.ends_with("error") || filter.contains("error"), "{filter}");
        assert!(!filter.contains("info"), "{filter}");
    }
}
