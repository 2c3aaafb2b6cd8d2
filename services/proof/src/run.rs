//! One order of the statements of some calls, run on a real Postgres.

mod ran;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::Row;

use crate::answer::Answer;
use crate::call::Call;
use crate::calls::Sender;
use crate::check::{faults_at_any_time, not_covered};
use crate::site::{Lane, Site};
use crate::states::Start;
use crate::stepper::{Connection, Doing, Fault};
use crate::world::Headers;

pub use self::ran::{Outcome, Point, Ran};

/// Most statements of all calls together; more is a call that goes round in a circle.
const MOST_STEPS: usize = 300;
/// When a call that says nothing is taken for stuck. No order depends on it.
const STUCK: Duration = Duration::from_secs(20);
/// How long what runs is left alone before the locks are asked whether it waits.
const MOMENT: Duration = Duration::from_millis(1);

/// How long an order may take. The product gives up a rollback after a second and a wait for a
/// lock after two, by its own clock; what came of an order that took as long says nothing.
const MOST_TIME: Duration = Duration::from_millis(900);
/// How often an order is run in which the machine stood still.
const RUNS: usize = 3;
/// How often it is looked whether the machine goes on, before that.
const PROBES: usize = 20;

/// Of the turns that may be taken, by the letters of their calls, the one that is taken, and how
/// it breaks. Before them comes how many were taken.
pub type Next<'a> = dyn FnMut(usize, &[char]) -> Option<(char, Option<Fault>)> + Send + 'a;

/// A call under way.
struct Running {
    call: JoinHandle<Answer>,
    is_answered: Arc<AtomicBool>,
}

/// What may come next: a letter for each call, a capital for a rollback, which may be that of an
/// attempt before the one that is under way.
struct Turn {
    letter: char,
    what: String,
    connection: Arc<Connection>,
}

impl Ran {
    /// Notes and takes the turn that the order asks for, or the next one. Gives the process whose
    /// connection is broken off by it.
    fn take(&mut self, turns: &[Turn], asked: Option<(char, Option<Fault>)>) -> Option<i32> {
        let last = self.points.last().map(|point| point.taken.to_ascii_lowercase());
        let goes_on = |turn: &&Turn| last.is_some_and(|last| turn.letter.eq_ignore_ascii_case(&last));
        let turn = match asked {
            Some((letter, _)) => turns.iter().find(|turn| turn.letter == letter),
            None => turns.iter().find(goes_on),
        };
        if turn.is_none() && asked.is_some() {
            self.strayed.get_or_insert(self.points.len() + 1);
        }
        let turn = turn.unwrap_or(&turns[0]);
        let fault = asked.and_then(|(_, fault)| fault);
        let letters = turns.iter().map(|turn| turn.letter).collect();
        self.points.push(Point { letters, taken: turn.letter, what: turn.what.clone(), fault });
        self.trace.push(format!("{} {}{}", turn.letter, turn.what, shown(fault)));
        let Some(fault) = fault else {
            turn.connection.release();
            return None;
        };
        turn.connection.break_off(fault);
        // One whose statement took too long goes on.
        (fault != Fault::TimedOut).then(|| turn.connection.process())
    }
}

/// What a call is doing.
enum Stage {
    /// It has been answered, and nothing is left of it.
    Over,
    /// Its process works.
    Works,
    /// Statements of it are held or run.
    Steps(Vec<Turn>, Vec<i32>),
}

impl Site {
    /// Runs calls from a state. `next` says which of the turns that may be taken is taken; where it
    /// says nothing, whoever had the last turn goes on, and then the first of the others.
    pub async fn run_by(&self, start: &Start, calls: &[Call], next: &mut Next<'_>) -> Ran {
        let mut known = BTreeSet::new();
        for again in 0.. {
            let mut ran = self.run_once(start, calls, next).await;
            // Of a call that hangs it is known.
            let is_slow = ran.stalled.is_some_and(|took| took < STUCK);
            if is_slow && again + 1 < RUNS && self.is_quick_again(start, calls).await {
                known.extend(faults_at_any_time(&ran));
                continue;
            }
            // The product may wait a second for what is left of a call that was broken off.
            if is_slow && ran.points.iter().all(|point| point.fault.is_none()) {
                let why = "it stalls each time, also while the calls one after the other take a moment";
                let why = if again + 1 < RUNS { "the machine stands still" } else { why };
                ran.trouble.push(why.to_owned());
            }
            ran.trouble.extend(known);
            ran.again = again;
            return ran;
        }
        Ran::default()
    }

    /// Waits until calls that come one after the other take a moment again. Whether they do.
    async fn is_quick_again(&self, start: &Start, calls: &[Call]) -> bool {
        for _ in 0..PROBES {
            if self.run_once(start, calls, &mut |_, _| None).await.stalled.is_none() {
                return true;
            }
        }
        false
    }

    async fn run_once(&self, start: &Start, calls: &[Call], next: &mut Next<'_>) -> Ran {
        let sender = self.store(&start.world, calls).await;
        let known = not_covered(&start.world.lines());
        let (mut ran, mut began) = (Ran { known, ..Ran::default() }, Instant::now());
        let running = self.begin(calls, &sender);
        loop {
            if ran.trace.len() >= MOST_STEPS {
                ran.trouble.push(format!("they go on after {MOST_STEPS} statements"));
                break;
            }
            let turns = match self.settled(&running).await {
                Ok(Some(turns)) => turns,
                Ok(None) => break,
                Err(trouble) => {
                    ran.trouble.push(trouble);
                    break;
                }
            };
            let is_answered: Vec<bool> =
                running.iter().map(|running| running.is_answered.load(Ordering::SeqCst)).collect();
            ran.note_earlier(&is_answered, &self.are_over(&is_answered));
            if turns.is_empty() {
                // The server has not noticed yet that a connection broke.
                if ran.points.iter().all(|point| point.fault.is_none()) {
                    ran.trouble.push("they wait for each other in a circle".to_owned());
                }
                ran.trace.push("-- all wait".to_owned());
                if timeout(STUCK, self.changed.notified()).await.is_err() {
                    ran.trouble.push("nobody goes on".to_owned());
                    break;
                }
                continue;
            }
            let letters: Vec<char> = turns.iter().map(|turn| turn.letter).collect();
            let asked = next(ran.points.len(), &letters);
            let stops = asked.and_then(|(_, fault)| fault).is_some_and(Fault::is_stop);
            let stopping = stops.then(|| self.stopping());
            match (ran.take(&turns, asked), stopping) {
                (_, Some(connections)) => {
                    let stopped = Instant::now();
                    self.stop_and_start(connections, &mut ran).await;
                    // No call has been waiting for itself.
                    began += stopped.elapsed();
                }
                (Some(broken), None) => self.until_noticed(broken, &mut ran).await,
                (None, None) => {}
            }
        }
        self.end(running, &mut ran).await;
        ran.stalled = Some(began.elapsed()).filter(|took| *took > MOST_TIME);
        if start.world.headers == Headers::Key {
            ran.compare_repeated(calls);
        }
        ran.outcome.lines = self.lines_of(sender.tenant).await;
        ran
    }

    /// Has clients wait until the server takes connections. Those that there are.
    fn stopping(&self) -> Vec<Arc<Connection>> {
        self.lanes.iter().for_each(|lane| lane.stepper.set_up(false));
        self.lanes.iter().flat_map(|lane| lane.stepper.connections()).collect()
    }

    /// Stops the server when nothing runs, and starts it again. All connections end.
    async fn stop_and_start(&self, connections: Vec<Arc<Connection>>, ran: &mut Ran) {
        let until = async |is_it: &(dyn Fn(&Connection) -> bool + Sync)| {
            while !connections.iter().all(|one| is_it(one)) {
                tokio::time::sleep(MOMENT).await;
            }
        };
        let runs_nothing = |one: &Connection| !matches!(one.doing(), Doing::Runs(_));
        if timeout(STUCK, until(&runs_nothing)).await.is_err() {
            ran.trouble.push("a statement does not end before the server stops".to_owned());
        }
        self.restart().await;
        self.lanes.iter().for_each(|lane| lane.stepper.set_up(true));
        if timeout(STUCK, until(&Connection::is_closed)).await.is_err() {
            ran.trouble.push("a connection outlives its server".to_owned());
        }
    }

    /// Waits until a process whose connection broke has undone what it had begun, or waits for a
    /// lock: otherwise its locks would last for a time that no order says.
    async fn until_noticed(&self, process: i32, ran: &mut Ran) {
        let noticed = async {
            let own = self.own();
            while own.sql.query_one(&own.runs, &[&process]).await.unwrap().get(0) {
                tokio::time::sleep(MOMENT).await;
            }
        };
        if timeout(STUCK, noticed).await.is_err() {
            ran.trouble.push("the server does not notice that a connection broke".to_owned());
        }
    }

    fn begin(&self, calls: &[Call], sender: &Sender) -> Vec<Running> {
        let one = |(call, lane): (&Call, &Lane)| {
            lane.stepper.arm(true);
            let (call, service, changed) = (*call, lane.service.clone(), Arc::clone(&self.changed));
            let (is_answered, sender) = (Arc::<AtomicBool>::default(), sender.clone());
            let answered = Arc::clone(&is_answered);
            let call = tokio::spawn(async move {
                let answer = call.make(&service, &sender).await;
                answered.store(true, Ordering::SeqCst);
                changed.notify_one();
                answer
            });
            Running { call, is_answered }
        };
        calls.iter().zip(&self.lanes).map(one).collect()
    }

    /// Lets everything pass until nothing is left.
    async fn end(&self, running: Vec<Running>, ran: &mut Ran) {
        for lane in &self.lanes {
            lane.stepper.arm(false);
        }
        for Running { mut call, .. } in running {
            let Answer { text, whole, said } = match timeout(STUCK, &mut call).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Answer::of("PANICKED".to_owned()),
                Err(_) => {
                    call.abort();
                    Answer::of("STUCK".to_owned())
                }
            };
            ran.outcome.answers.push(text);
            ran.wholes.push(whole);
            ran.said.push(said);
        }
        for lane in &self.lanes {
            while lane.stepper.connections().iter().any(|one| one.doing() != Doing::Rests) {
                if timeout(STUCK, self.changed.notified()).await.is_err() {
                    ran.trouble.push("a connection does not come to rest".to_owned());
                    break;
                }
            }
            if lane.stepper.takes_circle() {
                ran.trouble.push("Postgres ended what waited in a circle".to_owned());
            }
        }
    }

    /// Waits until every call is over, holds a statement, or waits for a lock of another one. The
    /// turns that may be taken then; `None` when all are over.
    async fn settled(&self, running: &[Running]) -> Result<Option<Vec<Turn>>, String> {
        loop {
            let (mut turns, mut run, mut works, mut over) = (Vec::new(), Vec::new(), false, 0);
            for (at, (call, lane)) in running.iter().zip(&self.lanes).enumerate() {
                // Asked first: what it leaves open shows at its connections after that.
                let is_answered = call.is_answered.load(Ordering::SeqCst);
                match stage(at, is_answered, &lane.stepper.connections()) {
                    Stage::Over => over += 1,
                    Stage::Works => works = true,
                    Stage::Steps(held, runs) => {
                        turns.extend(held);
                        run.extend(runs);
                    }
                }
            }
            if over == running.len() {
                return Ok(None);
            }
            if !works && (run.is_empty() || self.all_wait(&run).await) {
                return Ok(Some(turns));
            }
            // What runs may also wait for somebody else's locks, which are short.
            let limit = if works { STUCK } else { MOMENT };
            if timeout(limit, self.changed.notified()).await.is_err() && works {
                return Err("a call says nothing and runs nothing".to_owned());
            }
        }
    }

    /// Of calls, which are answered and have nothing left.
    fn are_over(&self, is_answered: &[bool]) -> Vec<bool> {
        let is_over = |(at, (is_answered, lane)): (usize, (&bool, &Lane))| {
            matches!(stage(at, *is_answered, &lane.stepper.connections()), Stage::Over)
        };
        is_answered.iter().zip(&self.lanes).enumerate().map(is_over).collect()
    }

    /// Whether each of these processes waits for a lock of a connection that is stepped.
    async fn all_wait(&self, processes: &[i32]) -> bool {
        if timeout(MOMENT, self.changed.notified()).await.is_ok() {
            return false;
        }
        let own = self.own();
        let rows = own.sql.query(&own.blockers, &[&processes]).await.unwrap();
        // Whoever waits for somebody else goes on by itself.
        let connections = self.lanes.iter().flat_map(|lane| lane.stepper.connections());
        let stepped: Vec<i32> = connections.map(|connection| connection.process()).collect();
        let waits = |row: &Row| row.get::<_, Vec<i32>>(0).iter().any(|blocker| stepped.contains(blocker));
        let waits = rows.iter().all(waits);
        // Nothing has changed in the meantime, or it is looked at again.
        waits && timeout(Duration::ZERO, self.changed.notified()).await.is_err()
    }
}

fn stage(call: usize, is_answered: bool, connections: &[Arc<Connection>]) -> Stage {
    let (mut held, mut runs, mut open) = (Vec::new(), Vec::new(), 0_usize);
    for connection in connections {
        match connection.doing() {
            Doing::Rests => {}
            Doing::Open => open += 1,
            Doing::Runs(process) => runs.push(process),
            Doing::Holds(what) => held.push((what, connection)),
        }
    }
    let letter = char::from(b'a' + u8::try_from(call).unwrap_or_default());
    let turn = |(what, connection): (String, &Arc<Connection>)| {
        let is_left = what == "rollback";
        let letter = if is_left { letter.to_ascii_uppercase() } else { letter };
        Turn { letter, what, connection: Arc::clone(connection) }
    };
    let mut turns: Vec<Turn> = held.into_iter().map(turn).collect();
    // Which connection serves which attempt is for the pool to say, and must not matter: rollbacks
    // come first, the oldest one before the others.
    turns.sort_by_key(|turn| (turn.letter, turn.connection.held_since()));
    turns.dedup_by_key(|turn| turn.letter);
    // A call that has a rollback left, and no more, goes on with another connection, or is answered.
    let only_left = runs.is_empty() && turns.iter().all(|turn| turn.letter.is_ascii_uppercase());
    if only_left && !is_answered {
        return Stage::Works;
    }
    match (turns.is_empty() && runs.is_empty(), open) {
        (true, 0) if is_answered => Stage::Over,
        // It has something to say, or to roll back.
        (true, _) | (false, 1..) => Stage::Works,
        (false, 0) => Stage::Steps(turns, runs),
    }
}

fn shown(fault: Option<Fault>) -> &'static str {
    match fault {
        None => "",
        Some(Fault::Unsent) => " -- is lost before the server has it",
        Some(Fault::Unheard) => " -- is run, and its answer lost",
        Some(Fault::Ended) => " -- the server ends the session instead",
        Some(Fault::TimedOut) => " -- takes too long",
        Some(Fault::Stopped) => " -- the server stops before it has it, and starts again",
        Some(Fault::StoppedAfter) => " -- is run, and the server stops and starts again",
    }
}
