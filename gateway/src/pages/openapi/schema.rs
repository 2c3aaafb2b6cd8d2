//! Messages as JSON schemas. An answer shows every field, a request needs those
//! that are required: each message has a schema for either direction that it goes.

use std::collections::{BTreeMap, BTreeSet};

use frontdesk_proto::FieldContract;
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value as Json, json};
use transcode::{Binding, short_name};

use super::example;
use super::field::{Direction, Shared, answered_text, number, text};
use crate::pages::comments::{comment, field_comment};

/// Which fields have a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Texts {
    /// Those that a caller sends. What makes clients need not say of each field of an answer
    /// what it means.
    #[default]
    OfRequests,
    /// All.
    All,
}

/// The schemas that were asked for.
#[derive(Debug, Default)]
pub struct Schemas {
    texts: Texts,
    done: BTreeMap<String, Json>,
    begun: BTreeSet<String>,
    /// Messages that a method takes or returns.
    of_methods: BTreeSet<String>,
}

impl Schemas {
    /// Of the messages of these methods.
    pub fn new(bindings: &[Binding], texts: Texts) -> Self {
        let messages = bindings.iter().flat_map(|one| [one.method().input(), one.method().output()]);
        let of_methods = messages.map(|message| message.full_name().to_owned()).collect();
        Self { texts, of_methods, ..Self::default() }
    }

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
        reference(&name)
    }

    /// What a method takes in its body, by reference, with an example: its message but for
    /// the fields that others set. Two paths of one method may set different ones.
    pub fn body(&mut self, message: &MessageDescriptor, wanted: impl Fn(&FieldDescriptor) -> bool) -> Json {
        let schema = self.object(message, Direction::In, &wanted);
        if schema["properties"].as_object().is_none_or(Map::is_empty) {
            return json!({"schema": schema});
        }
        let name = message.name().to_owned();
        let taken = self.done.get(&name).is_some_and(|other| *other != schema);
        let mut content = if taken {
            json!({"schema": schema})
        } else {
            self.done.insert(name.clone(), schema);
            json!({"schema": reference(&name)})
        };
        let example = example::of(message, wanted);
        if !example.is_empty() {
            content["example"] = example.into();
        }
        content
    }

    /// The value of a field that is a whole body, which is never null.
    pub fn whole(&mut self, field: &FieldDescriptor, direction: Direction) -> Json {
        match field.kind() {
            Kind::Message(of) if !field.is_list() && !field.is_map() => self.message(&of, direction),
            _ => self.field(field, direction),
        }
    }

    /// Which fields have a text.
    pub fn texts(&self) -> Texts {
        self.texts
    }

    /// A message as it is, with some of its fields.
    fn object(
        &mut self,
        message: &MessageDescriptor,
        direction: Direction,
        wanted: impl Fn(&FieldDescriptor) -> bool,
    ) -> Json {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in message.fields().filter(wanted) {
            let schema = self.described(&field, direction);
            let needed = match direction {
                Direction::In => FieldContract::of(&field).limits.required,
                Direction::Out => is_always_shown(&field),
            };
            if needed {
                required.push(field.name().to_owned());
            }
            properties.insert(field.name().to_owned(), schema);
        }
        let mut object = json!({"type": "object", "properties": properties});
        // What a method takes and returns says no more than its name.
        let said = comment(&message.parent_file(), message.path());
        if !said.is_empty() && !self.of_methods.contains(message.full_name()) {
            object["description"] = said.into();
        }
        if !required.is_empty() {
            object["required"] = required.into();
        }
        if direction == Direction::In {
            object["additionalProperties"] = false.into();
        }
        object
    }

    /// The value of a field, with what is said of it.
    fn described(&mut self, field: &FieldDescriptor, direction: Direction) -> Json {
        let mut schema = self.field(field, direction);
        let comment = field_comment(field);
        // A header that says the same has a text.
        let is_asked = direction == Direction::In && FieldContract::of(field).header.is_none();
        let is_wanted = self.texts == Texts::All || is_asked;
        if is_wanted && !comment.is_empty() {
            schema["description"] = comment.into();
        }
        schema
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
            return list(field, direction, one);
        }
        match field.kind() {
            Kind::Message(_) if one["type"] == "string" => {
                let mut text = one;
                text["type"] = json!(["string", "null"]);
                text
            }
            Kind::Message(_) => json!({"anyOf": [one, {"type": "null"}]}),
            _ => one,
        }
    }

    fn one(&mut self, field: &FieldDescriptor, direction: Direction) -> Json {
        match field.kind() {
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                number(field, direction, i32::MIN.into(), i32::MAX.into())
            }
            Kind::Uint32 | Kind::Fixed32 => number(field, direction, 0, u32::MAX.into()),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,18}$"})
            }
            Kind::Uint64 | Kind::Fixed64 => {
                json!({"type": "string", "format": "uint64", "pattern": "^[0-9]{1,19}$"})
            }
            Kind::Float | Kind::Double => json!({"type": "number"}),
            Kind::String if direction == Direction::Out => answered_text(field),
            Kind::String => match text(field) {
                (schema, None) => schema,
                (mut schema, Some(format)) => {
                    schema["$ref"] = self.format(format)["$ref"].take();
                    schema
                }
            },
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Enum(of) => self.enumeration(&of, direction),
            Kind::Message(of) => match of.full_name() {
                "google.protobuf.Timestamp" => {
                    json!({"type": "string", "format": "date-time"})
                }
                "google.protobuf.Duration" => json!({"type": "string", "examples": ["1.5s"]}),
                "google.protobuf.FieldMask" => json!({"type": "string", "examples": ["name,time_zone"]}),
                _ => self.message(&of, direction),
            },
        }
    }

    /// A UUID in a header, where an empty one is none.
    pub fn id_or_empty(&mut self) -> Json {
        self.format(Shared::ID_OR_EMPTY)
    }

    fn format(&mut self, format: Shared) -> Json {
        let name = format.name();
        let reference = reference(&name);
        self.done.entry(name).or_insert_with(|| format.schema());
        reference
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
            let described = match self.texts {
                Texts::All => format!("{text}\n\n{}", lines.join("\n")),
                Texts::OfRequests => text,
            };
            let schema = json!({"type": "string", "description": described, "enum": names});
            self.done.insert(name.clone(), schema);
        }
        reference(&name)
    }
}

/// A schema by its name.
pub fn reference(name: &str) -> Json {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn list(field: &FieldDescriptor, direction: Direction, one: Json) -> Json {
    let mut list = json!({"type": "array", "items": one});
    if direction == Direction::In {
        let limits = FieldContract::of(field).limits;
        if limits.required {
            list["minItems"] = 1.into();
        }
        if limits.max_items > 0 {
            list["maxItems"] = limits.max_items.into();
        }
    }
    list
}

/// Answers show every field but those whose absence says something.
fn is_always_shown(field: &FieldDescriptor) -> bool {
    let is_message = matches!(field.kind(), Kind::Message(_)) && field.containing_oneof().is_none();
    is_message || !field.supports_presence()
}
