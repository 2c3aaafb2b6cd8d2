//! Three calls at once, of which one is an approve: too many orders to try them all, so cells and
//! orders are drawn by a seed.

use crate::call::Call;
use crate::check::faults;
use crate::explore::{Cell, Found};
use crate::states::Start;
use crate::worker::Worker;
use crate::world::{Headers, Layout};

/// How often, of a hundred times, a call is left that could go on.
const LEAVES: u64 = 35;

/// Numbers that look drawn, the same for a seed each time (`SplitMix64`).
#[derive(Debug, Clone, Copy)]
pub struct Draw(u64);

impl Draw {
    pub fn by(seed: u64) -> Self {
        Self(seed)
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let count = u64::try_from(of.len()).ok().filter(|count| *count > 0)?;
        of.get(usize::try_from(self.number() % count).ok()?).copied()
    }
}

impl Cell {
    /// So many triples, where the model knows what they do.
    pub fn triples(starts: &[Start], count: usize, seed: u64) -> Vec<Self> {
        let mut draw = Draw::by(seed);
        let all: Vec<&Start> = starts
            .iter()
            .filter(|start| start.world.layout == Layout::Standard && start.world.headers != Headers::Etag)
            .collect();
        let triple = |_| {
            let start = draw.one(&all)?;
            let is_known = |call: &Call| call.is_described();
            let calls: Vec<Call> = Call::all(&start.world).into_iter().filter(is_known).collect();
            let approves: Vec<Call> =
                calls.iter().copied().filter(|call| matches!(call, Call::Approve(_))).collect();
            let calls = vec![draw.one(&approves)?, draw.one(&calls)?, draw.one(&calls)?];
            Some(Self { start: start.clone(), calls })
        };
        (0..count).filter_map(triple).collect()
    }

    /// Tries so many orders that are drawn.
    pub async fn draw(&self, worker: &Worker, orders: usize, seed: u64) -> Found {
        let mut found = Found { is_cut: true, ..Found::default() };
        let allowed = self.allowed(worker, &mut found).await;
        let mut draw = Draw::by(seed);
        for _ in 0..orders {
            let mut last = None::<char>;
            let mut next = |at: usize, letters: &[char]| {
                last = last.filter(|_| at > 0);
                let goes_on = letters
                    .iter()
                    .copied()
                    .find(|one| last.is_some_and(|last| last.eq_ignore_ascii_case(one)));
                let leaves = draw.number() % 100 < LEAVES;
                last = goes_on.filter(|_| !leaves).or_else(|| draw.one(letters));
                last.map(|letter| (letter, None))
            };
            let ran = worker.run_by(&self.start, &self.calls, &mut next).await;
            found.count(&ran);
            if !faults(&self.calls, &ran, &allowed).is_empty() {
                found.failed.push(self.failed(worker, ran, &allowed).await);
                break;
            }
        }
        found
    }
}
