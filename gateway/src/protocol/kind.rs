//! Which protocol a request speaks, by its content type.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::answer::figures::Protocol;

/// The protocol of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Grpc,
    GrpcWeb(Form),
    /// gRPC with messages that are not protobuf.
    OtherGrpc,
    Rest,
}

/// The forms of gRPC-Web.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Binary,
    Text,
}

impl Kind {
    /// Content types compare without case, and their parameters do not count.
    pub fn of(headers: &HeaderMap) -> Self {
        const GRPC: &[u8] = b"application/grpc";
        let Some(content_type) = headers.get(CONTENT_TYPE) else { return Self::Rest };
        let content_type = content_type.as_bytes().trim_ascii_start();
        let Some((prefix, rest)) = content_type.split_at_checked(GRPC.len()) else { return Self::Rest };
        if !prefix.eq_ignore_ascii_case(GRPC) {
            return Self::Rest;
        }
        let kind = rest.iter().position(|byte| *byte == b';').map_or(rest, |end| &rest[..end]);
        let kind = kind.trim_ascii_end();
        let is = |kinds: [&str; 2]| kinds.iter().any(|one| kind.eq_ignore_ascii_case(one.as_bytes()));
        if is(["", "+proto"]) {
            Self::Grpc
        } else if is(["-web", "-web+proto"]) {
            Self::GrpcWeb(Form::Binary)
        } else if is(["-web-text", "-web-text+proto"]) {
            Self::GrpcWeb(Form::Text)
        } else {
            Self::OtherGrpc
        }
    }

    /// The protocol that figures count it under.
    pub fn protocol(self) -> Protocol {
        match self {
            Self::Rest => Protocol::Rest,
            Self::Grpc | Self::OtherGrpc => Protocol::Grpc,
            Self::GrpcWeb(_) => Protocol::GrpcWeb,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn kind(content_type: &'static str) -> Kind {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Kind::of(&headers)
    }

    #[test]
    fn content_types_are_read_without_case_and_parameters() {
        for (content_type, expected) in [
            ("application/grpc", Kind::Grpc),
            ("Application/gRPC+proto; x=y", Kind::Grpc),
            ("application/grpc-web", Kind::GrpcWeb(Form::Binary)),
            ("application/GRPC-Web-Text+Proto ; charset=utf-8", Kind::GrpcWeb(Form::Text)),
            ("application/grpc-web+json", Kind::OtherGrpc),
            ("application/grpc+json", Kind::OtherGrpc),
            ("application/json", Kind::Rest),
        ] {
            assert_eq!(kind(content_type), expected, "{content_type}");
        }
        assert_eq!(Kind::of(&HeaderMap::new()), Kind::Rest);
    }
}
