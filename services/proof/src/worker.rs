//! Whoever runs orders, one after the other.

use tokio::sync::OnceCell;

use crate::answer::Said;
use crate::call::Call;
use crate::calls::{Served, explain};
use crate::forged::Forgery;
use crate::run::{Next, Ran};
use crate::site::Site;
use crate::states::Start;
use crate::stepper::Fault;
use crate::world::Layout;

/// Runs one order after the other, in a site of its own for each layout.
#[derive(Debug)]
pub struct Worker {
    forged: Option<&'static Forgery>,
    sites: [OnceCell<Site>; 4],
    /// One whose server may be stopped.
    stops: OnceCell<Site>,
}

impl Worker {
    /// With a fault that was put in on purpose, or none.
    pub fn new(forged: Option<&'static Forgery>) -> Self {
        Self { forged, sites: Default::default(), stops: OnceCell::new() }
    }

    /// Runs the calls in an order, from a state. Where it ends, whoever had the last turn goes on,
    /// and then the first of the others.
    pub async fn run(&self, start: &Start, calls: &[Call], order: &[(char, Option<Fault>)]) -> Ran {
        let mut next = |at: usize, _: &[char]| order.get(at).copied();
        if !order.iter().any(|(_, fault)| fault.is_some_and(Fault::is_stop)) {
            return self.run_by(start, calls, &mut next).await;
        }
        let layout = start.world.layout;
        assert_eq!(layout, Layout::Standard, "no server of another layout is stopped");
        let site = self.stops.get_or_init(|| Site::that_stops(layout, self.forged)).await;
        site.run_by(start, calls, &mut next).await
    }

    /// The same, where `next` says which turn is taken.
    pub async fn run_by(&self, start: &Start, calls: &[Call], next: &mut Next<'_>) -> Ran {
        self.site(start).await.run_by(start, calls, next).await
    }

    /// What an approve says by its explanation.
    pub async fn explained(&self, start: &Start, request: u8) -> Said {
        let site = self.site(start).await;
        let Served::Booking(service) = &site.lanes[0].service else { return Said::default() };
        explain(service, site.store(&start.world, &[]).await.tenant, request).await
    }

    /// The lines that a state has before any call.
    pub async fn lines_before(&self, start: &Start) -> Vec<String> {
        let site = self.site(start).await;
        let stored = site.store(&start.world, &[]).await;
        site.lines_of(stored.tenant).await
    }

    async fn site(&self, start: &Start) -> &Site {
        let layout = start.world.layout;
        self.sites[layout as usize].get_or_init(|| Site::start(layout, self.forged)).await
    }
}
