//! What is logged: a level for everything, and others for some targets and what is
//! below them (`booking=debug` is also about `booking::feed`).

use std::str::FromStr;

use tracing::Level;
use tracing::level_filters::LevelFilter;

/// What is logged from `warn` on only, unless it is named.
const QUIET: [(&str, LevelFilter); 1] = [("refinery_core", LevelFilter::WARN)];
/// The finest level of these, whatever is asked for: at finer ones libraries print
/// parameters of statements and headers of requests, which are people's data and secrets.
const HELD: [(&str, LevelFilter); 6] = [
    ("tokio_postgres", LevelFilter::WARN),
    ("h2", LevelFilter::INFO),
    ("hyper", LevelFilter::INFO),
    ("hyper_util", LevelFilter::INFO),
    ("reqwest", LevelFilter::INFO),
    ("tower", LevelFilter::INFO),
];

/// Directives that were checked.
#[derive(Debug, Clone)]
pub struct Filter {
    default: LevelFilter,
    /// The longest that fits counts.
    targets: Vec<(String, LevelFilter)>,
}

impl Filter {
    /// Whether an event is logged.
    pub fn lets_through(&self, target: &str, level: Level) -> bool {
        level <= self.of(target)
    }

    /// The finest level that anything is logged at.
    pub fn finest(&self) -> LevelFilter {
        self.targets.iter().map(|(_, level)| *level).fold(self.default, LevelFilter::max)
    }

    fn of(&self, target: &str) -> LevelFilter {
        let fitting = self.targets.iter().filter(|(of, _)| is_below(target, of));
        let level = fitting.max_by_key(|(of, _)| of.len()).map_or_else(
            || {
                let quiet = QUIET.iter().find(|(of, _)| is_below(target, of));
                quiet.map_or(self.default, |(_, level)| self.default.min(*level))
            },
            |(_, level)| *level,
        );
        let held = HELD.iter().find(|(of, _)| is_below(target, of));
        held.map_or(level, |(_, most)| level.min(*most))
    }
}

impl FromStr for Filter {
    type Err = String;

    /// A misspelt level would be taken for a target and silence everything; so a
    /// target has its level.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut filter = Self { default: LevelFilter::INFO, targets: Vec::new() };
        for directive in text.split(',').map(str::trim) {
            let (target, level) = match directive.split_once('=') {
                Some((target, level)) => (Some(target), level),
                None => (None, directive),
            };
            // An empty text would be taken for `error`.
            let level = level
                .parse()
                .ok()
                .filter(|_| !level.is_empty())
                .ok_or(format!("`{level}` is not a level"))?;
            match target {
                None => filter.default = level,
                Some(target) if is_target(target) => {
                    filter.targets.retain(|(of, _)| of != target);
                    filter.targets.push((target.to_owned(), level));
                }
                Some(target) => return Err(format!("`{target}` is not a target")),
            }
        }
        Ok(filter)
    }
}

fn is_target(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:-.".contains(&byte))
}

fn is_below(target: &str, of: &str) -> bool {
    target.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Filter {
        text.parse().unwrap()
    }

    #[test]
    fn a_word_that_is_not_a_level_is_refused_and_not_taken_for_a_target() {
        for good in ["info", "TRACE", "booking=debug", "warn, pg=trace", "off", "booking::feed=off"] {
            assert!(good.parse::<Filter>().is_ok(), "{good}");
        }
        let bad =
            ["nonsense", "", "info,", "booking", "booking=loud", "info,x y=z", "=info", "a=", "[rpc]=info"];
        for bad in bad {
            assert!(bad.parse::<Filter>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_named_stays_at_info() {
        let named = filter("booking=debug");
        for (target, level, logged) in [
            ("booking", Level::DEBUG, true),
            ("booking::feed", Level::DEBUG, true),
            ("bookings", Level::DEBUG, false),
            ("identity", Level::INFO, true),
            ("identity", Level::DEBUG, false),
            ("refinery_core::drivers", Level::INFO, false),
        ] {
            assert_eq!(named.lets_through(target, level), logged, "{target} {level}");
        }
        let error = filter("error");
        assert!(!error.lets_through("booking", Level::WARN) && !error.lets_through("h2", Level::INFO));
        assert!(!error.lets_through("refinery_core", Level::WARN));
        let longest = filter("booking::feed=error,booking=trace");
        assert!(longest.lets_through("booking::rpc", Level::TRACE));
        assert!(!longest.lets_through("booking::feed::hub", Level::INFO));
        assert_eq!(longest.finest(), LevelFilter::TRACE);
        assert_eq!(filter("off").finest(), LevelFilter::OFF);
    }

    #[test]
    fn libraries_that_print_secrets_are_held_whatever_is_asked_for() {
        for asked in ["trace", "tokio_postgres=trace", "tokio_postgres::query=trace", "h2::codec=trace"] {
            let filter = filter(asked);
            assert!(!filter.lets_through("tokio_postgres::query", Level::INFO), "{asked}");
            assert!(!filter.lets_through("h2::codec", Level::DEBUG), "{asked}");
        }
        assert!(filter("trace").lets_through("tokio_postgres", Level::WARN));
        assert!(!filter("error").lets_through("tokio_postgres", Level::WARN));
    }
}
