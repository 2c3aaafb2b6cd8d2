//! `make proof`: tries orders of every cell within limits, and says how many and what failed.

#![allow(clippy::unwrap_used, reason = "a proof that cannot go on says where")]

mod counted;
mod plan;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::Parser;
use proof::explore::Replay;
use proof::forged::{FORGERIES, Forgery};
use proof::worker::Worker;

use self::counted::{Counted, say};
use self::plan::{Arguments, Job};

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
    let jobs = plan::jobs(&arguments);
    if jobs.is_empty() {
        say!("no cell has such a state and such a call");
        return ExitCode::from(2);
    }
    say!("{} cells", jobs.len());
    let (jobs, next, counted) = (Arc::new(jobs), Arc::<AtomicUsize>::default(), Arc::<Counted>::default());
    let workers = (0..arguments.workers).map(|_| {
        let (jobs, next, counted) = (Arc::clone(&jobs), Arc::clone(&next), Arc::clone(&counted));
        tokio::spawn(async move {
            let worker = Worker::new(forged);
            while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                Box::pin(try_all(&worker, job, &counted)).await;
                counted.say_how_far(jobs.len(), began);
                if counted.failed() >= arguments.failures {
                    break;
                }
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    counted.say_all(began);
    if counted.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn try_all(worker: &Worker, job: &Job, counted: &Counted) {
    let cell = &job.cell;
    let found = match job.how {
        plan::How::Drawn { orders, seed } => cell.draw(worker, orders, seed).await,
        plan::How::InEveryWay => cell.break_off_in_every_way(worker).await,
        plan::How::All { limits, breaks } => {
            let mut found = cell.explore(worker, limits).await;
            if breaks {
                let broken = cell.break_off(worker).await;
                found.orders += broken.orders;
                found.again += broken.again;
                found.failed.extend(broken.failed);
            }
            found
        }
    };
    counted.add(job, found);
}
