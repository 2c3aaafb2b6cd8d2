//! What a command gives back that makes sure of something. Who makes it, and how two
//! that make it at once end, is for the command to know.

/// Something that should exist, and whether it was made now.
#[derive(Debug)]
pub struct Ensured<T> {
    /// It.
    pub value: T,
    /// Whether it was made now.
    pub created: bool,
}

impl<T> Ensured<T> {
    /// It was there.
    pub fn existing(value: T) -> Self {
        Self { value, created: false }
    }

    /// It was made.
    pub fn made(value: T) -> Self {
        Self { value, created: true }
    }
}
