//! What becomes of something that is there and is another than it was made: what holds
//! nothing is made anew, be it a default, an index, or a rule that rows are held against;
//! everything else is for an operator to decide. What is missing is not judged here.

use super::difference::{Difference, GENERATED, LAST, Weight, order};
use super::object::{Kind, Object};
use super::same::same;
use super::statements::{Step, exchanged, is_validated_later, made, replaced, validated};
use crate::value::serves;

/// Something that is there, and is another than it was made.
pub fn altered(object: &Object, stored: &Object) -> Difference {
    let other = &stored.definition;
    let is = match object.kind {
        Kind::Function => "not what this version made",
        Kind::Constraint if is_unfinished(object, other) => "not known to hold for every row",
        Kind::Index if is_unfinished(object, other) => "not finished",
        _ if other.is_empty() => "not as it was made",
        _ => other,
    };
    let (weight, cure) = match object.kind {
        Kind::Column => column(object, other),
        _ => whole(object, other),
    };
    let order = if object.kind == Kind::Constraint { LAST } else { order(object) };
    Difference { found: format!("{} is {is}", object.label()), weight, cure, order }
}

/// What is to be done about anything but a column.
fn whole(object: &Object, other: &str) -> (Weight, Result<Step, String>) {
    let Object { kind, relation, name, definition: wanted } = object;
    let of_table = |what: &str| format!("alter table {relation} {what}");
    match kind {
        Kind::Constraint if is_unfinished(object, other) => (Weight::Light, Ok(validated(object))),
        Kind::Index if is_unfinished(object, other) => {
            (Weight::Light, Ok(Step::alone(format!("reindex index concurrently {name}"))))
        }
        Kind::Role if wanted == "noinherit" => {
            (Weight::Grave, Ok(Step::one(format!("alter role {name} noinherit"))))
        }
        // Neither holds anything but what it was made as.
        Kind::Function => (Weight::Grave, Ok(Step::one(wanted.clone()))),
        Kind::Sequence => (Weight::Grave, Ok(Step::one(format!("alter sequence {name} {wanted}")))),
        // Another rule than this version made may serve; one that refuses what is written,
        // calls and checks name.
        Kind::Constraint if is_validated_later(object) => (Weight::Light, Ok(replaced(object))),
        // Without this one nothing keeps what was stored apart until the other is made.
        Kind::Constraint => (Weight::Light, by_hand(wanted, &of_table(&format!("drop constraint {name}")))),
        Kind::Index => {
            let only_once = |definition: &str| definition.starts_with("CREATE UNIQUE ");
            let lax = only_once(wanted) && !only_once(other);
            let weight = if lax { Weight::Grave } else { Weight::Light };
            (weight, Ok(exchanged(object)))
        }
        Kind::Policy => (Weight::Grave, by_hand(wanted, &format!("drop policy {name} on {relation}"))),
        Kind::Trigger => (Weight::Grave, by_hand(wanted, &format!("drop trigger {name} on {relation}"))),
        Kind::Default => (Weight::Light, Ok(made(object, &[], ""))),
        Kind::Table if other == "unlogged" => (
            Weight::Grave,
            Err(format!(
                "a crash would empty it; while nobody needs it, as its owner: alter table {name} set logged"
            )),
        ),
        _ => (Weight::Light, kept(wanted)),
    }
}

/// What is to be done about a column.
fn column(object: &Object, other: &str) -> (Weight, Result<Step, String>) {
    let Object { relation, name, definition: wanted, .. } = object;
    if wanted.contains(GENERATED) && !other.contains(GENERATED) {
        return (Weight::Grave, by_hand(wanted, &format!("alter table {relation} drop column {name}")));
    }
    if serves(&ty(wanted), &ty(other)) {
        return (Weight::Light, kept(wanted));
    }
    let why = format!(
        "the migrations made it: {wanted}; nothing here changes a type, which may lose what is stored: have whoever \
         altered it bring it back"
    );
    (Weight::Grave, Err(why))
}

/// Whether it only lacks the end of its making: rows from before were not looked at.
fn is_unfinished(object: &Object, other: &str) -> bool {
    other.strip_suffix(" NOT VALID").is_some_and(|begun| same(begun, &object.definition))
}

fn kept(wanted: &str) -> Result<Step, String> {
    Err(match wanted {
        "" => "the migrations made it without that".to_owned(),
        wanted => format!("the migrations made it: {wanted}"),
    })
}

fn by_hand(wanted: &str, drop: &str) -> Result<Step, String> {
    Err(format!(
        "it was made as: {wanted}; if nobody needs it as it is, as the schema's owner: {drop}; then `frontdesk doctor \
         --repair --apply`"
    ))
}

/// The type alone, without a length or precision.
fn ty(definition: &str) -> String {
    let end = [" collate ", GENERATED].iter().filter_map(|word| definition.find(word)).min();
    let ty = &definition[..end.unwrap_or(definition.len())];
    match (ty.split_once('('), ty.split_once(')')) {
        (Some((before, _)), Some((_, after))) => format!("{before}{after}"),
        _ => ty.to_owned(),
    }
}
