//! Objects of a schema, and the file in which they are kept: a line with kind,
//! relation and name of each, and its definition below, shifted to the right.

use std::fmt::Write;

/// What an object is. The order is the one in which they can be made: functions before
/// what calls them, rules of rows before whom they hold for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Role,
    Membership,
    Schema,
    Extension,
    Sequence,
    Function,
    /// A function that not everybody may run.
    ClosedFunction,
    Table,
    /// How a table is kept.
    TableOption,
    Column,
    /// A setting of a column for the planner.
    ColumnOption,
    Default,
    RowSecurity,
    Policy,
    Trigger,
    /// A trigger that is not disabled.
    TriggerFires,
    /// After the rows have got what they lack.
    NotNull,
    Constraint,
    Index,
    GrantOnSchema,
    GrantOnFunction,
    GrantOnSequence,
    Grant,
}

const KINDS: [(Kind, &str); 23] = [
    (Kind::Role, "role"),
    (Kind::Membership, "membership"),
    (Kind::Schema, "schema"),
    (Kind::Extension, "extension"),
    (Kind::Sequence, "sequence"),
    (Kind::Function, "function"),
    (Kind::ClosedFunction, "closed function"),
    (Kind::Table, "table"),
    (Kind::TableOption, "table option"),
    (Kind::Column, "column"),
    (Kind::ColumnOption, "column option"),
    (Kind::Default, "default"),
    (Kind::RowSecurity, "row security"),
    (Kind::Policy, "policy"),
    (Kind::Trigger, "trigger"),
    (Kind::TriggerFires, "trigger that fires"),
    (Kind::NotNull, "not null"),
    (Kind::Constraint, "constraint"),
    (Kind::Index, "index"),
    (Kind::GrantOnSchema, "grant on schema"),
    (Kind::GrantOnFunction, "grant on function"),
    (Kind::GrantOnSequence, "grant on sequence"),
    (Kind::Grant, "grant"),
];

/// Between the parts of an object's line.
const SEPARATOR: &str = " | ";
/// Before each line of a definition.
const SHIFT: &str = "    ";

impl Kind {
    /// As the file and the statement on the catalog name it.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        KINDS.iter().find(|(_, own)| *own == name).map(|(kind, _)| *kind)
    }

    /// Whether several definitions can stand beside each other under one name.
    fn is_grant(self) -> bool {
        matches!(self, Self::Grant | Self::GrantOnSchema | Self::GrantOnFunction | Self::GrantOnSequence)
    }
}

/// Something that migrations made. Names are whole and quoted where they have to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    pub kind: Kind,
    /// The table, function, sequence or role that it belongs to, if it does.
    pub relation: String,
    pub name: String,
    pub definition: String,
}

impl Object {
    /// Whether the other is the same object, whatever its definition is.
    pub fn is(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.relation == other.relation
            && self.name == other.name
            && (!self.kind.is_grant() || self.definition == other.definition)
    }

    /// The column and the name of an option.
    pub fn option(&self) -> (&str, &str) {
        self.name.rsplit_once('.').unwrap_or((&self.name, ""))
    }

    /// The word of the label that names it alone.
    pub fn word(&self) -> String {
        let Self { relation, name, .. } = self;
        let word = if relation.is_empty() { name.clone() } else { format!("{relation}.{name}") };
        word.replace("public.", "")
    }

    /// For an operator; what is in the schema `public` without its name, as refusals
    /// say it.
    pub fn label(&self) -> String {
        let Self { kind, relation, name, definition } = self;
        let label = match kind {
            Kind::Role | Kind::Schema | Kind::Extension | Kind::Sequence | Kind::Function | Kind::Table => {
                format!("{} {name}", kind.name())
            }
            Kind::ClosedFunction => format!("function {name}, as one that not everybody may run,"),
            Kind::Index => format!("index {name} of table {relation}"),
            Kind::Membership => format!("membership of {name} in {relation}"),
            Kind::RowSecurity if name == "force" => format!("forced row security of table {relation}"),
            Kind::RowSecurity => format!("row security of table {relation}"),
            Kind::NotNull => format!("not null of column {relation}.{name}"),
            Kind::Default => format!("default of column {relation}.{name}"),
            Kind::ColumnOption => {
                let (column, option) = self.option();
                format!("{option} of column {relation}.{column}")
            }
            Kind::TableOption => format!("{name} of table {relation}"),
            Kind::Column | Kind::Constraint | Kind::Policy | Kind::Trigger => {
                format!("{} {relation}.{name}", kind.name())
            }
            Kind::TriggerFires => format!("firing of trigger {relation}.{name}"),
            Kind::GrantOnSchema => format!("grant to {name}: {definition}"),
            Kind::GrantOnFunction | Kind::GrantOnSequence | Kind::Grant => {
                format!("grant to {name}: {definition} on {relation}")
            }
        };
        label.replace("public.", "")
    }
}

/// The file of these objects.
pub fn print(objects: &[Object]) -> String {
    let mut text = String::new();
    for Object { kind, relation, name, definition } in objects {
        // Writing to a string does not fail.
        _ = writeln!(text, "{}{SEPARATOR}{relation}{SEPARATOR}{name}", kind.name());
        for line in definition.lines() {
            _ = writeln!(text, "{}", format!("{SHIFT}{line}").trim_end());
        }
    }
    text
}

/// The objects of a file. What is no object is left out; that the file is what the
/// migrations make, a test says.
pub fn parse(text: &str) -> Vec<Object> {
    let mut objects: Vec<Object> = Vec::new();
    for line in text.lines() {
        if let (true, Some(object)) = (line.is_empty() || line.starts_with(SHIFT), objects.last_mut()) {
            if !object.definition.is_empty() {
                object.definition.push('\n');
            }
            object.definition.push_str(line.strip_prefix(SHIFT).unwrap_or_default());
            continue;
        }
        let mut parts = line.splitn(3, SEPARATOR);
        let kind = parts.next().and_then(Kind::from_name);
        if let (Some(kind), Some(relation), Some(name)) = (kind, parts.next(), parts.next()) {
            let (relation, name) = (relation.to_owned(), name.to_owned());
            objects.push(Object { kind, relation, name, definition: String::new() });
        }
    }
    objects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_what_was_printed() {
        let object = |kind, relation: &str, name: &str, definition: &str| Object {
            kind,
            relation: relation.to_owned(),
            name: name.to_owned(),
            definition: definition.to_owned(),
        };
        let objects = [
            object(
                Kind::Function,
                "",
                "public.f(timestamp with time zone)",
                "create function\n\n  -- a | b\nend",
            ),
            object(Kind::NotNull, "public.t", "id", ""),
            object(Kind::Table, "", "public.t", ""),
        ];
        assert_eq!(parse(&print(&objects)), objects);
    }

    #[test]
    fn every_kind_has_one_name() {
        for (kind, name) in KINDS {
            assert_eq!(Kind::from_name(name), Some(kind));
            assert_eq!(kind.name(), name);
        }
    }
}
