//! Messages as JSON schemas. An answer shows every field, a request needs those
//! that are required: each message has a schema for either direction that it goes.

use std::collections::{BTreeMap, BTreeSet};

use frontdesk_proto::FieldContract;
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value as Json, json};
use transcode::short_name;

use super::field::{Direction, number, text};
use crate::pages::comments::{comment, field_comment};

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
            let needed = match direction {
                Direction::In => FieldContract::of(&field).limits.required,
                Direction::Out => is_always_shown(&field),
            };
            if needed {
                required.push(field.name().to_owned());
            }
            properties.insert(field.name().to_owned(), schema);
        }
        let mut object = json!({
            "type": "object",
            "description": comment(&message.parent_file(), message.path()),
            "properties": properties,
        });
        if !required.is_empty() {
            object["required"] = required.into();
        }
        if direction == Direction::In {
            object["additionalProperties"] = false.into();
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
            let mut list = json!({"type": "array", "items": one});
            if direction == Direction::In && FieldContract::of(field).limits.required {
                list["minItems"] = 1.into();
            }
            return list;
        }
        match field.kind() {
            Kind::Message(_) => json!({"anyOf": [one, {"type": "null"}]}),
            _ => one,
        }
    }

    fn one(&mut self, field: &FieldDescriptor, direction: Direction) -> Json {
        match field.kind() {
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => number(field, i32::MIN.into(), i32::MAX.into()),
            Kind::Uint32 | Kind::Fixed32 => number(field, 0, u32::MAX.into()),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,18}$", "examples": ["7"]})
            }
            Kind::Uint64 | Kind::Fixed64 => {
                json!({"type": "string", "format": "uint64", "pattern": "^[0-9]{1,19}$", "examples": ["7"]})
            }
            Kind::Float | Kind::Double => json!({"type": "number"}),
            Kind::String => text(field, direction),
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
            // What says nothing is left out by whoever asks.
            let values: Vec<_> = of
                .values()
                .filter(|value| direction == Direction::Out || value.number() != 0)
                .map(|value| {
                    let short =
                        short_name(of.name(), value.name()).unwrap_or_else(|| value.name().to_owned());
                    (short, comment(&of.parent_file(), value.path()))
                })
                .collect();
            let text = comment(&of.parent_file(), of.path());
            let lines: Vec<String> =
                values.iter().map(|(name, text)| format!("- `{name}`: {text}")).collect();
            let names: Vec<&String> = values.iter().map(|(name, _)| name).collect();
            let schema = json!({
                "type": "string",
                "description": format!("{text}\n\n{}", lines.join("\n")),
                "enum": names,
            });
            self.done.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }
}

/// Answers show every field but those whose absence says something.
fn is_always_shown(field: &FieldDescriptor) -> bool {
    let is_message = matches!(field.kind(), Kind::Message(_)) && field.containing_oneof().is_none();
    is_message || !field.supports_presence()
}
