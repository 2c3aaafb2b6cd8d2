//! How cells and orders are written, and read.

use std::fmt;
use std::str::FromStr;

use super::{Cell, Order, Replay};
use crate::call::Call;
use crate::states::Start;
use crate::stepper::Fault;

impl fmt::Display for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls: Vec<String> = self.calls.iter().map(Call::to_string).collect();
        write!(out, "{} {}", self.start.name, calls.join(","))
    }
}

impl fmt::Display for Replay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.cell, self.order)
    }
}

impl FromStr for Replay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split_whitespace();
        let (Some(start), Some(calls)) = (parts.next(), parts.next()) else {
            return Err("a replay is a state, calls and an order".to_owned());
        };
        let start = Start::named(start).ok_or_else(|| format!("there is no state {start}"))?;
        let calls = calls.split(',').map(str::parse).collect::<Result<Vec<Call>, _>>()?;
        let order = parts.next().unwrap_or("-").parse()?;
        Ok(Self { cell: Cell { start, calls }, order })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (letter, fault) in &self.0 {
            let fault = match fault {
                None => "",
                Some(Fault::Unsent) => "!",
                Some(Fault::Unheard) => "?",
                Some(Fault::Ended) => "#",
                Some(Fault::TimedOut) => "~",
                Some(Fault::Stopped) => "^",
                Some(Fault::StoppedAfter) => "%",
            };
            write!(out, "{letter}{fault}")?;
        }
        out.write_str(if self.0.is_empty() { "-" } else { "" })
    }
}

impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut order = Self::default();
        for letter in text.chars().filter(|letter| *letter != '-') {
            let fault = match letter {
                '!' => Fault::Unsent,
                '?' => Fault::Unheard,
                '#' => Fault::Ended,
                '~' => Fault::TimedOut,
                '^' => Fault::Stopped,
                '%' => Fault::StoppedAfter,
                _ => {
                    order.0.push((letter, None));
                    continue;
                }
            };
            order.0.last_mut().ok_or("an order does not begin with a fault")?.1 = Some(fault);
        }
        Ok(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_is_read_as_it_is_written() {
        for text in [
            "open+other approve-r1,cancel-r2 aab?b",
            "hold expire-r1,approve-r1 -",
            "people:1 refresh,logout a#b~",
            "open create,book ab^a%",
        ] {
            assert_eq!(text.parse::<Replay>().unwrap().to_string(), text);
        }
        assert!("nothing approve-r1 a".parse::<Replay>().is_err());
    }
}
