//! JSON to messages, strictly: an unknown field, a field given twice, two
//! members of a oneof and a value of another type are refused with their place.

use std::collections::{HashMap, HashSet};

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use serde_json::Value as Json;

use crate::error::InputError;
use crate::scalar;
use crate::tree::Tree;

/// Deepest nesting of a body.
const MAX_DEPTH: usize = 100;

/// Reads a message.
pub fn message(descriptor: MessageDescriptor, json: &[u8]) -> Result<DynamicMessage, InputError> {
    let tree = parse(json)?;
    if is_well_known(&descriptor) {
        return match value(&Kind::Message(descriptor), tree, &mut Vec::new())? {
            Value::Message(message) => Ok(message),
            _ => Err(InputError::request("the body is not a message")),
        };
    }
    object(descriptor, tree, &mut Vec::new())
}

/// Reads the value of one field.
pub fn field(field: &FieldDescriptor, json: &[u8]) -> Result<Value, InputError> {
    let mut path = vec![field.name().to_owned()];
    let tree = parse(json)?;
    field_value(field, tree, &mut path)?.ok_or_else(|| refuse(&path, "must not be null"))
}

fn parse(json: &[u8]) -> Result<Tree, InputError> {
    if std::str::from_utf8(json).is_err() {
        return Err(InputError::request("the body is not UTF-8"));
    }
    // serde_json names line and column, and echoes nothing of the body.
    serde_json::from_slice(json)
        .map_err(|error| InputError::request(format!("the body is not valid JSON: {error}")))
}

fn object(
    descriptor: MessageDescriptor,
    tree: Tree,
    path: &mut Vec<String>,
) -> Result<DynamicMessage, InputError> {
    let Tree::Object(members) = tree else { return Err(refuse(path, "must be a JSON object")) };
    if path.len() >= MAX_DEPTH {
        return Err(refuse(path, format!("is nested deeper than {MAX_DEPTH} levels")));
    }
    let mut message = DynamicMessage::new(descriptor.clone());
    let (mut seen, mut oneofs) = (HashSet::new(), HashSet::new());
    for (name, tree) in members {
        let known = descriptor.get_field_by_json_name(&name).or_else(|| descriptor.get_field_by_name(&name));
        let Some(field) = known else {
            path.push(clipped(name));
            return Err(refuse(path, unknown_field(&descriptor)));
        };
        path.push(field.name().to_owned());
        if !seen.insert(field.number()) {
            return Err(refuse(path, "is there twice"));
        }
        if let Some(value) = field_value(&field, tree, path)? {
            if let Some(oneof) = field.containing_oneof()
                && !oneofs.insert(oneof.name().to_owned())
            {
                return Err(refuse(
                    path,
                    format!("excludes another member of {} that is there", oneof.name()),
                ));
            }
            message.set_field(&field, value);
        }
        path.pop();
    }
    Ok(message)
}

/// `None` for null, which leaves the field unset.
fn field_value(
    field: &FieldDescriptor,
    tree: Tree,
    path: &mut Vec<String>,
) -> Result<Option<Value>, InputError> {
    let kind = field.kind();
    if tree.is_null() && !takes_null(&kind) {
        return Ok(None);
    }
    if field.is_map() {
        return map(&kind, tree, path).map(Some);
    }
    if field.is_list() {
        let Tree::Array(items) = tree else { return Err(refuse(path, "must be a JSON array")) };
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            path.push(index.to_string());
            values.push(value(&kind, item, path)?);
            path.pop();
        }
        return Ok(Some(Value::List(values)));
    }
    value(&kind, tree, path).map(Some)
}

fn map(kind: &Kind, tree: Tree, path: &mut Vec<String>) -> Result<Value, InputError> {
    let (Tree::Object(members), Some(entry)) = (tree, kind.as_message()) else {
        return Err(refuse(path, "must be a JSON object"));
    };
    let (key_kind, value_kind) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
    let mut values = HashMap::with_capacity(members.len());
    for (name, tree) in members {
        let key = map_key(&key_kind, &name);
        path.push(clipped(name));
        let key = key.ok_or_else(|| refuse(path, "is no key of this map"))?;
        if values.insert(key, value(&value_kind, tree, path)?).is_some() {
            return Err(refuse(path, "is there twice"));
        }
        path.pop();
    }
    Ok(Value::Map(values))
}

fn value(kind: &Kind, tree: Tree, path: &mut Vec<String>) -> Result<Value, InputError> {
    if let Kind::Message(descriptor) = kind
        && !is_well_known(descriptor)
    {
        return object(descriptor.clone(), tree, path).map(Value::Message);
    }
    if tree.is_null() && !takes_null(kind) {
        return Err(refuse(path, "must not be null"));
    }
    scalar::from_json(kind, &tree.into_json()).map_err(|cause| refuse(path, cause))
}

fn map_key(kind: &Kind, text: &str) -> Option<MapKey> {
    let json = match kind {
        Kind::Bool => Json::Bool(text.parse().ok()?),
        _ => Json::String(text.to_owned()),
    };
    scalar::from_json(kind, &json).ok()?.into_map_key()
}

fn is_well_known(descriptor: &MessageDescriptor) -> bool {
    descriptor.parent_file().package_name() == "google.protobuf"
}

fn takes_null(kind: &Kind) -> bool {
    match kind {
        Kind::Message(descriptor) => descriptor.full_name() == "google.protobuf.Value",
        Kind::Enum(descriptor) => descriptor.full_name() == "google.protobuf.NullValue",
        _ => false,
    }
}

fn unknown_field(descriptor: &MessageDescriptor) -> String {
    let names: Vec<String> = descriptor.fields().map(|field| field.name().to_owned()).collect();
    match names.as_slice() {
        [] => "is no field; there are none here".to_owned(),
        names => format!("is no field; there are {}", names.join(", ")),
    }
}

fn refuse(path: &[String], description: impl Into<String>) -> InputError {
    match path {
        [] => InputError::request(format!("the body {}", description.into())),
        path => InputError::field(path.join("."), description),
    }
}

/// A name from outside, short enough for a message.
fn clipped(name: String) -> String {
    if name.chars().count() <= 64 { name } else { name.chars().take(64).chain(['…']).collect() }
}
