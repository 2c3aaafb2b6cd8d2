//! `make proof`: tries orders of every cell within limits, and says how many and what failed.

#![allow(clippy::unwrap_used, reason = "a proof that cannot go on says where")]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::Parser;
use proof::explore::{Cell, Limits, Replay};
use proof::forged::{FORGERIES, Forgery};
use proof::states::Start;
use proof::worker::Worker;

/// What it finds is its result; whoever does not read it has it go on.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _unread = writeln!(std::io::stdout(), $($text)*);
    }};
}

/// Tries orders in which the statements of two calls can reach Postgres.
#[derive(Debug, Parser)]
struct Arguments {
    /// Runs one order that a failure has named: a state, calls and turns.
    #[arg(long)]
    replay: Option<String>,
    /// Only states whose name has this in it; `=NAME` is that one, `!PART` those without it.
    #[arg(long, default_value = "")]
    state: String,
    /// Only pairs with a call whose name begins so.
    #[arg(long, default_value = "")]
    call: String,
    /// Only one cell in so many.
    #[arg(long, default_value_t = 1)]
    one_in: usize,
    /// So many triples with an approve in place of all pairs, drawn by a seed.
    #[arg(long, default_value_t = 0)]
    triples: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A fault that is put in on purpose, to see that it is found.
    #[arg(long)]
    forge: Option<String>,
    /// How often a call may be left that could go on.
    #[arg(long, default_value_t = 3)]
    switches: usize,
    /// Most orders of a pair from a state.
    #[arg(long, default_value_t = 400)]
    most: usize,
    /// Of one cell in so many, the first call is broken off at each of its statements, too.
    #[arg(long, default_value_t = 1)]
    broken_in: usize,
    /// How many orders are tried at once.
    #[arg(long, default_value_t = 6)]
    workers: usize,
    /// Failures after which it ends.
    #[arg(long, default_value_t = 10)]
    failures: usize,
}

/// What all workers have found.
#[derive(Default)]
struct Counted {
    orders: AtomicUsize,
    again: AtomicUsize,
    cells: AtomicUsize,
    cut: AtomicUsize,
    failed: AtomicUsize,
}

#[tokio::main]
async fn main() -> ExitCode {
    access::install_crypto();
    let arguments = Arguments::parse();
    let forged = match arguments.forge.as_deref().map(Forgery::named) {
        Some(None) => {
            let names: Vec<&str> = FORGERIES.iter().map(|forgery| forgery.name).collect();
            say!("--forge takes one of {}", names.join(", "));
            return ExitCode::from(2);
        }
        known => known.flatten(),
    };
    match &arguments.replay {
        Some(replay) => Box::pin(once(replay, forged)).await,
        None => Box::pin(all(arguments, forged)).await,
    }
}

async fn once(replay: &str, forged: Option<&'static Forgery>) -> ExitCode {
    let replay: Replay = match replay.parse() {
        Ok(replay) => replay,
        Err(error) => {
            say!("{error}");
            return ExitCode::from(2);
        }
    };
    let worker = Worker::new(forged);
    let failed = replay.again(&worker).await;
    say!("{failed}");
    if failed.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn all(arguments: Arguments, forged: Option<&'static Forgery>) -> ExitCode {
    let began = Instant::now();
    let fits = |start: &Start| match arguments.state.split_at_checked(1) {
        Some(("=", name)) => start.name == name,
        Some(("!", part)) => !start.name.contains(part),
        _ => start.name.contains(&arguments.state),
    };
    let starts: Vec<Start> = Start::all().into_iter().filter(fits).collect();
    let with = |cell: &Cell| cell.calls.iter().any(|call| call.to_string().starts_with(&arguments.call));
    let drawn = (arguments.triples > 0).then_some(arguments.seed);
    let cells: Vec<Cell> = match drawn {
        Some(seed) => Cell::triples(&starts, arguments.triples, seed),
        None => starts.iter().flat_map(Cell::pairs).filter(with).step_by(arguments.one_in.max(1)).collect(),
    };
    say!("{} states, {} cells", starts.len(), cells.len());
    let limits = Limits { switches: arguments.switches, most: arguments.most, failures: 3 };
    let broken_in = arguments.broken_in;
    let (cells, next, counted) = (Arc::new(cells), Arc::<AtomicUsize>::default(), Arc::<Counted>::default());
    let workers = (0..arguments.workers).map(|_| {
        let (cells, next, counted) = (Arc::clone(&cells), Arc::clone(&next), Arc::clone(&counted));
        tokio::spawn(async move {
            let worker = Worker::new(forged);
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(cell) = cells.get(at) else { break };
                let breaks = at % broken_in.max(1) == 0;
                try_all(&worker, cell, limits, (drawn, breaks), &counted).await;
                counted.say_how_far(cells.len(), began);
                if counted.failed.load(Ordering::Relaxed) >= arguments.failures {
                    break;
                }
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    say!("{}", counted.text(began));
    if counted.failed.load(Ordering::Relaxed) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Counted {
    fn text(&self, began: Instant) -> String {
        let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
        format!(
            "{} orders ({} run again) of {} cells in {:.0} s; of {} cells only those with few switches; {} failed",
            count(&self.orders),
            count(&self.again),
            count(&self.cells),
            began.elapsed().as_secs_f32(),
            count(&self.cut),
            count(&self.failed)
        )
    }

    /// Now and then, for whoever waits.
    fn say_how_far(&self, of: usize, began: Instant) {
        if self.cells.load(Ordering::Relaxed).is_multiple_of(500) {
            say!("{}, of {of}", self.text(began));
        }
    }
}

async fn try_all(
    worker: &Worker,
    cell: &Cell,
    limits: Limits,
    (drawn, breaks): (Option<u64>, bool),
    counted: &Counted,
) {
    let found = match drawn {
        Some(seed) => Box::pin(cell.draw(worker, limits.most, seed)).await,
        None => {
            let mut found = Box::pin(cell.explore(worker, limits)).await;
            if breaks {
                let broken = Box::pin(cell.break_off(worker)).await;
                found.orders += broken.orders;
                found.again += broken.again;
                found.failed.extend(broken.failed);
            }
            found
        }
    };
    counted.orders.fetch_add(found.orders, Ordering::Relaxed);
    counted.again.fetch_add(found.again, Ordering::Relaxed);
    counted.cells.fetch_add(1, Ordering::Relaxed);
    counted.cut.fetch_add(usize::from(found.is_cut), Ordering::Relaxed);
    counted.failed.fetch_add(found.failed.len(), Ordering::Relaxed);
    for failed in found.failed {
        say!("{failed}");
    }
}
