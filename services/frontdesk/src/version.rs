//! Which build this is. `build.rs` says which commit.

use boot::Version;

/// This build.
pub const VERSION: Version = Version { number: env!("CARGO_PKG_VERSION"), commit: env!("BUILT_COMMIT") };
/// The same as `--version` prints it.
pub const TEXT: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("BUILT_COMMIT"), ")");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        assert_eq!(VERSION.to_string(), TEXT);
    }
}
