//! Writes the checks of requests, as plain code, from the options of their fields.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use frontdesk_proto::{FieldContract, Limits};
use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

/// An implementation of `Checked` for every message that a call brings or gets.
pub fn write(pool: &DescriptorPool) -> String {
    let (mut requests, mut answers) = (BTreeMap::new(), BTreeSet::new());
    let services = pool.services().filter(|service| service.package_name().starts_with("frontdesk."));
    for method in services.flat_map(|service| service.methods().collect::<Vec<_>>()) {
        gather(&method.input(), &mut requests);
        answers.insert(method.output().full_name().to_owned());
    }
    let mut out = String::from("// Generated from the options of the .proto files: run `make generate`.\n");
    for name in answers {
        assert!(!requests.contains_key(&name), "{name} is both a request and an answer");
        writeln!(out, "impl Checked for crate::{} {{}}", path(&name)).unwrap();
    }
    for (name, checks) in requests {
        let path = path(&name);
        writeln!(out, "impl Checked for crate::{path} {{").unwrap();
        out.push_str("    const IS_BROUGHT: bool = true;\n");
        if !checks.is_empty() {
            writeln!(out, "    fn check(&self, found: &mut Violations) {{").unwrap();
            out.extend(checks.iter().map(|check| format!("        found.{check};\n")));
            out.push_str("    }\n");
        }
        out.push_str("}\n");
    }
    out
}

/// The checks of a message and of those within it, by name.
fn gather(message: &MessageDescriptor, found: &mut BTreeMap<String, Vec<String>>) {
    // A message is within itself, or within several.
    if !found.contains_key(message.full_name()) {
        found.insert(message.full_name().to_owned(), Vec::new());
        let checks = message.fields().filter_map(|field| check(&field, found)).collect();
        found.insert(message.full_name().to_owned(), checks);
    }
}

fn check(field: &FieldDescriptor, found: &mut BTreeMap<String, Vec<String>>) -> Option<String> {
    let name = field.name();
    let limits = FieldContract::of(field).limits;
    let nothing = limits == Limits::NONE;
    let taken = written(&limits);
    let set = field.supports_presence();
    let checks = match (field.kind(), field.is_list()) {
        (Kind::String, true) if nothing => return None,
        (Kind::String, true) => format!("texts({name:?}, &self.{name}, &{taken})"),
        (Kind::String, false) if nothing => return None,
        (Kind::String, false) if set => of_set(name, &format!("set_text({name:?}, value, &{taken})")),
        (Kind::String, false) => format!("text({name:?}, &self.{}, &{taken})", member(name)),
        (Kind::Int32, false) if nothing => return None,
        (Kind::Int32, false) if set => of_set(name, &format!("set_number({name:?}, *value, &{taken})")),
        (Kind::Int32, false) => format!("number({name:?}, self.{name}, &{taken})"),
        (Kind::Enum(of), true) => {
            format!(
                "values({name:?}, &self.{name}, crate::{}::is_valid, {:?})",
                path(of.full_name()),
                names(&of)
            )
        }
        (Kind::Enum(of), false) => {
            let known = format!("crate::{}::is_valid(self.{name})", path(of.full_name()));
            format!("value({name:?}, {known}, {:?})", names(&of))
        }
        (Kind::Message(of), false) if of.full_name() == "google.protobuf.Timestamp" => {
            format!("time({name:?}, self.{name}.as_ref(), &{taken})")
        }
        (Kind::Message(of), false) if of.full_name() == "google.api.HttpBody" => {
            format!("presence({name:?}, self.{name}.is_some(), &{taken})")
        }
        (Kind::Message(of), list) => {
            gather(&of, found);
            assert!(!field.is_map(), "{}: maps are not checked yet", field.full_name());
            if list {
                format!("messages({name:?}, &self.{name}, &{taken})")
            } else {
                format!("message({name:?}, self.{name}.as_ref(), &{taken})")
            }
        }
        _ => {
            assert!(nothing, "{}: such a field cannot be checked yet", field.full_name());
            return None;
        }
    };
    Some(checks)
}

/// The name of a member in Rust, where a field's name is a word of the language.
fn member(name: &str) -> &str {
    if name == "use" { "r#use" } else { name }
}

fn of_set(name: &str, check: &str) -> String {
    format!("when(self.{name}.as_ref(), |found, value| found.{check})")
}

/// Limits as Rust code.
fn written(limits: &Limits) -> String {
    let Limits { required, format, min_length, max_length, min, max, missing, max_bytes, max_items } =
        *limits;
    let mut parts = Vec::new();
    let none = Limits::NONE;
    let mut part = |differs: bool, text: String| parts.extend(differs.then_some(text));
    part(required, "required: true".to_owned());
    part(format != none.format, format!("format: Format::{format:?}"));
    part(min_length != 0, format!("min_length: {min_length}"));
    part(max_length != 0, format!("max_length: {max_length}"));
    part(min.is_some(), format!("min: {min:?}"));
    part(max.is_some(), format!("max: {max:?}"));
    part(max_bytes != 0, format!("max_bytes: {max_bytes}"));
    part(max_items != 0, format!("max_items: {max_items}"));
    part(missing != none.missing, format!("missing: ErrorReason::{missing:?}"));
    if parts.is_empty() {
        return "Limits::NONE".to_owned();
    }
    format!("Limits {{ {}, ..Limits::NONE }}", parts.join(", "))
}

/// `frontdesk.booking.v1.Booking` as a path in this crate.
fn path(full_name: &str) -> String {
    full_name.trim_start_matches("frontdesk.").replace('.', "::")
}

/// What may be sent, as JSON shows it: `a, b or c`.
fn names(of: &EnumDescriptor) -> String {
    let values: Vec<_> = of.values().collect();
    let prefix = values[0].name().trim_end_matches("UNSPECIFIED");
    let names: Vec<String> = values[1..]
        .iter()
        .map(|value| value.name().trim_start_matches(prefix).to_ascii_lowercase())
        .collect();
    match names.as_slice() {
        [front @ .., last] if !front.is_empty() => format!("{} or {last}", front.join(", ")),
        names => names.join(""),
    }
}
