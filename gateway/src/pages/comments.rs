//! The comments of the protos, for people.

use frontdesk_proto::ErrorReason;
use prost_reflect::prost_types::source_code_info::Location;
use prost_reflect::{FieldDescriptor, FileDescriptor};

/// The comment before something, with its paragraphs.
pub fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let proto = file.file_descriptor_proto();
    let locations = proto.source_code_info.as_ref().map(|info| info.location.as_slice()).unwrap_or_default();
    let found = locations.iter().find(|location| location.path == path);
    let text = found.map(Location::leading_comments).unwrap_or_default();
    let paragraphs: Vec<String> = text
        .split("\n\n")
        .flat_map(|part| part.split("\n \n"))
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|part| !part.is_empty())
        .collect();
    paragraphs.join("\n\n")
}

/// What an error reason means.
pub fn reason_comment(reason: ErrorReason) -> String {
    let reasons = frontdesk_proto::descriptors().get_enum_by_name("frontdesk.error.v1.ErrorReason");
    let value = reasons.as_ref().and_then(|reasons| reasons.get_value(reason as i32));
    value.map(|value| comment(&value.parent_enum().parent_file(), value.path())).unwrap_or_default()
}

pub fn field_comment(field: &FieldDescriptor) -> String {
    comment(&field.parent_message().parent_file(), field.path())
}

/// The first sentence of a comment, without its full stop.
pub fn first_sentence(comment: &str) -> String {
    let first = comment.split("\n\n").next().unwrap_or_default();
    let end = first.find(". ").or_else(|| first.find("; ")).unwrap_or(first.len());
    first[..end].trim_end_matches('.').to_owned()
}
