//! What is tried, by what the command line says.

use clap::Parser;
use proof::explore::{Cell, Limits};
use proof::states::Start;
use proof::world::{Headers, Layout};

/// Most orders of a pair of a plain state, and of another one.
const MOST_PLAIN: usize = 13;
const MOST_OTHERS: usize = 12;
/// Of pairs of states of other kinds, one in so many is tried.
const OTHERS_IN: usize = 4;
/// Of one pair in so many, the first call is broken off, too.
const BROKEN_IN: usize = 8;
const TRIPLES: usize = 400;

/// Tries orders in which the statements of calls can reach Postgres: all kinds of them, or what is
/// asked for.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// Runs one order that a failure has named: a state, calls and turns.
    #[arg(long)]
    pub replay: Option<String>,
    /// Only states whose name has this in it; `=NAME` is that one, `!PART` those without it.
    #[arg(long, default_value = "")]
    state: String,
    /// Only pairs with a call whose name begins so.
    #[arg(long, default_value = "")]
    call: String,
    /// Only one pair in so many.
    #[arg(long)]
    one_in: Option<usize>,
    /// So many triples with an approve in place of all pairs, drawn by a seed.
    #[arg(long)]
    triples: Option<usize>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only calls that are broken off in every way.
    #[arg(long)]
    breaks: bool,
    /// A fault that is put in on purpose, to see that it is found.
    #[arg(long)]
    pub forge: Option<String>,
    /// How often a call may be left that could go on.
    #[arg(long, default_value_t = 3)]
    switches: usize,
    /// Most orders of some calls from a state.
    #[arg(long)]
    most: Option<usize>,
    /// Of one pair in so many, the first call is broken off at each of its statements, too.
    #[arg(long)]
    broken_in: Option<usize>,
    /// How many orders are tried at once.
    #[arg(long, default_value_t = 6)]
    pub workers: usize,
    /// Failures after which it ends.
    #[arg(long, default_value_t = 10)]
    pub failures: usize,
}

/// Calls from a state, and what is tried of them.
#[derive(Debug)]
pub struct Job {
    pub cell: Cell,
    pub how: How,
}

/// What is tried of calls.
#[derive(Debug, Clone, Copy)]
pub enum How {
    All {
        limits: Limits,
        /// Whether the first call is broken off, too.
        breaks: bool,
    },
    Drawn {
        orders: usize,
        seed: u64,
    },
    InEveryWay,
}

impl Job {
    /// As what it is counted.
    pub fn kind(&self) -> &'static str {
        match self.how {
            How::Drawn { .. } => "triples",
            How::InEveryWay => "calls that are broken off in every way",
            How::All { .. } if self.cell.start.world.layout == Layout::Identity => "pairs of people",
            How::All { .. } if is_plain(&self.cell.start) => "pairs of plain states",
            How::All { .. } => "pairs of other states",
        }
    }
}

/// All that is tried.
pub fn jobs(arguments: &Arguments) -> Vec<Job> {
    let fits = |start: &Start| match arguments.state.split_at_checked(1) {
        Some(("=", name)) => start.name == name,
        Some(("!", part)) => !start.name.contains(part),
        _ => start.name.contains(&arguments.state),
    };
    let starts: Vec<Start> = Start::all().into_iter().filter(fits).collect();
    let triples = |count: usize| {
        let (orders, seed) = (arguments.most.unwrap_or(MOST_OTHERS), arguments.seed);
        let drawn = How::Drawn { orders, seed };
        Cell::triples(&starts, count, seed).into_iter().map(move |cell| Job { cell, how: drawn })
    };
    let in_every_way =
        || Cell::broken_in_every_way().into_iter().map(|cell| Job { cell, how: How::InEveryWay });
    if let Some(count) = arguments.triples {
        return triples(count).collect();
    }
    if arguments.breaks {
        return in_every_way().collect();
    }
    let all = arguments.state.is_empty() && arguments.call.is_empty() && arguments.one_in.is_none();
    let pairs = pairs(arguments, &starts);
    if !all {
        return pairs;
    }
    // What takes long comes first.
    in_every_way().chain(pairs).chain(triples(TRIPLES)).collect()
}

fn pairs(arguments: &Arguments, starts: &[Start]) -> Vec<Job> {
    let with = |cell: &Cell| cell.calls.iter().any(|call| call.to_string().starts_with(&arguments.call));
    let mut jobs: Vec<Job> = Vec::new();
    for is_thin in [false, true] {
        let of_it = starts.iter().filter(|start| is_thinned(start) == is_thin);
        let one_in = arguments.one_in.unwrap_or(if is_thin { OTHERS_IN } else { 1 }).max(1);
        let cells = of_it.flat_map(Cell::pairs).filter(with).step_by(one_in);
        jobs.extend(cells.enumerate().map(|(at, cell)| {
            let most = if is_plain(&cell.start) { MOST_PLAIN } else { MOST_OTHERS };
            let limits =
                Limits { switches: arguments.switches, most: arguments.most.unwrap_or(most), failures: 3 };
            let breaks = at % arguments.broken_in.unwrap_or(BROKEN_IN).max(1) == 0;
            Job { cell, how: How::All { limits, breaks } }
        }));
    }
    jobs
}

/// Whether only some of its pairs are tried.
fn is_thinned(start: &Start) -> bool {
    start.world.layout != Layout::Identity && !is_plain(start)
}

fn is_plain(start: &Start) -> bool {
    let world = &start.world;
    world.layout == Layout::Standard && !world.auto_decline && world.headers == Headers::None
}
