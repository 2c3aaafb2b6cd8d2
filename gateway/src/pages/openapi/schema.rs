//! Messages as JSON schemas. An answer shows every field, a request needs none:
//! each message has a schema for either direction that it goes.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value as Json, json};
use transcode::short_name;

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
}

/// The schemas that were asked for.
#[derive(Debug, Default)]
pub struct Schemas {
    done: BTreeMap<String, Json>,
    begun: BTreeSet<String>,
}

impl Schemas {
    /// All of them, with one more for refusals.
    pub fn finish(mut self, problem: Json) -> Json {
        self.done.insert("Problem".to_owned(), problem);
        self.done.into_iter().collect::<Map<_, _>>().into()
    }

    /// A message by reference.
    pub fn message(&mut self, message: &MessageDescriptor, direction: Direction) -> Json {
        let name = match direction {
            Direction::Out => message.name().to_owned(),
            Direction::In => format!("{}Input", message.name()),
        };
        if self.begun.insert(name.clone()) {
            let schema = self.object(message, direction, |_| true);
            self.done.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    /// A message as it is, with some of its fields.
    pub fn object(
        &mut self,
        message: &MessageDescriptor,
        direction: Direction,
        wanted: impl Fn(&FieldDescriptor) -> bool,
    ) -> Json {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in message.fields().filter(wanted) {
            let mut schema = self.field(&field, direction);
            let comment = field_comment(&field);
            if !comment.is_empty() {
                schema["description"] = comment.into();
            }
            if is_always_shown(&field) {
                required.push(field.name().to_owned());
            }
            properties.insert(field.name().to_owned(), schema);
        }
        let mut object = json!({
            "type": "object",
            "description": super::comment(&message.parent_file(), message.path()),
            "properties": properties,
        });
        match direction {
            Direction::Out if !required.is_empty() => object["required"] = required.into(),
            Direction::Out => {}
            Direction::In => object["additionalProperties"] = false.into(),
        }
        object
    }

    /// The value of a field.
    pub fn field(&mut self, field: &FieldDescriptor, direction: Direction) -> Json {
        if field.is_map() {
            let entry = field.kind();
            let value = entry.as_message().map(MessageDescriptor::map_entry_value_field);
            let value = value.map(|value| self.field(&value, direction));
            return json!({"type": "object", "additionalProperties": value});
        }
        let one = self.one(field, direction);
        if field.is_list() {
            return json!({"type": "array", "items": one});
        }
        match field.kind() {
            Kind::Message(_) => json!({"anyOf": [one, {"type": "null"}]}),
            _ => one,
        }
    }

    fn one(&mut self, field: &FieldDescriptor, direction: Direction) -> Json {
        match field.kind() {
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                json!({"type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX})
            }
            Kind::Uint32 | Kind::Fixed32 => {
                json!({"type": "integer", "format": "int64", "minimum": 0, "maximum": u32::MAX})
            }
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,18}$", "examples": ["7"]})
            }
            Kind::Uint64 | Kind::Fixed64 => {
                json!({"type": "string", "format": "uint64", "pattern": "^[0-9]{1,19}$", "examples": ["7"]})
            }
            Kind::Float | Kind::Double => json!({"type": "number"}),
            Kind::String => text(field),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Enum(of) => self.enumeration(&of, direction),
            Kind::Message(of) => match of.full_name() {
                "google.protobuf.Timestamp" => {
                    json!({"type": "string", "format": "date-time", "examples": ["2026-07-01T12:00:00Z"]})
                }
                "google.protobuf.Duration" => json!({"type": "string", "examples": ["1.5s"]}),
                "google.protobuf.FieldMask" => json!({"type": "string", "examples": ["name,time_zone"]}),
                _ => self.message(&of, direction),
            },
        }
    }

    fn enumeration(&mut self, of: &EnumDescriptor, direction: Direction) -> Json {
        let name = match direction {
            Direction::Out => of.name().to_owned(),
            Direction::In => format!("{}Input", of.name()),
        };
        if self.begun.insert(name.clone()) {
            let values: Vec<_> = of
                .values()
                .map(|value| {
                    let short =
                        short_name(of.name(), value.name()).unwrap_or_else(|| value.name().to_owned());
                    (short, super::comment(&of.parent_file(), value.path()))
                })
                .collect();
            let comment = super::comment(&of.parent_file(), of.path());
            let lines: Vec<String> =
                values.iter().map(|(name, text)| format!("- `{name}`: {text}")).collect();
            let names: Vec<&String> = values.iter().map(|(name, _)| name).collect();
            let schema = json!({
                "type": "string",
                "description": format!("{comment}\n\n{}", lines.join("\n")),
                "enum": names,
            });
            self.done.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }
}

/// Whether a query parameter can be the field.
pub fn fits_query(field: &FieldDescriptor) -> bool {
    let from_text = match field.kind() {
        Kind::Message(of) => matches!(
            of.full_name(),
            "google.protobuf.Timestamp" | "google.protobuf.Duration" | "google.protobuf.FieldMask"
        ),
        _ => true,
    };
    from_text && !field.is_map() && !(field.is_list() && matches!(field.kind(), Kind::Message(_)))
}

pub fn field_comment(field: &FieldDescriptor) -> String {
    super::comment(&field.parent_message().parent_file(), field.path())
}

/// The first sentence of a comment, without its full stop.
pub fn first_sentence(comment: &str) -> String {
    let first = comment.split("\n\n").next().unwrap_or_default();
    let end = first.find(". ").or_else(|| first.find("; ")).unwrap_or(first.len());
    first[..end].trim_end_matches('.').to_owned()
}

/// Answers show every field but those whose absence says something.
fn is_always_shown(field: &FieldDescriptor) -> bool {
    let is_message = matches!(field.kind(), Kind::Message(_)) && field.containing_oneof().is_none();
    is_message || !field.supports_presence()
}

/// What the comment says about a text, which has no type of its own for it.
fn text(field: &FieldDescriptor) -> Json {
    let comment = field_comment(field);
    let mut schema = json!({"type": "string"});
    let may_be_empty = comment.contains("empty");
    let (pattern, example) = if comment.starts_with("UUID") {
        let uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
        (Some(uuid), Some("0190163d-8694-739b-aea5-966c26f8ad91"))
    } else if comment.contains("ISO 8601 date") {
        (Some("[0-9]{4}-[0-9]{2}-[0-9]{2}"), Some("2026-07-01"))
    } else {
        (None, None)
    };
    if let Some(pattern) = pattern {
        let pattern = if may_be_empty { format!("^({pattern})?$") } else { format!("^{pattern}$") };
        schema["pattern"] = pattern.into();
    }
    if let Some(example) = example {
        schema["examples"] = json!([example]);
    }
    schema
}
