//! What all workers have found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use proof::explore::Found;

use crate::plan::Job;

/// What it finds is its result; whoever does not read it has it go on.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _unread = writeln!(std::io::stdout(), $($text)*);
    }};
}
pub(crate) use say;

/// Cells after which it says how far it is.
const NOW_AND_THEN: usize = 1000;

/// What was found, by the kind of what was tried.
#[derive(Debug, Default)]
pub struct Counted(Mutex<BTreeMap<&'static str, Count>>);

#[derive(Debug, Default, Clone)]
struct Count {
    orders: usize,
    again: usize,
    jobs: usize,
    /// States and calls.
    cells: BTreeSet<String>,
    cut: usize,
    failed: usize,
}

impl Counted {
    pub fn add(&self, job: &Job, found: Found) {
        for failed in &found.failed {
            say!("{failed}");
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(job.kind()).or_default();
        count.orders += found.orders;
        count.again += found.again;
        count.jobs += 1;
        count.cells.insert(job.cell.to_string());
        count.cut += usize::from(found.is_cut);
        count.failed += found.failed.len();
    }

    pub fn failed(&self) -> usize {
        self.sum().failed
    }

    /// Now and then, for whoever waits.
    pub fn say_how_far(&self, of: usize, began: Instant) {
        let sum = self.sum();
        if sum.jobs.is_multiple_of(NOW_AND_THEN) {
            say!("{}, {} of {of}", sum.text(began), sum.jobs);
        }
    }

    /// At the end.
    pub fn say_all(&self, began: Instant) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (kind, count) in &all {
            say!("{kind}: {}", count.text(began));
        }
        say!("all: {}", self.sum().text(began));
    }

    fn sum(&self) -> Count {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sum = Count::default();
        for Count { orders, again, jobs, cells, cut, failed } in all.values() {
            sum.orders += orders;
            sum.again += again;
            sum.jobs += jobs;
            sum.cells.extend(cells.iter().cloned());
            sum.cut += cut;
            sum.failed += failed;
        }
        sum
    }
}

impl Count {
    fn text(&self, began: Instant) -> String {
        let Self { orders, again, cells, cut, failed, .. } = self;
        format!(
            "{orders} orders ({again} run again) of {} cells, {cut} of them not in all orders; {failed} failed; {:.0} s",
            cells.len(),
            began.elapsed().as_secs_f32()
        )
    }
}
