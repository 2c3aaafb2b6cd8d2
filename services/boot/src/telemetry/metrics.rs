//! What `/metrics` shows, in Prometheus' text format (version 0.0.4) by the rules of
//! OpenMetrics. What is counted, the parts know: each has its figures read when
//! somebody asks, so that calls only add to numbers.
//!
//! A name says what is counted and in which unit, `_total` that it only grows. Labels
//! have few values, none of which is a tenant's or a person's.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::figures::Seconds;
use super::log::Log;
use super::tracer::Traces;
use crate::{Answer, TaskState, Version};

/// The media type of the text.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

type Source = Arc<dyn Fn(&mut Scrape) + Send + Sync>;

/// Who has figures, in the parts of a process. Clones have the same ones.
#[derive(Clone, Default)]
pub struct Metrics(Vec<(&'static str, Source)>);

/// What is read of the figures, grouped by name.
#[derive(Debug, Default)]
pub struct Scrape {
    families: BTreeMap<&'static str, Family>,
    /// Whose figures are read; each has the label `part`.
    part: Option<&'static str>,
}

#[derive(Debug)]
struct Family {
    kind: &'static str,
    help: &'static str,
    samples: String,
}

/// The labels of a figure, with their values.
pub type Labels<'l> = &'l [(&'static str, &'l str)];

impl Metrics {
    /// Figures of a part of the process, read when somebody asks for them.
    #[must_use]
    pub fn with(mut self, part: &'static str, read: impl Fn(&mut Scrape) + Send + Sync + 'static) -> Self {
        self.0.push((part, Arc::new(read)));
        self
    }

    /// Those of other parts of the process, too.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The figures of a process as text.
    pub(crate) fn text(&self, version: Version, answers: &[Answer], tasks: &[TaskState]) -> String {
        let mut scrape = Scrape::default();
        build(&mut scrape, version);
        process(&mut scrape, answers, tasks);
        traces(&mut scrape);
        for (part, read) in &self.0 {
            scrape.part = Some(part);
            read(&mut scrape);
        }
        scrape.text()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.0.iter().map(|(part, _)| part)).finish()
    }
}

impl Scrape {
    /// How often something happened; the name ends in `_total`.
    pub fn count(&mut self, name: &'static str, help: &'static str, labels: Labels<'_>, value: u64) {
        self.sample(("counter", name, help), "", labels, format_args!("{value}"));
    }

    /// Calls that were refused before they were begun, by what there was no room for.
    pub fn shed(&mut self, waits_for: &str, value: u64) {
        let help = "Calls that were refused before they were begun, by what there was no room for.";
        self.count("frontdesk_shed_total", help, &[("waits_for", waits_for)], value);
    }

    /// How something is now.
    pub fn now(&mut self, name: &'static str, help: &'static str, labels: Labels<'_>, value: f64) {
        self.sample(("gauge", name, help), "", labels, format_args!("{value}"));
    }

    /// How many there are now.
    pub fn how_many(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: Labels<'_>,
        value: impl TryInto<u64>,
    ) {
        let value = value.try_into().unwrap_or(u64::MAX);
        self.sample(("gauge", name, help), "", labels, format_args!("{value}"));
    }

    /// How long something took; the name ends in `_seconds`.
    pub fn seconds(&mut self, name: &'static str, help: &'static str, labels: Labels<'_>, value: &Seconds) {
        let (buckets, sum) = value.read();
        let all = buckets.last().map_or(0, |(_, count)| *count);
        let family = ("histogram", name, help);
        for (bound, count) in &buckets {
            let labels: Vec<(&'static str, &str)> =
                labels.iter().copied().chain([("le", bound.as_str())]).collect();
            self.sample(family, "_bucket", &labels, format_args!("{count}"));
        }
        self.sample(family, "_sum", labels, format_args!("{sum}"));
        self.sample(family, "_count", labels, format_args!("{all}"));
    }

    fn sample(
        &mut self,
        (kind, name, help): (&'static str, &'static str, &'static str),
        suffix: &str,
        labels: Labels<'_>,
        value: fmt::Arguments<'_>,
    ) {
        let family =
            self.families.entry(name).or_insert_with(|| Family { kind, help, samples: String::new() });
        let part = self.part.map(|part| ("part", part));
        let labels: Vec<String> =
            part.iter().chain(labels).map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        // Writing to a text does not fail.
        writeln!(family.samples, "{name}{suffix}{labels} {value}").unwrap_or_default();
    }

    fn text(self) -> String {
        let family = |(name, Family { kind, help, samples }): (&str, Family)| {
            format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{samples}")
        };
        self.families.into_iter().map(family).collect()
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn build(scrape: &mut Scrape, Version { number, commit }: Version) {
    let labels = [("version", number), ("commit", commit)];
    scrape.now("frontdesk_build_info", "Which build runs.", &labels, 1.0);
}

/// What every process has: readiness, background tasks, the log.
fn process(scrape: &mut Scrape, answers: &[Answer], tasks: &[TaskState]) {
    if let Some(memory) = resident_bytes() {
        scrape.how_many("process_resident_memory_bytes", "Memory of the process.", &[], memory);
    }
    for answer in answers {
        scrape.now(
            "frontdesk_ready",
            "Whether what the process depends on is there.",
            &[("check", answer.name)],
            f64::from(answer.result.is_ok()),
        );
    }
    for task in tasks {
        task_figures(scrape, task);
    }
    let (written, lost) = Log::counts();
    for (outcome, count) in [("written", written), ("lost", lost)] {
        scrape.count(
            "frontdesk_log_lines_total",
            "Lines of the log; those that are lost came while nobody read it, or while its disk was full.",
            &[("outcome", outcome)],
            count,
        );
    }
}

fn traces(scrape: &mut Scrape) {
    let Some((sent, lost)) = Traces::counts() else { return };
    for (outcome, count) in [("sent", sent), ("lost", lost)] {
        let help = "Spans of traces; those that are lost came while no collector took them.";
        scrape.count("frontdesk_trace_spans_total", help, &[("outcome", outcome)], count);
    }
}

fn task_figures(scrape: &mut Scrape, task: &TaskState) {
    let of = [("task", task.name)];
    for (outcome, count) in
        [("succeeded", task.succeeded), ("failed", task.failed), ("panicked", task.panicked)]
    {
        scrape.count(
            "frontdesk_background_runs_total",
            "Runs of background tasks.",
            &[of[0], ("outcome", outcome)],
            count,
        );
    }
    scrape.now(
        "frontdesk_background_healthy",
        "Whether the last run that ended did not panic.",
        &of,
        f64::from(!task.unhealthy),
    );
    scrape.now(
        "frontdesk_background_last_run_timestamp_seconds",
        "When the last run ended; 0 before the first.",
        &of,
        task.last_run.map_or(0.0, since_the_epoch),
    );
    scrape.now(
        "frontdesk_background_last_run_seconds",
        "How long the last run took.",
        &of,
        task.last_duration.as_secs_f64(),
    );
}

fn since_the_epoch(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// As Linux has it; left out elsewhere.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
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
        let took = Seconds::default();
        took.add(Duration::from_millis(3));
        let metrics = Metrics::default().with("identity", move |scrape| {
            scrape.seconds("x_seconds", "How long.", &[("of", "a")], &took);
        });
        let other = Metrics::default().with("booking", |scrape| scrape.count("x_total", "Often.", &[], 7));
        let text = metrics.and(other).text(Version { number: "1", commit: "abc" }, &answers, &[task]);
        for line in [
            "frontdesk_build_info{version=\"1\",commit=\"abc\"} 1",
            "# TYPE frontdesk_ready gauge",
            "frontdesk_ready{check=\"database\"} 1",
            "frontdesk_ready{check=\"schema\"} 0",
            "frontdesk_background_runs_total{task=\"expire \\\"holds\\\"\",outcome=\"succeeded\"} 3",
            "frontdesk_background_runs_total{task=\"expire \\\"holds\\\"\",outcome=\"panicked\"} 1",
            "frontdesk_background_healthy{task=\"expire \\\"holds\\\"\"} 0",
            "frontdesk_background_last_run_timestamp_seconds{task=\"expire \\\"holds\\\"\"} 1.5",
            "# TYPE x_seconds histogram",
            "x_seconds_bucket{part=\"identity\",of=\"a\",le=\"0.0025\"} 0",
            "x_seconds_bucket{part=\"identity\",of=\"a\",le=\"+Inf\"} 1",
            "x_seconds_sum{part=\"identity\",of=\"a\"} 0.003",
            "x_seconds_count{part=\"identity\",of=\"a\"} 1",
            "x_total{part=\"booking\"} 7",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with('\n') && !text.contains("\n\n"));
    }
}
