//! Query parameters to fields (form rules: `+` is a space).

use std::collections::HashSet;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage};

use crate::error::InputError;
use crate::router::hex_pair;
use crate::scalar;

/// Parameters that trackers add and no method means.
const IGNORED_PREFIX: &str = "utm_";

/// Sets the fields that the parameters name. `reserved` is the field that the
/// body sets, `variables` those that the path sets; with `closed` the body sets
/// them all.
pub fn bind(
    message: &mut DynamicMessage,
    query: &str,
    reserved: Option<&FieldDescriptor>,
    variables: &[Vec<FieldDescriptor>],
    closed: bool,
) -> Result<(), InputError> {
    let mut seen = HashSet::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, text) = match pair.split_once('=') {
            Some((name, text)) => (decode(name)?, Some(decode(text)?)),
            None => (decode(pair)?, None),
        };
        if name.starts_with(IGNORED_PREFIX) {
            continue;
        }
        if closed {
            return Err(InputError::field(
                clipped(&name),
                "is a query parameter; this method takes its fields in the body",
            ));
        }
        let path = resolve(message, &name)?;
        let canonical = dotted(&path);
        if variables.iter().any(|variable| path.starts_with(variable) || variable.starts_with(&path)) {
            return Err(InputError::field(
                canonical,
                "is set by the path; do not send it as a query parameter",
            ));
        }
        if path.first() == reserved {
            return Err(InputError::field(
                canonical,
                "is set by the body; do not send it as a query parameter",
            ));
        }
        let text = text.ok_or_else(|| InputError::field(&canonical, "has no value; write name=value"))?;
        let repeated = path.last().is_some_and(FieldDescriptor::is_list);
        if !seen.insert(canonical.clone()) && !repeated {
            return Err(InputError::field(canonical, "is there twice"));
        }
        set(message, &path, &text).map_err(|cause| InputError::field(&canonical, cause))?;
    }
    Ok(())
}

/// A field path as text.
pub fn dotted(path: &[FieldDescriptor]) -> String {
    path.iter().map(FieldDescriptor::name).collect::<Vec<_>>().join(".")
}

fn resolve(message: &DynamicMessage, name: &str) -> Result<Vec<FieldDescriptor>, InputError> {
    let unknown = || InputError::field(clipped(name), "is no query parameter of this method");
    let mut parent = Some(message.descriptor());
    let mut path = Vec::new();
    for part in name.split('.') {
        let descriptor = parent.ok_or_else(unknown)?;
        let known = descriptor.get_field_by_name(part).or_else(|| descriptor.get_field_by_json_name(part));
        let field = known.ok_or_else(unknown)?;
        parent = match field.kind() {
            Kind::Message(message) if !field.is_list() && !field.is_map() => Some(message),
            _ => None,
        };
        path.push(field);
    }
    Ok(path)
}

fn set(message: &mut DynamicMessage, path: &[FieldDescriptor], text: &str) -> Result<(), String> {
    let Some((field, parents)) = path.split_last() else { return Err("is empty".to_owned()) };
    let from_url = match field.kind() {
        Kind::Message(descriptor) => {
            !field.is_list()
                && !field.is_map()
                && descriptor.parent_file().package_name() == "google.protobuf"
        }
        _ => true,
    };
    if !from_url {
        return Err("cannot be a query parameter".to_owned());
    }
    let value = scalar::from_text(field, text)?;
    let mut target = message;
    for parent in parents {
        target =
            target.get_field_mut(parent).as_message_mut().ok_or("goes through a field that is no message")?;
    }
    if field.is_list() {
        let list = target.get_field_mut(field).as_list_mut().ok_or("is not repeated")?;
        list.push(value);
        return Ok(());
    }
    target.set_field(field, value);
    Ok(())
}

fn decode(text: &str) -> Result<String, InputError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = match first {
            b'+' => {
                bytes.push(b' ');
                after
            }
            b'%' => {
                let byte = hex_pair(after)
                    .ok_or_else(|| InputError::request("the query has a % without two hex digits"))?;
                bytes.push(byte);
                &after[2..]
            }
            other => {
                bytes.push(other);
                after
            }
        };
    }
    String::from_utf8(bytes).map_err(|_| InputError::request("the query is not UTF-8"))
}

fn clipped(name: &str) -> String {
    name.chars().take(64).collect()
}
