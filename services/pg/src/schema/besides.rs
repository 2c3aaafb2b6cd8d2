//! What is there besides what the migrations made, where it opens what they close: row
//! policies let in whom any one of them does, and each grant adds to the others; and where a
//! table is left to grow. How else it is kept (its fill factor, when it is vacuumed) is for
//! whoever knows its load. Decides; runs nothing.

use super::difference::{Difference, Weight};
use super::look::Live;
use super::object::{Kind, Object};
use super::same::same;
use super::service::Service;
use super::statements::{SEES_ROWS, Step};

/// What everybody may do in a database that was made before Postgres 15.
const OF_EVERYBODY: &str = "create on public";

/// The differences.
pub fn besides(service: &Service, wanted: &[Object], live: &Live) -> Vec<Difference> {
    let policies = live.objects.iter().filter_map(|one| policy(service, wanted, one));
    let further = |one: &&Object| is_further(wanted, one);
    let grants: Vec<&Object> = live.objects.iter().filter(further).collect();
    let of_one = |one: &&Object, other: &&Object| {
        (one.kind, &one.relation, &one.name) == (other.kind, &other.relation, &other.name)
    };
    let memberships = live.objects.iter().filter_map(|one| membership(wanted, one, &live.owner));
    let forsaken = live.objects.iter().filter_map(|one| forsaken(wanted, one));
    let grants = grants.chunk_by(of_one).filter_map(|grants| granted(grants, &live.owner));
    memberships.chain(policies).chain(forsaken).chain(grants).collect()
}

/// A table that nobody vacuums or analyzes: rows that are gone stay in the way, and the planner
/// goes by what was there long ago.
fn forsaken(wanted: &[Object], option: &Object) -> Option<Difference> {
    let Object { kind, relation, name, definition } = option;
    let is_off = matches!(&*definition.to_lowercase(), "false" | "off" | "no" | "0" | "f" | "n");
    let is_ours = wanted.iter().any(|one| one.kind == Kind::Table && &one.name == relation);
    let is_meant = wanted.iter().any(|one| one.is(option));
    if *kind != Kind::TableOption || !name.ends_with("autovacuum_enabled") || !is_off || !is_ours || is_meant
    {
        return None;
    }
    Some(Difference {
        found: format!("{} is {definition}: nobody vacuums it", option.label()),
        weight: Weight::Light,
        left_by: None,
        cure: Err(format!(
            "if nobody vacuums and analyzes it otherwise, as the schema's owner: `alter table {relation} reset ({name})`"
        )),
        order: (Kind::TableOption, 1),
    })
}

/// A role that a service's role may become, or has the rights of.
fn membership(wanted: &[Object], membership: &Object, owner: &str) -> Option<Difference> {
    let Object { kind, relation, name, .. } = membership;
    if *kind != Kind::Membership || wanted.iter().any(|one| one.is(membership)) {
        return None;
    }
    Some(Difference {
        found: format!("{} is more than the migrations give", membership.label()),
        // Whoever owns a table is not held by its rules.
        weight: if relation == owner { Weight::Grave } else { Weight::Light },
        left_by: None,
        cure: Err(format!("if nobody needs it, as a superuser: `revoke {relation} from {name}`")),
        order: (Kind::Membership, 1),
    })
}

/// A policy that lets a service, everybody or the owner see more rows.
fn policy(service: &Service, wanted: &[Object], policy: &Object) -> Option<Difference> {
    let Object { kind, relation, name, definition } = policy;
    let forced =
        |one: &Object| one.kind == Kind::RowSecurity && &one.relation == relation && one.name == "force";
    let says_so = |one: &Object| {
        one.kind == Kind::Policy
            && &one.relation == relation
            && (one.is(policy) || same(&one.definition, definition))
    };
    let narrows = definition.starts_with("as restrictive ");
    if *kind != Kind::Policy || narrows || !wanted.iter().any(forced) || wanted.iter().any(says_so) {
        return None;
    }
    let own = |rest: &str| rest.is_empty() || rest.starts_with('_');
    let served = |role: &str| role == "public" || role.strip_prefix(service.role).is_some_and(own);
    let weight = match roles(definition) {
        roles if roles.iter().any(|role| served(role)) => Weight::Grave,
        roles if roles.contains(&"{owner}") => Weight::Light,
        _ => return None,
    };
    let drop = format!("drop policy {name} on {relation}");
    // A repair that was ended between its steps has left it.
    let cure = if name == SEES_ROWS {
        Ok(Step::one(drop))
    } else {
        Err(format!(
            "the migrations did not make it, and it lets in more than theirs; if nobody needs it, as the schema's owner: \
             `{drop}`"
        ))
    };
    let found = format!("{} opens rows {definition}", policy.label());
    Some(Difference { found, weight, left_by: None, cure, order: (Kind::Policy, 0) })
}

/// Whom a policy is for.
fn roles(definition: &str) -> Vec<&str> {
    let (_, roles) = definition.split_once(" to ").unwrap_or_default();
    let end = [" using (", " with check ("].iter().filter_map(|word| roles.find(word)).min();
    roles[..end.unwrap_or(roles.len())].split(", ").collect()
}

/// Whether it is a grant on something of the migrations that they did not give.
fn is_further(wanted: &[Object], grant: &Object) -> bool {
    let of = match grant.kind {
        Kind::Grant => Kind::Table,
        Kind::GrantOnSequence => Kind::Sequence,
        Kind::GrantOnSchema => Kind::Schema,
        _ => return false,
    };
    let of_table = grant.definition.split_once(" (").map_or(&*grant.definition, |(privilege, _)| privilege);
    let given = |one: &Object| {
        one.kind == grant.kind
            && (&one.relation, &one.name) == (&grant.relation, &grant.name)
            && (one.definition == grant.definition || one.definition == of_table)
    };
    let is_ours = |one: &Object| {
        one.kind == of
            && (one.name == grant.relation || grant.definition.ends_with(&format!(" on {}", one.name)))
    };
    wanted.iter().any(is_ours) && !wanted.iter().any(given)
}

/// What a role was granted on one thing.
fn granted(grants: &[&Object], owner: &str) -> Option<Difference> {
    let Object { kind, relation, name, .. } = grants.first()?;
    let privileges: Vec<&str> = grants.iter().map(|one| &*one.definition).collect();
    let all = privileges.join(", ");
    let (on, revokes) = match kind {
        // The owner of the tables may make them by that alone.
        Kind::GrantOnSchema if all == OF_EVERYBODY => (
            String::new(),
            format!("revoke create on schema public from public; grant create on schema public to {owner}"),
        ),
        // Each says the schema by itself.
        Kind::GrantOnSchema => {
            let revoke = |one: &&str| format!("revoke {} from {name}", one.replace(" on ", " on schema "));
            (String::new(), privileges.iter().map(revoke).collect::<Vec<_>>().join("; "))
        }
        kind => {
            let what = if *kind == Kind::GrantOnSequence { "sequence " } else { "" };
            (
                format!(" on {}", relation.replace("public.", "")),
                format!("revoke {all} on {what}{relation} from {name}"),
            )
        }
    };
    let who = if all == OF_EVERYBODY { "a superuser" } else { "the schema's owner" };
    Some(Difference {
        found: format!("grant to {name}: {all}{on} is more than the migrations give"),
        weight: Weight::Light,
        left_by: None,
        cure: Err(format!("if nobody needs it, as {who}: `{revokes}`")),
        order: (*kind, 1),
    })
}

#[cfg(test)]
mod tests {
    use super::super::object::parse;
    use super::*;
    use crate::migrate::MigrationSet;

    static SET: MigrationSet = MigrationSet { name: "test", history_table: "s.h", migrations: &[] };
    const SERVICE: Service = Service {
        set: &SET,
        schema: "s",
        role: "r",
        made: "",
        adapt: |made, _| made,
        optional: |_| false,
        choice: |_| None,
        afterwards: &[],
    };
    const MADE: &str = "table |  | s.t
row security | s.t | force
policy | s.t | own
    for all to public using ((a = 1))
grant | s.t | r
    select
grant | s.t | r
    update (a)
schema |  | s
membership | r_a | r
grant on schema |  | r
    usage on s
";

    #[test]
    fn what_opens_rows_is_told_and_what_opens_nothing_is_not() {
        for (more, found, weight) in [
            (
                "policy | s.t | p\n    for all to public using (true)",
                "policy s.t.p opens rows for all",
                Weight::Grave,
            ),
            ("policy | s.t | p\n    for select to x, r_a using (true)", "policy s.t.p opens", Weight::Grave),
            ("policy | s.t | repair_sees_rows\n    for all to {owner} using (true)", "policy", Weight::Light),
            (
                "grant | s.t | q\n    delete\ngrant | s.t | q\n    insert",
                "grant to q: delete, insert on",
                Weight::Light,
            ),
            ("grant | s.t | r\n    update", "grant to r: update on s.t is more", Weight::Light),
            ("grant | s.t | public\n    select", "grant to public: select on s.t is more", Weight::Light),
            (
                "grant on schema |  | public\n    usage on s",
                "grant to public: usage on s is more",
                Weight::Light,
            ),
            ("grant on schema |  | r\n    create on s", "grant to r: create on s is more", Weight::Light),
            ("grant on schema |  | r\n    usage on other", "", Weight::Light),
            ("membership | me | r", "membership of r in me is more", Weight::Grave),
            ("membership | pg_read_all_data | r_a", "membership of r_a in pg_read", Weight::Light),
            (
                "table option | s.t | autovacuum_enabled\n    off",
                "autovacuum_enabled of table s.t is off",
                Weight::Light,
            ),
            ("table option | s.t | toast.autovacuum_enabled\n    false", "toast.autovacuum", Weight::Light),
            ("table option | s.t | autovacuum_enabled\n    true", "", Weight::Light),
            ("table option | s.t | fillfactor\n    70", "", Weight::Light),
            ("table option | s.other | autovacuum_enabled\n    off", "", Weight::Light),
            ("policy | s.t | p\n    for all to report using (true)", "", Weight::Light),
            ("policy | s.t | p\n    for all to public using ((a = 1))", "", Weight::Light),
            ("policy | s.t | p\n    as restrictive for all to public using (true)", "", Weight::Light),
            ("policy | s.other | p\n    for all to public using (true)", "", Weight::Light),
            ("grant | s.other | r\n    delete\ngrant | s.t | r\n    select (b)", "", Weight::Light),
        ] {
            let live = Live { objects: parse(&format!("{MADE}{more}\n")), owner: "me".to_owned() };
            let told = besides(&SERVICE, &parse(MADE), &live);
            match &told[..] {
                [] => assert_eq!(found, "", "{more}"),
                [one] => {
                    assert!(!found.is_empty() && one.found.starts_with(found), "{more}: {told:?}");
                    assert_eq!(one.weight, weight, "{more}");
                }
                _ => panic!("{more}: {told:?}"),
            }
        }
    }
}
