//! Which GET reads what a call creates: one that answers with the same message, and whose
//! variables are known there.

use http::Method;

use crate::bind::FieldPath;
use crate::binding::Binding;
use crate::created::{Created, Piece};
use crate::plan::{Field, Kind, Label, MessageId, Plans};
use crate::template::{End, Segment, Template};

/// What a method's field says, whose resource one of these bindings may read.
pub fn created(
    plans: &Plans,
    binding: &Binding,
    name: &str,
    bindings: &[Binding],
) -> Result<Created, String> {
    let output = plans.message(binding.output);
    let field = output.by_name(name, 0).map(|at| &output.fields[at]);
    let (number, resource) = match field {
        Some(Field { label: Label::One, kind: Kind::Message(id), number, .. }) => (*number, *id),
        _ => return Err(format!("`{name}` is not a message of the response")),
    };
    let location = bindings.iter().find_map(|get| location(plans, binding, get, resource));
    Ok(Created { number, location })
}

/// The path of a GET as that of a resource which another binding creates; nothing if it
/// answers with something else, or has variables that are not known there.
fn location(plans: &Plans, creates: &Binding, get: &Binding, resource: MessageId) -> Option<Vec<Piece>> {
    if get.http_method != Method::GET || get.answer != Some(resource) || get.method.is_server_streaming() {
        return None;
    }
    let template = Template::parse(&get.template).ok()?;
    let mut values = get.variables.iter();
    let (mut pieces, mut at, mut is_of_it) = (Vec::new(), 0, false);
    let mut variables = template.variables.iter().peekable();
    while at < template.segments.len() {
        pieces.push(Piece::Literal("/".to_owned()));
        match variables.next_if(|variable| variable.from == at) {
            Some(variable) => {
                let End::Before(end) = variable.to else { return None };
                let value = value(plans, creates, values.next()?, end - at, resource)?;
                is_of_it |= matches!(value, Piece::Field { .. });
                pieces.push(value);
                at = end;
            }
            None => {
                let Segment::Literal(text) = &template.segments[at] else { return None };
                pieces.push(Piece::Literal(text.clone()));
                at += 1;
            }
        }
    }
    if let Some(verb) = &template.verb {
        pieces.push(Piece::Literal(format!(":{verb}")));
    }
    is_of_it.then_some(pieces)
}

/// What a variable is filled with: the same variable of the request's path, the resource's
/// field of that name, or its `id` for one that is called after it, such as `book_id`.
fn value(
    plans: &Plans,
    creates: &Binding,
    path: &FieldPath,
    segments: usize,
    resource: MessageId,
) -> Option<Piece> {
    if let Some(at) = creates.variables.iter().position(|one| one.name == path.name) {
        // Several segments have their slashes decoded or not.
        return (segments == 1).then_some(Piece::Variable(at));
    }
    let message = plans.message(resource);
    let called = message.name.rsplit('.').next().unwrap_or_default();
    let is_id =
        path.name.strip_suffix("_id").is_some_and(|of| of.replace('_', "").eq_ignore_ascii_case(called));
    let at = message.by_name(&path.name, 0).or_else(|| message.by_name("id", 0).filter(|_| is_id))?;
    let Field { label: Label::One, number, kind, .. } = &message.fields[at] else { return None };
    let is_text = !matches!(kind, Kind::Message(_) | Kind::Group(_) | Kind::Enum(_) | Kind::Bytes);
    let is_exact = !matches!(kind, Kind::Float | Kind::Double);
    (is_text && is_exact).then_some(Piece::Field { number: *number, kind: *kind, segments })
}
