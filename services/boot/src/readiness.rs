//! Whether a process can do its work: named questions to what it depends on.
//!
//! A question that hangs is answered with no, as soon as the last yes is older than
//! [`PATIENCE`]: of a process that is short of time, or a database under a flood, one slow
//! answer says little, and who sends calls elsewhere for it overloads the next one. Each is
//! bounded to [`LIMIT`], and asked at most once at a time: whoever asks in the meantime
//! shares the answer, so that a database that hangs is not asked more the longer it hangs.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, join_all};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::background::message_of;
use crate::{Background, TaskState};

/// How long a question may take.
pub const LIMIT: Duration = Duration::from_secs(1);

/// For how long a yes stands while no answer comes. A no counts at once.
const PATIENCE: Duration = Duration::from_secs(3);

/// The questions. Clones ask the same ones.
#[derive(Debug, Clone)]
pub struct Readiness {
    questions: Vec<Arc<Question>>,
    notes: Vec<Note>,
    background: Background,
    /// Those of the other parts of the process.
    others: Vec<Background>,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was asked about.
    pub name: &'static str,
    /// What is missing, if something is.
    pub result: Result<(), String>,
}

/// What should be known of a process that does its work.
#[derive(Clone)]
struct Note {
    name: &'static str,
    ask: Arc<dyn Fn() -> Option<String> + Send + Sync>,
}

type Asked = Shared<BoxFuture<'static, Result<(), String>>>;

struct Question {
    name: &'static str,
    ask: Box<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>,
    under_way: Mutex<Option<Asked>>,
    /// When the last answer was asked for that was a yes.
    yes_at: Mutex<Option<Instant>>,
}

impl Readiness {
    /// Ready when no task of the background room is broken.
    pub fn new(background: Background) -> Self {
        Self { questions: Vec::new(), notes: Vec::new(), background, others: Vec::new() }
    }

    /// Adds all that another part of the process depends on.
    #[must_use]
    pub fn with_part(mut self, part: Self) -> Self {
        let Self { questions, notes, background, others } = part;
        self.questions.extend(questions);
        self.notes.extend(notes);
        self.others.push(background);
        self.others.extend(others);
        self
    }

    /// Adds a question; its error says what is missing.
    #[must_use]
    pub fn with<F, R>(mut self, name: &'static str, ask: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), String>> + Send + 'static,
    {
        let ask = Box::new(move || ask().boxed());
        self.questions.push(Arc::new(Question {
            name,
            ask,
            under_way: Mutex::default(),
            yes_at: Mutex::default(),
        }));
        self
    }

    /// Adds what should be known although everything is there, when there is such.
    #[must_use]
    pub fn with_note(
        mut self,
        name: &'static str,
        ask: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.notes.push(Note { name, ask: Arc::new(ask) });
        self
    }

    /// What should be known.
    pub fn notes(&self) -> Vec<(&'static str, String)> {
        self.notes.iter().filter_map(|note| Some((note.name, (note.ask)()?))).collect()
    }

    /// Asks everything at once.
    pub async fn ask(&self) -> Vec<Answer> {
        let mut answers = join_all(self.questions.iter().map(Question::answer)).await;
        let broken: Vec<String> = self.rooms().flat_map(Background::problems).collect();
        let result = if broken.is_empty() { Ok(()) } else { Err(broken.join("; ")) };
        answers.push(Answer { name: "background", result });
        answers
    }

    /// Whether everything is there, or what is missing.
    pub async fn ready(&self) -> Result<(), String> {
        let answers = self.ask().await;
        let missing: Vec<String> = answers
            .into_iter()
            .filter_map(|Answer { name, result }| Some(format!("{name}: {}", result.err()?)))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(missing.join("; ")) }
    }

    /// The room whose tasks count.
    pub fn background(&self) -> &Background {
        &self.background
    }

    /// Every task as it is now, those of other parts too.
    pub fn tasks(&self) -> Vec<TaskState> {
        self.rooms().flat_map(Background::states).collect()
    }

    fn rooms(&self) -> impl Iterator<Item = &Background> {
        std::iter::once(&self.background).chain(&self.others)
    }
}

impl Default for Readiness {
    /// Ready, in a process without a background room.
    fn default() -> Self {
        Self::new(Background::new(CancellationToken::new()))
    }
}

impl Question {
    async fn answer(self: &Arc<Self>) -> Answer {
        let asked = lock(&self.under_way).get_or_insert_with(|| Arc::clone(self).asked()).clone();
        Answer { name: self.name, result: asked.await }
    }

    /// Runs in a task of its own: whoever asked may go away, and others wait for it.
    fn asked(self: Arc<Self>) -> Asked {
        let task = tokio::spawn(async move {
            let at = Instant::now();
            let asked = AssertUnwindSafe(async { (self.ask)().await }).catch_unwind();
            let answered = tokio::time::timeout(LIMIT, asked).await;
            // Whoever waits has the answer, and nobody else: it may be another one by now.
            *lock(&self.under_way) = None;
            let mut yes_at = lock(&self.yes_at);
            match answered {
                Err(_) if yes_at.is_some_and(|yes| yes.elapsed() < PATIENCE) => Ok(()),
                Err(_) => Err(format!("no answer within {} s", LIMIT.as_secs())),
                Ok(asked) => {
                    let result = asked
                        .unwrap_or_else(|panic| Err(format!("the check panicked: {}", message_of(&*panic))));
                    *yes_at = result.is_ok().then_some(at);
                    result
                }
            }
        });
        task.map(|answered| answered.unwrap_or_else(|error| Err(error.to_string()))).boxed().shared()
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Note").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Question").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_question_that_hangs_is_a_no_after_a_second_and_is_asked_once() {
        let asked = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&asked);
        let readiness = Readiness::default().with("good", || async { Ok(()) }).with("database", move || {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::pending()
        });
        let began = Instant::now();
        let crowd = join_all((0..20).map(|_| readiness.ready())).await;
        assert!(began.elapsed() < LIMIT * 2, "{:?}", began.elapsed());
        assert!(
            crowd.iter().all(|one| *one == Err("database: no answer within 1 s".to_owned())),
            "{crowd:?}"
        );
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert!(readiness.ready().await.is_err());
        assert_eq!(asked.load(Ordering::Relaxed), 2, "an answer is not kept");
    }

    /// A no counts at once, and no yes from before it stands afterwards.
    #[tokio::test(start_paused = true)]
    async fn a_yes_stands_for_a_while_when_no_answer_comes() {
        const YES: u32 = 0;
        const NO: u32 = 1;
        let state = Arc::new(AtomicU32::new(YES));
        let asked = Arc::clone(&state);
        let readiness = Readiness::default().with("database", move || {
            let state = asked.load(Ordering::Relaxed);
            async move {
                match state {
                    YES => Ok(()),
                    NO => Err("away".to_owned()),
                    _ => std::future::pending().await,
                }
            }
        });
        let silence = || Err("database: no answer within 1 s".to_owned());
        assert_eq!(readiness.ready().await, Ok(()));
        state.store(2, Ordering::Relaxed);
        let mut stood = 0;
        while readiness.ready().await.is_ok() {
            stood += 1;
        }
        assert_eq!(stood, 2, "answers of a second each within three");
        assert_eq!(readiness.ready().await, silence());
        state.store(YES, Ordering::Relaxed);
        assert_eq!(readiness.ready().await, Ok(()));
        state.store(NO, Ordering::Relaxed);
        assert_eq!(readiness.ready().await, Err("database: away".to_owned()));
        state.store(2, Ordering::Relaxed);
        assert_eq!(readiness.ready().await, silence());
    }

    /// Whoever asked has gone, and by now the answer is another.
    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_waited_for_is_not_given_to_the_next_one() {
        let away = Arc::new(AtomicU32::new(1));
        let left = Arc::clone(&away);
        let readiness = Readiness::default().with("database", move || {
            let is_away = left.load(Ordering::Relaxed) > 0;
            async move {
                tokio::time::sleep(LIMIT / 2).await;
                if is_away { Err("away".to_owned()) } else { Ok(()) }
            }
        });
        assert!(tokio::time::timeout(LIMIT / 4, readiness.ready()).await.is_err());
        tokio::time::sleep(LIMIT).await;
        away.store(0, Ordering::Relaxed);
        assert_eq!(readiness.ready().await, Ok(()));
    }

    #[tokio::test]
    async fn what_is_missing_is_named() {
        let readiness = Readiness::default()
            .with("schema", || async { Err("a table is missing".to_owned()) })
            .with("defect", || async { panic!("broken") });
        let missing = readiness.ready().await.unwrap_err();
        assert_eq!(missing, "schema: a table is missing; defect: the check panicked: broken");
        let names: Vec<&str> = readiness.ask().await.iter().map(|answer| answer.name).collect();
        assert_eq!(names, ["schema", "defect", "background"]);
    }

    #[tokio::test]
    async fn a_process_of_several_parts_is_ready_when_all_of_them_are() {
        let part = |name: &'static str, good: bool| {
            let room = Background::new(CancellationToken::new());
            room.every(LIMIT, name, || async { Ok::<_, String>(()) });
            let answer = move || async move { if good { Ok(()) } else { Err("away".to_owned()) } };
            Readiness::new(room).with(name, answer)
        };
        let whole = part("schema", true).with_part(part("database", false));
        assert_eq!(whole.ready().await, Err("database: away".to_owned()));
        let names: Vec<&str> = whole.ask().await.iter().map(|answer| answer.name).collect();
        assert_eq!(names, ["schema", "database", "background"]);
        let tasks: Vec<&str> = whole.tasks().iter().map(|task| task.name).collect();
        assert_eq!(tasks, ["schema", "database"]);
    }

    #[tokio::test]
    async fn a_task_that_panicked_is_not_ready() {
        let stop = CancellationToken::new();
        let room = Background::new(stop.clone());
        room.every(LIMIT, "expire holds", || async { panic!("oops") as Result<(), String> });
        let readiness = Readiness::new(room);
        while readiness.ready().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(readiness.ready().await.unwrap_err().contains("expire holds: panicked: oops"));
        stop.cancel();
    }
}
