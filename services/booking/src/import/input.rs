//! The part of a file that has come and has not been read.

/// Bytes of a file, in the order in which they came.
#[derive(Debug, Default)]
pub struct Input {
    bytes: Vec<u8>,
    /// How many of them have been read.
    read: usize,
    ended: bool,
}

impl Input {
    /// Takes what comes next.
    pub fn push(&mut self, more: &[u8]) {
        self.bytes.drain(..std::mem::take(&mut self.read));
        self.bytes.extend_from_slice(more);
    }

    /// Nothing comes any more.
    pub fn end(&mut self) {
        self.ended = true;
    }

    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// What has not been read.
    pub fn rest(&self) -> &[u8] {
        self.bytes.get(self.read..).unwrap_or_default()
    }

    /// So many bytes have been read.
    pub fn skip(&mut self, count: usize) {
        self.read += count;
    }
}
