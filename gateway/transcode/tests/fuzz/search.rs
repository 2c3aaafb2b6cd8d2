//! Random input for everything that reads what strangers send, on stable Rust:
//! seeds of the corpus are cut, doubled, spliced and overwritten.
//!
//!     cargo run --release -p transcode --example fuzz -- TARGET SECONDS
//!
//! A panic or an input that takes longer than a second, three times on end (a machine has
//! other work, too), ends the run and leaves the input in
//! `tests/fuzz/corpus/TARGET/found`, where the tests replay it.

#[path = "../protos/mod.rs"]
mod protos;
mod targets;

use std::time::{Duration, Instant, SystemTime};

const TOKENS: [&[u8]; 39] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\u",
    b"\\ud83d",
    b":",
    b",",
    b"null",
    b"1e400",
    b"-0",
    b"**",
    b"*",
    b"{a=",
    b"%2F",
    b"%c3%a9",
    b":a:b",
    b"$",
    b"}:",
    b"%",
    b"/",
    b"&",
    b"=",
    b"=",
    b"\x80",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x0b",
    b"\x0c",
    b"@type",
    b"type.googleapis.com/",
    b"\0\0\0\0\x05",
    b"\x02\0\0\0\x02{}",
    b"fields=",
    b".",
    b"`",
    b"recursive_message.",
    b"map_string_nested_message.*.",
    b"\n",
];

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides.max(1) as u64).unwrap_or(0)
    }

    fn mutate(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.roll(6) {
            let at = self.roll(input.len() + 1);
            match self.roll(7) {
                0 => input.truncate(at),
                1 if !input.is_empty() => {
                    let at = at.min(input.len() - 1);
                    input[at] = u8::try_from(self.roll(256)).unwrap_or(0);
                }
                2 => {
                    let token = TOKENS[self.roll(TOKENS.len())];
                    input.splice(at..at, token.iter().copied());
                }
                3 if !input.is_empty() => {
                    let from = self.roll(input.len());
                    let to = input.len().min(from + self.roll(64));
                    let part = input[from..to].to_vec();
                    for _ in 0..=self.roll(4) {
                        input.splice(at..at, part.iter().copied());
                    }
                }
                4 if !other.is_empty() => {
                    let from = self.roll(other.len());
                    input.splice(at.., other[from..].iter().copied());
                }
                5 if !input.is_empty() => {
                    let to = input.len().min(at + self.roll(16));
                    input.drain(at.min(to)..to);
                }
                _ => input.push(u8::try_from(self.roll(256)).unwrap_or(0)),
            }
        }
        input.truncate(20_000);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [target, seconds] = arguments.as_slice() else {
        eprintln!("usage: fuzz TARGET SECONDS; targets: {}", targets::NAMES.join(", "));
        std::process::exit(2);
    };
    let time = Duration::from_secs(seconds.parse().unwrap_or(60));
    let targets = targets::Targets::new();
    let mut pool = targets::corpus(target);
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |now| now.as_secs() | 1);
    let (mut dice, started, mut runs) = (Dice(seed), Instant::now(), 0_u64);
    println!("{target}: seed {seed}, {} inputs to start from", pool.len());
    while started.elapsed() < time {
        let (one, other) = (dice.roll(pool.len()), dice.roll(pool.len()));
        let mut input = pool[one].clone();
        dice.mutate(&mut input, &pool[other].clone());
        let run = || {
            let began = Instant::now();
            let outcome = std::panic::catch_unwind(|| targets.run(target, &input));
            (outcome, began.elapsed() > Duration::from_secs(1))
        };
        let (outcome, slow) = run();
        if outcome.is_err() || slow && run().1 && run().1 {
            let file = targets::folder(target).join("found");
            if let Err(error) = std::fs::write(&file, &input) {
                println!("the input cannot be kept: {error}");
            }
            println!("{target}: {} after {runs} runs", file.display());
            std::process::exit(1);
        }
        // What is read grows the pool: from it the next ones go deeper.
        if outcome.unwrap_or(false) && dice.roll(50) == 0 {
            let at = dice.roll(pool.len());
            if pool.len() < 2000 { pool.push(input) } else { pool[at] = input }
        }
        runs += 1;
    }
    println!("{target}: {runs} runs in {} s, no panic", time.as_secs());
}
