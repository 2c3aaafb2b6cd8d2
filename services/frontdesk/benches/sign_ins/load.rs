//! Others, who call beside the good ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::Bench;

/// Others, until they are told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    pub answers: Arc<[AtomicU64; 6]>,
    tasks: JoinSet<()>,
}

impl Bench {
    /// So many who call at once, and again so long after each answer.
    pub fn load<F>(
        &self,
        many: usize,
        again: Duration,
        call: impl Fn(Self, usize) -> F + Clone + Send + 'static,
    ) -> Load
    where
        F: Future<Output = u16> + Send,
    {
        let (stop, answers) = (Arc::new(AtomicBool::new(false)), Arc::<[AtomicU64; 6]>::default());
        let mut tasks = JoinSet::new();
        for n in 0..many {
            let (bench, call, stop, answers) =
                (self.clone(), call.clone(), Arc::clone(&stop), Arc::clone(&answers));
            tasks.spawn(async move {
                loop {
                    let status = call(bench.clone(), n).await;
                    answers[usize::from(status / 100)].fetch_add(1, Ordering::Relaxed);
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    tokio::time::sleep(again).await;
                }
            });
        }
        Load { stop, answers, tasks }
    }
}

impl Load {
    /// Waits until so many were answered.
    pub async fn has_answered(&self, many: u64) {
        while self.answers.iter().map(|answers| answers.load(Ordering::Relaxed)).sum::<u64>() < many {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn end(self, name: &str) {
        let Self { stop, answers, mut tasks } = self;
        stop.store(true, Ordering::Relaxed);
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
        let of = |class: usize| answers[class].load(Ordering::Relaxed);
        println!("    of {name}: {} answered, {} refused, {} without room", of(2), of(4), of(5));
    }
}
