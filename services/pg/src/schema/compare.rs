//! What a database lacks of what it should have, and what mends it. Decides; runs
//! nothing.

use super::altered::altered;
use super::besides::besides;
use super::difference::{Difference, LAST, Weight, order};
use super::look::Live;
use super::object::{Kind, Object, parse};
use super::same::same;
use super::service::{Afterwards, Service};
use super::statements::{Step, is_validated_later, made, unvalidated, validated};

/// The differences, in an order in which they can be mended.
pub fn differences(service: &Service, live: &Live) -> Vec<Difference> {
    let wanted = (service.adapt)(parse(service.made), &live.objects);
    let missing: Vec<&Object> = wanted.iter().filter(|one| !is_there(&live.objects, one)).collect();
    // Where no row is, a rule holds at once.
    let is_new = |table: &str| missing.iter().any(|one| one.kind == Kind::Table && one.name == table);
    let has_rows = |one: &Object| is_validated_later(one) && !is_new(&one.relation);
    let lost =
        missing.iter().filter(|one| !comes_with_another(one, &wanted, &missing)).map(|one| Difference {
            found: format!("{} is missing", one.label()),
            weight: if (service.optional)(one) || is_slow_without(one) || only_refuses(one) {
                Weight::Light
            } else {
                Weight::Grave
            },
            left_by: only_refuses(one).then(|| one.word()),
            cure: match (service.choice)(one) {
                Some(choice) => Err(choice),
                None if has_rows(one) => Ok(unvalidated(one)),
                None => Ok(made(one, &wanted, &live.owner)),
            },
            order: order(one),
        });
    let mut found: Vec<Difference> = lost.collect();
    found.extend(missing.iter().copied().filter(|one| has_rows(one)).map(|one| Difference {
        found: format!("what was stored without the {} may break it", one.label()),
        weight: Weight::Light,
        left_by: only_refuses(one).then(|| one.word()),
        cure: Ok(validated(one)),
        order: LAST,
    }));
    let others: Vec<(&Object, &Object)> =
        wanted.iter().filter_map(|one| Some((one, other(one, &live.objects)?))).collect();
    let fills = |one: &&Object| matches!(one.kind, Kind::Trigger | Kind::Function);
    let lacked: Vec<&Object> =
        missing.iter().copied().chain(others.iter().map(|(one, _)| *one).filter(fills)).collect();
    found.extend(service.afterwards.iter().filter_map(|after| afterwards(after, &lacked)));
    found.extend(others.into_iter().map(|(one, other)| altered(one, other, &wanted, &live.owner)));
    found.extend(besides(service, &wanted, live));
    found.sort_by_key(|one| one.order);
    found
}

/// Whether it is there, whatever its definition. Who may do something to a table may do
/// it to each of its columns.
fn is_there(live: &[Object], object: &Object) -> bool {
    let of_table = object.definition.split_once(" (").map(|(privilege, _)| privilege);
    let covers = |one: &Object| {
        object.kind == Kind::Grant
            && one.kind == Kind::Grant
            && (&one.relation, &one.name) == (&object.relation, &object.name)
            && Some(&*one.definition) == of_table
    };
    live.iter().any(|one| one.is(object) || covers(one))
}

/// What is there in place of it, if that is another.
fn other<'a>(object: &Object, live: &'a [Object]) -> Option<&'a Object> {
    let stored = live.iter().find(|one| one.is(object))?;
    let is_same = match object.kind {
        // Is kept as it was written.
        Kind::Function => stored.definition == object.definition,
        _ => same(&stored.definition, &object.definition),
    };
    (!is_same).then_some(stored)
}

/// Whether everything is right without it, and slow.
fn is_slow_without(object: &Object) -> bool {
    match object.kind {
        Kind::Index => !object.definition.starts_with("CREATE UNIQUE "),
        Kind::ColumnOption | Kind::TableOption => true,
        _ => false,
    }
}

/// Whether it only refuses what this version does not write, and reads as it is: another
/// program may have been freed of it on purpose.
fn only_refuses(object: &Object) -> bool {
    match object.kind {
        Kind::NotNull => true,
        Kind::Constraint => object.definition.starts_with("CHECK "),
        _ => false,
    }
}

/// Whether what makes another object that is missing makes this one, too.
fn comes_with_another(object: &Object, wanted: &[Object], missing: &[&Object]) -> bool {
    let beside = |kind: Kind| {
        let same = move |one: &Object| {
            one.kind == kind && one.relation == object.relation && one.name == object.name
        };
        (wanted.iter().any(same), missing.iter().any(|one| same(one)))
    };
    let no_table = missing.iter().any(|one| one.kind == Kind::Table && one.name == object.relation);
    match object.kind {
        Kind::Column => no_table,
        Kind::Default => no_table || beside(Kind::Column).1,
        // Rows that are there have no value yet, unless the column brings one.
        Kind::NotNull => no_table || beside(Kind::Column).1 && beside(Kind::Default).0,
        Kind::TriggerFires => beside(Kind::Trigger).1,
        Kind::ClosedFunction => beside(Kind::Function).1,
        // Everybody may run it, unless it is closed.
        Kind::GrantOnFunction => {
            let of_function =
                |kind: Kind| move |one: &Object| one.kind == kind && one.name == object.relation;
            missing.iter().any(|one| of_function(Kind::Function)(one))
                && !wanted.iter().any(of_function(Kind::ClosedFunction))
        }
        _ => false,
    }
}

/// What rows lack that were written while an object was missing or another.
fn afterwards(after: &'static Afterwards, lacked: &[&Object]) -> Option<Difference> {
    let Afterwards { of, table, sql } = after;
    let concerned =
        lacked.iter().find(|one| of.contains(&(one.kind, one.relation.as_str(), one.name.as_str())))?;
    Some(Difference {
        found: format!("what was stored without the {} may lack something", concerned.label()),
        weight: Weight::Light,
        left_by: None,
        cure: Ok(Step::on_every_row(table, sql)),
        order: (Kind::TriggerFires, 1),
    })
}

#[cfg(test)]
mod tests;
