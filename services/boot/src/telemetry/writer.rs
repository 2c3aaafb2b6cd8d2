//! Writes the log, off the path of calls: a call leaves its line in a buffer and
//! goes on; a thread of its own writes what has gathered. Whoever reads the log may
//! be slow, stuck or gone, and the disk may be full: then the buffer fills up, further
//! lines are lost, and how many is counted and logged. At the stop what has gathered is
//! written first, as long as somebody takes it.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long lines gather. A line is seen that much later.
const GATHER: Duration = Duration::from_millis(20);
/// Most bytes that wait.
const ROOM: usize = 4 * 1024 * 1024;

/// The buffer and what became of its lines.
#[derive(Debug, Default)]
pub struct Writer {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    written: AtomicU64,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    lines: u64,
    stop: bool,
    /// Nobody writes any more.
    ended: bool,
}

/// Where the lines go, and how it went so far.
struct Out<W> {
    to: W,
    /// What was written last is half a line.
    torn: bool,
    /// How many lost lines have been logged as lost.
    reported: u64,
    /// Why the last ones were lost.
    cause: Option<String>,
}

/// Makes the line that reports lost ones: how many, and why, if that is known.
pub type Notice = fn(u64, Option<&str>) -> String;

impl Writer {
    /// Starts the thread.
    pub fn start(to: impl Write + Send + 'static, notice: Notice) -> io::Result<Arc<Self>> {
        let writer = Arc::new(Self::default());
        let of = Arc::clone(&writer);
        let out = Out { to, torn: false, reported: 0, cause: None };
        std::thread::Builder::new().name("log".to_owned()).spawn(move || of.write(out, notice))?;
        Ok(writer)
    }

    /// Takes a line with its end. It never waits for whoever reads.
    pub fn push(&self, line: &str) {
        let mut waiting = self.waiting();
        if waiting.ended || waiting.bytes.len() + line.len() > ROOM {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line.as_bytes());
        waiting.lines += 1;
        drop(waiting);
        if first {
            self.changed.notify_all();
        }
    }

    /// Writes what has gathered, and no more after it; gives up after `limit`.
    pub fn finish(&self, limit: Duration) {
        let mut waiting = self.waiting();
        waiting.stop = true;
        self.changed.notify_all();
        let ended = self.changed.wait_timeout_while(waiting, limit, |waiting| !waiting.ended);
        drop(ended.unwrap_or_else(PoisonError::into_inner));
    }

    /// Lines that were written, and lines that were lost.
    pub fn counts(&self) -> (u64, u64) {
        (self.written.load(Ordering::Relaxed), self.lost.load(Ordering::Relaxed))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Batch after batch until the stop.
    fn write<W: Write>(&self, mut out: Out<W>, notice: Notice) {
        let mut batch = Vec::new();
        loop {
            let lines = self.gathered(&mut batch);
            if lines == 0 {
                break;
            }
            let lost = self.lost.load(Ordering::Relaxed);
            if lost > out.reported {
                let notice = notice(lost - out.reported, out.cause.as_deref());
                batch.splice(0..0, notice.bytes());
            }
            match out.write(&batch) {
                Ok(()) => {
                    self.written.fetch_add(lines, Ordering::Relaxed);
                    (out.reported, out.cause) = (lost, None);
                }
                Err((error, rest)) => {
                    let rest = batch[rest..].split(|byte| *byte == b'\n').count() - 1;
                    let rest = lines.min(u64::try_from(rest).unwrap_or(u64::MAX));
                    self.written.fetch_add(lines - rest, Ordering::Relaxed);
                    self.lost.fetch_add(rest, Ordering::Relaxed);
                    out.cause = Some(error.to_string());
                }
            }
        }
        self.waiting().ended = true;
        self.changed.notify_all();
    }

    /// Waits for lines, and a moment for more of them; none at the end.
    fn gathered(&self, batch: &mut Vec<u8>) -> u64 {
        batch.clear();
        let waiting = self.waiting();
        let some = |waiting: &mut Waiting| waiting.lines == 0 && !waiting.stop;
        let waiting = self.changed.wait_while(waiting, some).unwrap_or_else(PoisonError::into_inner);
        let more = self.changed.wait_timeout_while(waiting, GATHER, |waiting| !waiting.stop);
        let (mut waiting, _) = more.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(batch, &mut waiting.bytes);
        std::mem::take(&mut waiting.lines)
    }
}

impl<W: Write> Out<W> {
    /// Writes all of it, or says from where on it could not.
    fn write(&mut self, bytes: &[u8]) -> Result<(), (io::Error, usize)> {
        let mut done = 0;
        while done < bytes.len() {
            let wrote =
                if self.torn { self.to.write(b"\n").map(|_| 0) } else { self.to.write(&bytes[done..]) };
            match wrote {
                Ok(0) if self.torn => self.torn = false,
                Ok(0) => return Err((ErrorKind::WriteZero.into(), done)),
                Ok(more) => done += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A terminal that another program has set not to wait.
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::park_timeout(GATHER),
                Err(error) => {
                    self.torn = self.torn || (done > 0 && bytes[done - 1] != b'\n');
                    return Err((error, done));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// Takes so many bytes, then has no room until it is emptied.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Disk {
        fn with_room(room: usize) -> Self {
            Self(Arc::new(Mutex::new((Vec::new(), room))))
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().0.clone()).unwrap()
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut disk = self.0.lock().unwrap();
            let taken = bytes.len().min(disk.1);
            if taken == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            disk.0.extend_from_slice(&bytes[..taken]);
            disk.1 -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn notice(lines: u64, cause: Option<&str>) -> String {
        format!("lost {lines}: {}\n", cause.unwrap_or("no room"))
    }

    fn until(mut there: impl FnMut() -> bool) {
        let began = std::time::Instant::now();
        while !there() {
            assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn nothing_is_lost_at_the_stop() {
        let disk = Disk::with_room(usize::MAX);
        let writer = Writer::start(disk.clone(), notice).unwrap();
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let writer = Arc::clone(&writer);
                std::thread::spawn(move || {
                    (0..1000).for_each(|line| writer.push(&format!("{thread} {line}\n")));
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        writer.finish(PATIENCE);
        assert_eq!(disk.text().lines().count(), 4000);
        for thread in ["0", "1", "2", "3"] {
            let text = disk.text();
            let mine: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(thread)).collect();
            assert_eq!(mine, (0..1000).map(|line| format!(" {line}")).collect::<Vec<_>>());
        }
        assert_eq!(writer.counts(), (4000, 0));
        writer.push("late\n");
        assert_eq!(writer.counts(), (4000, 1));
    }

    #[test]
    fn a_full_disk_costs_lines_and_is_told_of_when_there_is_room_again() {
        let disk = Disk::with_room(8);
        let writer = Writer::start(disk.clone(), notice).unwrap();
        writer.push("one\n");
        until(|| writer.counts() == (1, 0));
        writer.push("two is long\nthree\n");
        until(|| writer.counts() != (1, 0));
        writer.push("four\n");
        until(|| writer.counts().1 >= 2);
        disk.0.lock().unwrap().1 = usize::MAX;
        writer.push("five\n");
        writer.finish(PATIENCE);
        let text = disk.text();
        assert!(text.starts_with("one\ntwo \nlost ") && text.ends_with("\nfive\n"), "{text}");
        assert!(text.contains(&ErrorKind::StorageFull.to_string()), "{text}");
    }

    /// Takes nothing until it is let go.
    struct Stuck(mpsc::Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(|_| io::Error::from(ErrorKind::BrokenPipe))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_is_stuck_holds_up_nobody() {
        let (go_on, wait) = mpsc::channel();
        let writer = Writer::start(Stuck(wait), notice).unwrap();
        let line = format!("{}\n", "x".repeat(1023));
        let began = std::time::Instant::now();
        for _ in 0..20_000 {
            writer.push(&line);
        }
        let took = began.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?}");
        let (written, lost) = writer.counts();
        assert!(written == 0 && lost > 10_000, "{written} {lost}");
        let began = std::time::Instant::now();
        writer.finish(Duration::from_millis(50));
        assert!(began.elapsed() < Duration::from_secs(1));
        drop(go_on);
    }
}
