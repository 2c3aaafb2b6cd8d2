//! What the JSON of messages looks like. ProtoJSON leaves some of it open; one
//! switch stands for each of these choices.

/// What JSON looks like, and how strictly it is read.
// Four independent switches, each named where it is set.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Field names in lowerCamelCase instead of as in the proto file.
    pub json_names: bool,
    /// Enum values without the enum's prefix and in lower case.
    pub short_enums: bool,
    /// Unset fields are shown: with their default, messages as null.
    pub defaults: bool,
    /// Unknown fields and enum names are passed over instead of refused.
    pub ignore_unknown: bool,
}

impl Style {
    /// The style of Frontdesk's API.
    pub const FRONTDESK: Self =
        Self { json_names: false, short_enums: true, defaults: true, ignore_unknown: false };
    /// ProtoJSON as protobuf's conformance suite wants it.
    pub const CANONICAL: Self =
        Self { json_names: true, short_enums: false, defaults: false, ignore_unknown: false };
}

/// The short form of an enum value: without the enum's prefix, in lower case.
/// `None` for enums whose values have no such prefix.
pub fn short_name(of: &str, value: &str) -> Option<String> {
    let mut prefix = String::with_capacity(of.len() + 4);
    for char in of.chars() {
        if char.is_ascii_uppercase() && !prefix.is_empty() {
            prefix.push('_');
        }
        prefix.push(char.to_ascii_uppercase());
    }
    Some(value.strip_prefix(&prefix)?.strip_prefix('_')?.to_ascii_lowercase())
}
