//! The field mask of a PATCH, from the members that its body has (AIP-134).

use crate::json::read::{Next, Reader, SyntaxError};
use crate::plan::{Kind, Label, MessageId, Plans, Shape};
use crate::scalar;
use crate::wire::{self, WireType};

/// Appends a `FieldMask` with a path for every member of a body that was read
/// before.
pub fn put(plans: &Plans, of: MessageId, body: &str, out: &mut Vec<u8>) -> Result<(), SyntaxError> {
    let mut paths = Vec::new();
    collect(plans, of, &mut Reader::new(body), "", &mut paths)?;
    for path in paths {
        out.extend_from_slice(&wire::tag(1, WireType::Delimited));
        scalar::put_bytes(path.as_bytes(), out);
    }
    Ok(())
}

fn collect(
    plans: &Plans,
    of: MessageId,
    reader: &mut Reader<'_>,
    prefix: &str,
    paths: &mut Vec<String>,
) -> Result<(), SyntaxError> {
    if reader.peek()? != Next::Object {
        return reader.skip();
    }
    reader.enter()?;
    let (message, mut first) = (plans.message(of), true);
    while let Some(name) = reader.member(&mut first)? {
        let Some(index) = message.by_name(&name, 0) else {
            reader.skip()?;
            continue;
        };
        let field = &message.fields[index];
        let path = format!("{prefix}{}", field.name);
        match (field.label, field.kind) {
            // A message is changed in the parts that are there; an empty one is set as a whole.
            (Label::One, Kind::Message(inner))
                if plans.message(inner).shape == Shape::Plain && reader.peek()? == Next::Object =>
            {
                let before = paths.len();
                collect(plans, inner, reader, &format!("{path}."), paths)?;
                if paths.len() == before {
                    paths.push(path);
                }
            }
            _ => {
                reader.skip()?;
                paths.push(path);
            }
        }
    }
    Ok(())
}
