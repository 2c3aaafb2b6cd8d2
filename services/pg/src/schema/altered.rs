//! What becomes of something that is there and is another than it was made: what holds
//! nothing is made again, be it a default, an index, a rule that rows are held against, or
//! who sees them; everything else is for an operator to decide. What is missing is not
//! judged here.

use super::difference::{Difference, GENERATED, LAST, Weight, order};
use super::object::{Kind, Object};
use super::same::same;
use super::statements::{
    Step, exchanged, exchanged_key, is_key, is_validated_later, made, remade, replaced, validated,
};
use crate::value::serves;

/// Something that is there, and is another than it was made; `wanted` is everything that
/// is to be there.
pub fn altered(object: &Object, stored: &Object, wanted: &[Object], owner: &str) -> Difference {
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
        Kind::Role => role(object, other),
        Kind::Constraint => constraint(object, other, wanted),
        _ => whole(object, other, owner),
    };
    let order = if object.kind == Kind::Constraint { LAST } else { order(object) };
    let left_by = (object.kind == Kind::Constraint).then(|| object.word());
    Difference { found: format!("{} is {is}", object.label()), weight, left_by, cure, order }
}

/// What is to be done about anything that is not judged by itself.
fn whole(object: &Object, other: &str, owner: &str) -> (Weight, Result<Step, String>) {
    let Object { kind, name, definition: wanted, .. } = object;
    match kind {
        Kind::Index if is_unfinished(object, other) => {
            (Weight::Light, Ok(Step::alone(format!("reindex index concurrently {name}"))))
        }
        Kind::Index => {
            let only_once = |definition: &str| definition.starts_with("CREATE UNIQUE ");
            let lax = only_once(wanted) && !only_once(other);
            let weight = if lax { Weight::Grave } else { Weight::Light };
            (weight, Ok(exchanged(object)))
        }
        // It lets its member see by itself what it sees as the other role only.
        Kind::Membership => {
            let Object { relation, name, .. } = object;
            (Weight::Grave, Ok(Step::one(format!("grant {relation} to {name} with inherit false"))))
        }
        // None holds anything but what it was made as.
        Kind::Function => (Weight::Grave, Ok(Step::one(wanted.clone()))),
        Kind::Sequence => (Weight::Grave, Ok(Step::one(format!("alter sequence {name} {wanted}")))),
        Kind::Policy | Kind::Trigger => (Weight::Grave, Ok(remade(object, owner))),
        Kind::Default | Kind::ColumnOption | Kind::TableOption => {
            (Weight::Light, Ok(made(object, &[], owner)))
        }
        Kind::Table if other == "unlogged" => (
            Weight::Grave,
            Err(format!(
                "a crash would empty it; while nobody needs it, as its owner: `alter table {name} set logged`"
            )),
        ),
        _ => (Weight::Light, kept(wanted)),
    }
}

/// What is to be done about a role. One that bypasses row-level security sees
/// every tenant's rows.
fn role(object: &Object, other: &str) -> (Weight, Result<Step, String>) {
    let Object { name, definition, .. } = object;
    let more = other.split_whitespace().filter(|word| !definition.split_whitespace().any(|own| own == *word));
    let less = definition.split_whitespace().filter(|word| !other.split_whitespace().any(|has| has == *word));
    let opens = more.clone().any(|word| matches!(word, "superuser" | "bypassrls"))
        || less.clone().any(|word| word == "noinherit");
    let taken = more.map(|word| word.strip_prefix("no").map_or_else(|| format!("no{word}"), str::to_owned));
    let attributes: Vec<String> = taken.chain(less.map(str::to_owned)).collect();
    let alter = format!("alter role {name} {}", attributes.join(" "));
    (if opens { Weight::Grave } else { Weight::Light }, Ok(Step::one(alter)))
}

/// What is to be done about a constraint. Another rule than this version made may serve;
/// one that refuses what is written, calls and checks name.
fn constraint(object: &Object, other: &str, wanted: &[Object]) -> (Weight, Result<Step, String>) {
    let Object { relation, name, definition, .. } = object;
    let is_referred_to =
        wanted.iter().any(|one| one.definition.contains(&format!(" REFERENCES {relation}(")));
    let cure = if is_unfinished(object, other) {
        Ok(validated(object))
    } else if is_validated_later(object) {
        Ok(replaced(object))
    } else if is_referred_to && is_key(definition) {
        Err(format!(
            "it was made as: {definition}; others refer to its table; if nobody needs it as it is, as the schema's owner: \
             `alter table {relation} drop constraint {name} cascade, add constraint {name} {definition}`, then \
             `frontdesk doctor --repair --apply` for what referred to it"
        ))
    } else {
        // What has to be built at once keeps everybody from writing: that is for somebody to say.
        exchanged_key(object).ok_or_else(|| {
            format!(
                "it was made as: {definition}; if nobody needs it as it is, as the schema's owner, while nobody writes: \
                 `alter table {relation} drop constraint {name}, add constraint {name} {definition}`"
            )
        })
    };
    (Weight::Light, cure)
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
        "it was made as: {wanted}; if nobody needs it as it is, as the schema's owner: `{drop}`, then `frontdesk doctor \
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
