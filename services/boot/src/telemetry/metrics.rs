//! What `/metrics` shows, in Prometheus' text format (version 0.0.4): readiness
//! and background tasks. Figures of calls and of the database are not here yet.

use std::time::{SystemTime, UNIX_EPOCH};

use super::log::Log;
use crate::{Answer, TaskState};

/// The media type of the text.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The figures of a process.
pub fn render(answers: &[Answer], tasks: &[TaskState]) -> String {
    let mut lines = Vec::new();
    let mut family = |name: &str, kind: &str, help: &str, samples: Vec<(String, f64)>| {
        lines.push(format!("# HELP {name} {help}"));
        lines.push(format!("# TYPE {name} {kind}"));
        lines.extend(samples.into_iter().map(|(labels, value)| format!("{name}{{{labels}}} {value}")));
    };
    family(
        "frontdesk_ready",
        "gauge",
        "Whether what the process depends on is there.",
        answers.iter().map(|one| (label("check", one.name), f64::from(one.result.is_ok()))).collect(),
    );
    let runs = tasks.iter().flat_map(|task| {
        [("succeeded", task.succeeded), ("failed", task.failed), ("panicked", task.panicked)]
            .map(|(outcome, count)| (format!("{},{}", of(task), label("outcome", outcome)), float(count)))
    });
    family("frontdesk_background_runs_total", "counter", "Runs of background tasks.", runs.collect());
    let each = |value: fn(&TaskState) -> f64| tasks.iter().map(|task| (of(task), value(task))).collect();
    family(
        "frontdesk_background_healthy",
        "gauge",
        "Whether the last run that ended did not panic.",
        each(|task| f64::from(!task.unhealthy)),
    );
    family(
        "frontdesk_background_last_run_timestamp_seconds",
        "gauge",
        "When the last run ended; 0 before the first.",
        each(|task| task.last_run.map_or(0.0, seconds)),
    );
    family(
        "frontdesk_background_last_run_seconds",
        "gauge",
        "How long the last run took.",
        each(|task| task.last_duration.as_secs_f64()),
    );
    let (written, lost) = Log::counts();
    family(
        "frontdesk_log_lines_total",
        "counter",
        "Lines of the log; those that are lost came while nobody read it, or while its disk was full.",
        [("written", written), ("lost", lost)]
            .map(|(what, count)| (label("outcome", what), float(count)))
            .into(),
    );
    lines.push(String::new());
    lines.join("\n")
}

fn of(task: &TaskState) -> String {
    label("task", task.name)
}

fn label(name: &str, value: &str) -> String {
    let escaped = value.chars().fold(String::new(), |mut text, one| {
        match one {
            '\\' => text.push_str(r"\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            one => text.push(one),
        }
        text
    });
    format!("{name}=\"{escaped}\"")
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "a count above 2^53 may be off by one")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let answers = [
            Answer { name: "database", result: Ok(()) },
            Answer { name: "schema", result: Err("\"x\" is missing".to_owned()) },
        ];
        let task = TaskState {
            name: "expire \"holds\"",
            succeeded: 3,
            panicked: 1,
            last_run: Some(UNIX_EPOCH + Duration::from_millis(1500)),
            unhealthy: true,
            ..TaskState::default()
        };
        let text = render(&answers, &[task]);
        for line in [
            "# TYPE frontdesk_ready gauge",
            "frontdesk_ready{check=\"database\"} 1",
            "frontdesk_ready{check=\"schema\"} 0",
            "frontdesk_background_runs_total{task=\"expire \\\"holds\\\"\",outcome=\"succeeded\"} 3",
            "frontdesk_background_runs_total{task=\"expire \\\"holds\\\"\",outcome=\"panicked\"} 1",
            "frontdesk_background_healthy{task=\"expire \\\"holds\\\"\"} 0",
            "frontdesk_background_last_run_timestamp_seconds{task=\"expire \\\"holds\\\"\"} 1.5",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with('\n'));
    }
}
