//! What clients roll who fight over the same nights, and how they call.

use jiff::civil::Date;

use crate::fixture::Answer;

/// A small generator, the same in every run.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Days that are fought over.
const DAYS: u64 = 24;

/// Some nights of those that are fought over.
pub fn nights(dice: &mut Dice, first: Date, most: u64) -> (String, String) {
    let days = |days: u64| jiff::Span::new().days(i64::try_from(days).unwrap());
    let check_in = first + days(dice.roll(DAYS));
    let check_out = check_in + days(1 + dice.roll(most));
    (check_in.to_string(), check_out.to_string())
}

/// The id of what was stored, unless others have a night of it.
pub fn stored(answer: &Answer) -> Option<String> {
    if answer.status == 409 {
        answer.refused(409, "BOOKING_OVERLAP");
        return None;
    }
    answer.ok()["id"].as_str().map(str::to_owned)
}

/// Refusals that have stored nothing and ask to try again. On a slow machine they
/// meet those who wait behind a dozen deadlocks: one lock too long, all of them too
/// long, or three times the victim.
const TRY_AGAIN: [(&str, u16); 3] = [("LOCK_TIMEOUT", 503), ("STATEMENT_TIMEOUT", 504), ("CONTENTION", 503)];

/// A call as a client makes it that does what such a refusal says.
pub async fn insist(call: impl AsyncFn() -> Answer) -> Answer {
    for _ in 0..10 {
        let answer = call().await;
        let Some((code, status)) = TRY_AGAIN.into_iter().find(|(code, _)| answer.body["code"] == *code)
        else {
            return answer;
        };
        answer.refused(status, code);
    }
    panic!("ten times in a row others were in the way");
}
