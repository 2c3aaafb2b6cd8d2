//! The fields of a message on the wire, before they are JSON: found, gathered,
//! and which of them are as good as absent.

use crate::error::OutputError;
use crate::plan::{Field, Kind, Label, Message, Plans};
use crate::wire::{Raw, Wire, WireType, last};

type Result<T = ()> = std::result::Result<T, OutputError>;

/// The values of known fields; of a oneof's members only the last one that was
/// set counts.
pub fn gather<'w>(message: &Message, wire: &'w [u8], depth: usize) -> Result<Vec<(usize, Raw<'w>)>> {
    let mut found = Vec::new();
    let mut last: Vec<Option<usize>> = vec![None; message.oneofs.len()];
    let mut rest = Wire(wire);
    while !rest.is_empty() {
        let (number, wire_type) = rest.tag()?;
        let raw = rest.raw(number, wire_type, depth)?;
        let Some(index) = message.by_number(number) else { continue };
        if let Some(oneof) = message.fields[index].oneof {
            last[usize::from(oneof)] = Some(index);
        }
        found.push((index, raw));
    }
    found.retain(|(index, _)| {
        message.fields[*index].oneof.is_none_or(|oneof| last[usize::from(oneof)] == Some(*index))
    });
    Ok(found)
}

/// A default that an encoder wrote for a field without presence is as good
/// as absent.
#[inline]
pub fn is_hidden_default(plans: &Plans, field: &Field, values: &[Raw<'_>]) -> bool {
    let Some(last) = values.last() else { return false };
    if plans.style.defaults || field.presence || field.label == Label::Map {
        return false;
    }
    if field.label == Label::List {
        let packs = !matches!(field.kind.wire_type(), WireType::Delimited | WireType::StartGroup);
        return packs && values.iter().all(|raw| *raw == Raw::Delimited(&[]));
    }
    match (field.kind, last) {
        (Kind::Enum(id), _) if plans.enumeration(id).is_null => true,
        // Of a 32-bit number only those bits count.
        (Kind::Int32 | Kind::Sint32 | Kind::Uint32 | Kind::Enum(_), Raw::Varint(value)) => {
            value.trailing_zeros() >= 32
        }
        (_, Raw::Varint(0) | Raw::Fixed32(0) | Raw::Fixed64(0) | Raw::Delimited([])) => true,
        _ => false,
    }
}

/// Key and values of a map's entry.
pub fn entry<'w>(entry: &Raw<'w>, depth: usize) -> Result<(Option<Raw<'w>>, Vec<Raw<'w>>)> {
    let Raw::Delimited(entry) = entry else { return Err(OutputError::Malformed) };
    let (mut key, mut values) = (None, Vec::new());
    let mut rest = Wire(entry);
    while !rest.is_empty() {
        let (number, wire_type) = rest.tag()?;
        let raw = rest.raw(number, wire_type, depth)?;
        match number {
            1 => key = Some(raw),
            2 => values.push(raw),
            _ => {}
        }
    }
    Ok((key, values))
}

/// All values of one field.
pub fn values(wire: &[u8], wanted: u32, depth: usize) -> Result<Vec<Raw<'_>>> {
    let mut values = Vec::new();
    let mut rest = Wire(wire);
    while !rest.is_empty() {
        let (number, wire_type) = rest.tag()?;
        let raw = rest.raw(number, wire_type, depth)?;
        if number == wanted {
            values.push(raw);
        }
    }
    Ok(values)
}

/// The last value of a field of bytes or text, or of a message.
pub fn delimited(wire: &[u8], number: u32) -> Result<Option<&[u8]>> {
    match last(wire, number)? {
        None => Ok(None),
        Some(Raw::Delimited(bytes)) => Ok(Some(bytes)),
        Some(_) => Err(OutputError::Malformed),
    }
}
