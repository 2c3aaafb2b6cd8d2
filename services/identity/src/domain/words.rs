//! Enums whose values are words in the database: each word is written once, and a
//! word that is not in the list has no value.

/// Declares an enum whose words are written, with `word`.
macro_rules! written {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $value:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $value,)*
        }

        impl $name {
            /// As the database writes it.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)*
                }
            }
        }
    };
}

/// Declares an enum whose words are also read again, with `word` and `from_word`.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $value:ident = $word:literal,)* }) => {
        $crate::domain::words::written! {
            $(#[$meta])* pub enum $name { $($(#[$doc])* $value = $word,)* }
        }

        impl $name {
            /// The value of a word of the database.
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$value),)*
                    _ => None,
                }
            }
        }
    };
}

pub(super) use {words, written};
