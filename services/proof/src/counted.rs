//! What all workers have found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
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
pub struct Counted {
    kinds: Mutex<BTreeMap<&'static str, Count>>,
    jobs: AtomicUsize,
    failed: AtomicUsize,
}

#[derive(Debug, Default, Clone)]
struct Count {
    orders: usize,
    again: usize,
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
        self.failed.fetch_add(found.failed.len(), Ordering::Relaxed);
        let mut all = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(job.kind()).or_default();
        count.orders += found.orders;
        count.again += found.again;
        count.cells.insert(job.cell.to_string());
        count.cut += usize::from(found.is_cut);
        count.failed += found.failed.len();
    }

    pub fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }

    /// Now and then, for whoever waits.
    pub fn say_how_far(&self, of: usize, began: Instant) {
        let jobs = self.jobs.fetch_add(1, Ordering::Relaxed) + 1;
        if jobs.is_multiple_of(NOW_AND_THEN) {
            say!("{}, {jobs} of {of}", self.sum().text(began));
        }
    }

    /// At the end.
    pub fn say_all(&self, began: Instant) {
        let all = self.kinds.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (kind, count) in &all {
            say!("{kind}: {}", count.text(began));
        }
        say!("all: {}", self.sum().text(began));
    }

    fn sum(&self) -> Count {
        let all = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sum = Count::default();
        for Count { orders, again, cells, cut, failed } in all.values() {
            sum.orders += orders;
            sum.again += again;
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
