//! What the descriptors say of a method to whoever reads its messages or streams them.

use frontdesk_proto::{MethodContract, Rule};
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

use super::body::MAX_REST;

/// What goes in and comes out.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Full names of its messages.
    pub input: String,
    pub output: String,
    /// Whether it takes several messages, and answers with several.
    pub takes_stream: bool,
    pub gives_stream: bool,
    /// Whether it changes nothing.
    pub only_reads: bool,
    /// Most bytes of a message that it takes: where anybody may call it, as over REST.
    pub most: usize,
    /// Where the version of what it reads is in the wire of its answer: the field `etag`, or that
    /// of the one record of the answer. Over REST it is where the record is the body.
    pub(super) etag: Vec<u32>,
}

/// Most bytes of a request's message, also after it is inflated, as the services have it.
const MAX_REQUEST: usize = 4 * 1024 * 1024;

impl Shape {
    pub fn of(method: &MethodDescriptor) -> Self {
        let contract = MethodContract::of(method);
        Self {
            input: method.input().full_name().to_owned(),
            output: method.output().full_name().to_owned(),
            takes_stream: method.is_client_streaming(),
            gives_stream: method.is_server_streaming(),
            only_reads: !contract.changes,
            most: if contract.rule == Some(Rule::Public) { MAX_REST } else { MAX_REQUEST },
            etag: etag(&method.output()),
        }
    }

    /// The version that an answer says.
    pub fn version<'w>(&self, wire: &'w [u8]) -> Option<&'w str> {
        let [path @ .., etag] = &self.etag[..] else { return None };
        let record = path.iter().try_fold(wire, |wire, field| delimited(wire, *field))?;
        std::str::from_utf8(delimited(record, *etag)?).ok().filter(|version| !version.is_empty())
    }

    /// Whether it streams in either direction.
    pub fn streams(&self) -> bool {
        self.takes_stream || self.gives_stream
    }
}

fn etag(answer: &MessageDescriptor) -> Vec<u32> {
    let of = |message: &MessageDescriptor| {
        message.get_field_by_name("etag").filter(|field| field.kind() == Kind::String && !field.is_list())
    };
    if let Some(own) = of(answer) {
        return vec![own.number()];
    }
    let fields: Vec<FieldDescriptor> = answer.fields().collect();
    // Beside others a record is not all that may change.
    let [record] = &fields[..] else { return Vec::new() };
    let kind = record.kind();
    let within = kind.as_message().filter(|_| !record.is_list()).and_then(of);
    within.map(|etag| vec![record.number(), etag.number()]).unwrap_or_default()
}

/// The last value of a field with a length.
fn delimited(mut wire: &[u8], wanted: u32) -> Option<&[u8]> {
    let mut found = None;
    while !wire.is_empty() {
        let (field, kind) = decode_key(&mut wire).ok()?;
        if kind == WireType::LengthDelimited {
            let length = usize::try_from(decode_varint(&mut wire).ok()?).ok()?;
            let (value, rest) = wire.split_at_checked(length)?;
            wire = rest;
            if field == wanted {
                found = Some(value);
            }
        } else {
            skip_field(kind, field, &mut wire, DecodeContext::default()).ok()?;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use frontdesk_proto::booking::v1::{BookingRequest, GetBookingRequestResponse};
    use frontdesk_proto::descriptors;
    use prost::Message;

    use super::*;

    fn shape(service: &str, method: &str) -> Shape {
        let service = descriptors().get_service_by_name(service).unwrap();
        Shape::of(&service.methods().find(|one| one.name() == method).unwrap())
    }

    #[test]
    fn the_version_of_the_one_record_of_an_answer_is_found_in_its_wire() {
        let get = shape("frontdesk.booking.v1.BookingRequestService", "GetBookingRequest");
        let answer = |etag: &str| {
            let request = BookingRequest { id: "x".repeat(200), etag: etag.to_owned(), ..Default::default() };
            GetBookingRequestResponse { booking_request: Some(request) }.encode_to_vec()
        };
        assert_eq!(get.version(&answer("v7")), Some("v7"));
        assert_eq!(get.version(&answer("")), None);
        assert_eq!(get.version(b""), None);
        let whole = answer("v7");
        for cut in 1..whole.len() {
            assert_eq!(get.version(&whole[..cut]), None, "{cut}");
        }
        let list = shape("frontdesk.booking.v1.BookingRequestService", "ListBookingRequests");
        assert_eq!(list.version(&whole), None);
    }
}
