//! Statements with names: `:tenant` in the text, a field `tenant` in the struct
//! that runs it. Each is compiled to `$n` once, and prepared with the types of its
//! fields. What a statement means, which layout it is for and how its gaps are
//! filled is not known here.
//!
//! Why this is not clorinde (2.0.0, read 2026-11), which generates functions from
//! `.sql` files with names, checked against a server:
//! - its errors are `tokio_postgres::Error`, also in its trait `GenericClient`: a
//!   transaction that uses it cannot say that it may not commit any more;
//! - `bind` runs at once, so a last statement cannot take COMMIT along without a
//!   client of another type; rows of lists are streamed, past that COMMIT;
//! - it prepares without types, so casts stay in the SQL;
//! - arrays are decoded by an iterator that panics; other columns by number, `try_get`;
//! - one text per statement, no optional conditions: two layouts and their shared
//!   columns would be written out, the lists' filters be `:x is null or …`, for which
//!   a generic plan has no index;
//! - generating needs a server and 30 crates that nothing else here needs, and the
//!   generated crate is committed.

mod declaration;
mod paste;
mod text;
mod token;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use tokio_postgres::types::{ToSql, Type};

pub use self::declaration::{Declaration, Group, Parameter, Query};
use self::text::Text;
use crate::{Fault, Kind};

/// Most parameters that lines of one statement depend on; each doubles its forms.
const MOST_CONDITIONS: usize = 10;
/// Most parameters of one statement, as many as a set of them has bits.
const MOST_PARAMETERS: usize = 64;

/// The compiled statements of a service, for one layout.
#[derive(Debug, Default)]
pub struct Statements {
    by_name: BTreeMap<&'static str, Statement>,
}

/// A compiled statement.
#[derive(Debug)]
pub struct Statement {
    declaration: &'static Declaration,
    /// Its parameters, those of groups last.
    parameters: Vec<&'static Parameter>,
    /// The finished text, with names.
    source: String,
    text: Text,
    /// The parameters that lines depend on, by their places.
    conditions: Vec<usize>,
    /// A form for each set of conditions, put together when it is first run.
    forms: Box<[OnceLock<Form>]>,
}

/// A statement's text as Postgres gets it, for one set of conditions.
#[derive(Debug)]
pub struct Form {
    text: String,
    types: Vec<Type>,
    /// The parameters that it uses, by their places.
    used: Vec<usize>,
    /// Whether it may store something.
    pub(crate) writes: bool,
}

/// Why a statement cannot be compiled: a defect of its text or declaration.
#[derive(Debug, thiserror::Error)]
#[error("the statement {statement} cannot be used: {problem}")]
pub struct StatementError {
    /// Which one.
    pub statement: String,
    /// What is wrong.
    pub problem: String,
}

impl Statements {
    /// Compiles statements that have one text each.
    pub fn new(declarations: impl IntoIterator<Item = &'static Declaration>) -> Result<Self, StatementError> {
        Self::of_layout(declarations, 0, 1, |_, text| text.to_owned())
    }

    /// Compiles statements for one of several layouts. `fill` completes a text for
    /// a layout. A statement need not use every parameter in each layout, but in one.
    pub fn of_layout(
        declarations: impl IntoIterator<Item = &'static Declaration>,
        layout: usize,
        layouts: usize,
        fill: impl Fn(usize, &'static str) -> String,
    ) -> Result<Self, StatementError> {
        let mut by_name = BTreeMap::new();
        for declaration in declarations {
            let failed = |problem| StatementError { statement: snake_case(declaration.name), problem };
            let statement = compile(declaration, layout, layouts, &fill).map_err(failed)?;
            if by_name.insert(declaration.name, statement).is_some() {
                return Err(failed("two have this name".to_owned()));
            }
        }
        Ok(Self { by_name })
    }

    /// Every statement, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Statement> {
        self.by_name.values()
    }

    /// The statement of this name, as [`Statement::name`] has it.
    pub fn named(&self, name: &str) -> Option<&Statement> {
        self.iter().find(|statement| statement.name() == name)
    }

    /// The form in which a call runs, with its values.
    pub fn form<'a>(&self, query: &'a dyn Query) -> Result<(&Form, Vec<&'a (dyn ToSql + Sync)>), Fault> {
        let name = query.declaration().name;
        let statement = self
            .by_name
            .get(name)
            .ok_or_else(|| Fault::new(Kind::Other, format!("the statement {name} is not in the list")))?;
        let form = statement.form(query.nulls());
        let values = query.values();
        if form.used.len() == values.len() {
            return Ok((form, values));
        }
        let used = form.used.iter().filter_map(|place| values.get(*place).copied()).collect();
        Ok((form, used))
    }
}

impl Statement {
    /// Its name as files have it: `lock_request`.
    pub fn name(&self) -> String {
        snake_case(self.declaration.name)
    }

    /// Its parameters.
    pub fn parameters(&self) -> &[&'static Parameter] {
        &self.parameters
    }

    /// Its parameters that a form uses, in the order of its types.
    pub fn parameters_of<'a>(&'a self, form: &'a Form) -> impl Iterator<Item = &'static Parameter> + 'a {
        form.used.iter().filter_map(|place| self.parameters.get(*place).copied())
    }

    /// The parameters without which it has fewer lines.
    pub fn optional(&self) -> impl Iterator<Item = &'static Parameter> {
        self.conditions.iter().filter_map(|place| self.parameters.get(*place).copied())
    }

    /// Every form: first without any optional line, last with all of them.
    pub fn forms(&self) -> impl Iterator<Item = &Form> {
        (0..self.forms.len()).map(|met| self.form_for(met))
    }

    /// The form with every line.
    pub fn full(&self) -> &Form {
        self.form(0)
    }

    fn form(&self, nulls: u64) -> &Form {
        let given = self.conditions.iter().map(|place| usize::from(nulls >> place & 1 == 0));
        self.form_for(given.rev().fold(0, |bits, given| bits << 1 | given))
    }

    fn form_for(&self, met: usize) -> &Form {
        self.forms[met].get_or_init(|| {
            let met = |place: usize| {
                self.conditions.iter().position(|one| *one == place).is_some_and(|bit| met >> bit & 1 == 1)
            };
            let used = self.text.used(met);
            Form {
                text: self.text.numbered(&used, met),
                types: used.iter().map(|place| self.parameters[*place].ty.clone()).collect(),
                used,
                writes: self.text.writes,
            }
        })
    }
}

impl Form {
    /// The text, with `$n`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The types of `$1`, `$2` and so on.
    pub fn types(&self) -> &[Type] {
        &self.types
    }
}

impl From<StatementError> for Fault {
    fn from(error: StatementError) -> Self {
        Self::new(Kind::Other, error.to_string())
    }
}

fn compile(
    declaration: &'static Declaration,
    layout: usize,
    layouts: usize,
    fill: impl Fn(usize, &'static str) -> String,
) -> Result<Statement, String> {
    let parameters = declaration.all();
    let names: Vec<&'static str> = parameters.iter().map(|parameter| parameter.name).collect();
    if names.len() > MOST_PARAMETERS {
        return Err(format!("it has more than {MOST_PARAMETERS} parameters"));
    }
    if ![1, layouts].contains(&declaration.texts.len()) {
        return Err(format!("it has {} texts for {layouts} layouts", declaration.texts.len()));
    }
    let mut used = vec![false; names.len()];
    let mut chosen = None;
    for (number, template) in declaration.texts.iter().cycle().take(layouts).enumerate() {
        let source = fill(number, template);
        let text = Text::cut(&source, &names)?;
        text.used(|_| true).into_iter().for_each(|place| used[place] = true);
        if number == layout {
            chosen = Some((source, text));
        }
    }
    // Of a group, a statement takes what it needs.
    let own = names.iter().zip(used).take(declaration.parameters.len());
    if let Some((name, _)) = own.into_iter().find(|(_, used)| !used) {
        return Err(format!("it does not use :{name}"));
    }
    let (source, text) = chosen.ok_or_else(|| format!("there is no layout {layout}"))?;
    let conditions = text.conditions();
    if conditions.len() > MOST_CONDITIONS {
        return Err(format!("its lines depend on more than {MOST_CONDITIONS} parameters"));
    }
    let forms = (0..1 << conditions.len()).map(|_| OnceLock::new()).collect();
    Ok(Statement { declaration, parameters, source, text, conditions, forms })
}

/// `lock_request` for `LockRequest`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
// A test that cannot go on says where.
#[allow(clippy::unwrap_used)]
mod tests;
