//! What a field takes, as data, and the sentences for values outside of it. Where
//! the data comes from is `contract.rs`' matter, where it is held against values
//! that of `check.rs`.

use crate::ErrorReason;
use crate::format;
use crate::rest::v1::Format;
use crate::text::shows_nothing;

/// What a field takes; `frontdesk.rest.v1.FieldRule` says what each part means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Whether it must be there.
    pub required: bool,
    /// What a text looks like.
    pub format: Format,
    /// Fewest characters.
    pub min_length: u32,
    /// Most characters; 0 for no limit.
    pub max_length: u32,
    /// Least number.
    pub min: Option<i32>,
    /// Greatest number.
    pub max: Option<i32>,
    /// The reason when nothing is wrong but that it is missing.
    pub missing: ErrorReason,
    /// Most bytes, where the option says so.
    pub max_bytes: u32,
    /// Most entries of a list; 0 for no limit.
    pub max_items: u32,
}

impl Limits {
    /// Anything goes.
    pub const NONE: Self = Self {
        required: false,
        format: Format::Unspecified,
        min_length: 0,
        max_length: 0,
        min: None,
        max: None,
        missing: ErrorReason::Unspecified,
        max_bytes: 0,
        max_items: 0,
    };

    /// Whether a text is nothing at all, or nothing that can be seen. A password may be
    /// of blanks.
    pub fn is_blank(&self, text: &str) -> bool {
        if self.format == Format::Unspecified { text.is_empty() } else { shows_nothing(text) }
    }

    /// Most bytes that a text can have whatever is in it; nothing is done with a longer one.
    pub fn most_bytes(&self) -> Option<usize> {
        match (self.max_bytes, self.max_length) {
            (0, 0) => format::most_bytes(self.format),
            (0, characters) => Some(4 * characters as usize),
            (bytes, _) => Some(bytes as usize),
        }
    }

    /// Whether a text is short enough to be looked at.
    pub fn fits_bytes(&self, text: &str) -> bool {
        self.most_bytes().is_none_or(|most| text.len() <= most)
    }

    /// Whether a text is neither too short nor too long.
    pub fn fits_length(&self, text: &str) -> bool {
        let text = if self.format == Format::Line { text.trim() } else { text };
        let length = text.chars().count();
        length >= self.min_length as usize && (self.max_length == 0 || length <= self.max_length as usize)
    }

    /// What to say to a text that is missing.
    pub fn needs(&self) -> String {
        match self.format {
            Format::Text => "is needed and must not be blank".to_owned(),
            Format::Unspecified | Format::Line if self.max_length > 0 => self.length(),
            Format::Unspecified | Format::Line => "is needed".to_owned(),
            other => other.form().takes.clone(),
        }
    }

    /// What to say to a text that is too long or too short.
    pub fn length(&self) -> String {
        if self.max_length == 0 && !matches!(self.format, Format::Unspecified | Format::Line | Format::Text) {
            return self.format.form().takes.clone();
        }
        let Self { max_length: most, .. } = self;
        let least = self.min_length.max(u32::from(self.required));
        if *most == 0 && self.max_bytes > 0 {
            return format!("takes {least} to {} bytes", self.max_bytes);
        }
        let line = if self.format == Format::Line { " on one line" } else { "" };
        match (least, most) {
            (0, most) => format!("takes at most {most} characters{line}"),
            (least, 0) => format!("takes at least {least} characters{line}"),
            (least, most) => format!("takes {least} to {most} characters{line}"),
        }
    }

    /// What to say to a number outside the range.
    pub fn range(&self) -> String {
        match (self.min, self.max) {
            (Some(0), None) => "must not be negative".to_owned(),
            (Some(least), None) => format!("takes {least} or more"),
            (None, Some(most)) => format!("takes at most {most}"),
            (least, most) => {
                format!("takes {} to {}", least.unwrap_or(i32::MIN), most.unwrap_or(i32::MAX))
            }
        }
    }
}
