//! Which fields and oneofs an object has set so far.

/// A set of small numbers.
#[derive(Debug, Default)]
pub struct Seen {
    low: u128,
    high: Vec<usize>,
}

impl Seen {
    /// Whether it is the first time.
    pub fn insert(&mut self, index: usize) -> bool {
        if index < 128 {
            let bit = 1 << index;
            let new = self.low & bit == 0;
            self.low |= bit;
            return new;
        }
        let new = !self.high.contains(&index);
        self.high.push(index);
        new
    }
}
