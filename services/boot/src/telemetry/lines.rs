//! Makes a line of each event and gives it to the writer. There are no spans: what
//! an event belongs to is known by the call under way (`call.rs`), and a tree of
//! spans would cost more than the rest of the line.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_log::NormalizeEvent;

use super::filter::Filter;
use super::line::{Form, Line};
use super::writer::Writer;
use crate::call;

/// A buffer that was larger is let go.
const KEEP: usize = 64 * 1024;

thread_local! {
    static BUFFER: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Takes every event of the process.
#[derive(Debug)]
pub struct Lines {
    pub filter: Filter,
    pub form: Form,
    pub writer: Arc<Writer>,
}

impl Subscriber for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && self.filter.lets_through(metadata.target(), *metadata.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter.finest())
    }

    fn event(&self, event: &Event<'_>) {
        let of_library = event.normalized_metadata();
        let metadata = of_library.as_ref().unwrap_or_else(|| event.metadata());
        with_buffer(|buffer| {
            let (level, target) = (*metadata.level(), metadata.target());
            let mut line = Line::begin(buffer, self.form, Timestamp::now(), level, target);
            event.record(&mut Fields(&mut line));
            call::with_current(|call| call.fields(|name, value| line.shown(name, value)));
            line.end();
            self.writer.push(buffer);
        });
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The line that says how many were lost.
pub fn notice(form: Form, lines: u64, cause: Option<&str>) -> String {
    let mut text = String::new();
    let mut line = Line::begin(&mut text, form, Timestamp::now(), Level::WARN, module_path!());
    line.shown("message", &"lines of the log were lost");
    line.bare("lines", format_args!("{lines}"));
    line.shown("cause", &cause.unwrap_or("they came faster than they were written"));
    line.end();
    text
}

/// A value that logs while it is shown, or a thread that ends, gets another buffer.
fn with_buffer(make: impl FnOnce(&mut String)) {
    let mut make = Some(make);
    let mut with = |buffer: &mut String| {
        buffer.clear();
        if let Some(make) = make.take() {
            make(buffer);
        }
        if buffer.capacity() > KEEP {
            *buffer = String::new();
        }
    };
    let kept = BUFFER.try_with(|buffer| buffer.try_borrow_mut().map(|mut buffer| with(&mut buffer)));
    if !matches!(kept, Ok(Ok(()))) {
        with(&mut String::new());
    }
}

/// Writes the fields of an event.
struct Fields<'l, 's>(&'l mut Line<'s>);

impl Visit for Fields<'_, '_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.shown(field.name(), &format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        // Where a line of a library is from is in its target already.
        if !field.name().starts_with("log.") {
            self.0.shown(field.name(), &value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if !field.name().starts_with("log.") {
            self.0.bare(field.name(), format_args!("{value}"));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.bare(field.name(), format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.bare(field.name(), format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Mutex;
    use std::time::Duration;

    use http::HeaderValue;
    use serde_json::Value as Json;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged meanwhile.
    fn logged(filter: &str, form: Form, meanwhile: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = Writer::start(kept.clone(), |lines, cause| notice(Form::Json, lines, cause)).unwrap();
        let lines = Lines { filter: filter.parse().unwrap(), form, writer: Arc::clone(&writer) };
        tracing::subscriber::with_default(lines, meanwhile);
        writer.finish(Duration::from_secs(10));
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_is_flat_and_says_which_call_it_belongs_to() {
        let text = logged("info", Form::Json, || {
            let call = call::Call::new(HeaderValue::from_static("of-a-request"), &http::HeaderMap::new());
            call.run_now(|| {
                call::note_tenant(uuid::Uuid::nil());
                let _span = tracing::info_span!("spans are not printed", secret = 1).entered();
                tracing::info!(count = 3, offset = -1, good = true, word = "x y", shown = %"shown", "told");
                tracing::debug!("left out");
            });
            tracing::error!(error = ?Some("x"), "outside");
        });
        let mut lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for line in &mut lines {
            assert!(line.as_object_mut().unwrap().remove("timestamp").unwrap().is_string());
        }
        let (target, id) = (module_path!(), uuid::Uuid::nil());
        assert_eq!(
            lines,
            [
                serde_json::json!({"level": "INFO", "target": target, "message": "told", "count": 3,
                    "offset": -1, "good": true, "word": "x y", "shown": "shown",
                    "request_id": "of-a-request", "tenant_id": id}),
                serde_json::json!({"level": "ERROR", "target": target, "message": "outside",
                    "error": "Some(\"x\")"}),
            ]
        );
    }

    #[test]
    fn a_value_that_logs_while_it_is_shown_has_a_line_of_its_own() {
        with_buffer(|outer| {
            outer.push_str("outer");
            with_buffer(|inner| {
                assert_eq!(inner, "");
                inner.push_str("inner");
            });
            assert_eq!(outer, "outer");
        });
    }

    #[test]
    fn what_is_lost_is_told_in_the_form_of_the_log() {
        let line = notice(Form::Json, 3, None);
        let read: Json = serde_json::from_str(&line).unwrap();
        assert_eq!((&read["lines"], &read["level"]), (&3.into(), &"WARN".into()));
        assert!(notice(Form::Text, 1, Some("No space left")).contains(" lines=1 cause=\"No space left\"\n"));
    }
}
