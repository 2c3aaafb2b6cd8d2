//! What was measured: rates of rounds, and how long events took into their streams.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use uuid::Uuid;

/// How long watchers are waited for when the calls are over.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the rounds of one part gave.
pub struct Rates(pub Vec<f64>);

impl Rates {
    #[allow(clippy::cast_precision_loss)]
    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }
}

/// The middle one of the differences to another part in the same round, in percent.
pub fn difference(rates: &Rates, to: &Rates) -> f64 {
    let mut all: Vec<f64> =
        rates.0.iter().zip(&to.0).map(|(one, other)| 100.0 * (one / other - 1.0)).collect();
    all.sort_by(f64::total_cmp);
    // Of an even number: what lies between the two in the middle.
    f64::midpoint(all[(all.len() - 1) / 2], all[all.len() / 2])
}

/// The mean, and between which rates it lies.
impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.0.iter().copied().fold(0.0, f64::max);
        write!(f, "{:.0} /s ({least:.0} to {most:.0})", self.mean())
    }
}

/// When requests were approved, and when watchers heard of it.
#[derive(Clone, Default)]
pub struct Times(Arc<Mutex<HashMap<Uuid, [Option<Instant>; 2]>>>);

impl Times {
    pub fn answered(&self, id: Uuid) {
        self.at(id, 0);
    }

    pub fn heard(&self, id: Uuid) {
        self.at(id, 1);
    }

    /// Waits until watchers have heard of everything, for a while.
    pub async fn all_heard(&self) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE && self.locked().values().any(|[_, heard]| heard.is_none()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn at(&self, id: Uuid, place: usize) {
        self.locked().entry(id).or_default()[place] = Some(Instant::now());
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Uuid, [Option<Instant>; 2]>> {
        self.0.lock().unwrap()
    }
}

/// The middle, and what 99 of 100 are under. An event may be heard before its answer.
impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let both = self.locked();
        let mut took: Vec<Duration> = both
            .values()
            .filter_map(|[answered, heard]| Some(heard.as_ref()?.saturating_duration_since((*answered)?)))
            .collect();
        took.sort_unstable();
        let ms = |place: usize| took.get(place).map_or(f64::NAN, |took| took.as_secs_f64() * 1000.0);
        let (middle, most) = (ms(took.len() / 2), ms(took.len() * 99 / 100));
        write!(
            f,
            "{middle:.1} ms in the middle, {most:.1} ms at 99 % ({} of {} heard)",
            took.len(),
            both.len()
        )
    }
}
