//! Which protocol a request speaks, by its content type and whether its path is a method's.

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
    /// Whatever else is sent to the path of a method.
    Connect,
    Rest,
}

/// The forms of gRPC-Web.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Binary,
    Text,
}

impl Kind {
    /// Content types compare without case, and their parameters do not count. `is_method` says
    /// whether the path is that of a method, which none of REST is.
    pub fn of(headers: &HeaderMap, is_method: impl FnOnce() -> bool) -> Self {
        Self::of_grpc(headers).unwrap_or_else(|| if is_method() { Self::Connect } else { Self::Rest })
    }

    fn of_grpc(headers: &HeaderMap) -> Option<Self> {
        const GRPC: &[u8] = b"application/grpc";
        let content_type = headers.get(CONTENT_TYPE)?.as_bytes().trim_ascii_start();
        let (prefix, rest) = content_type.split_at_checked(GRPC.len())?;
        if !prefix.eq_ignore_ascii_case(GRPC) {
            return None;
        }
        let kind = rest.iter().position(|byte| *byte == b';').map_or(rest, |end| &rest[..end]);
        let kind = kind.trim_ascii_end();
        let is = |kinds: [&str; 2]| kinds.iter().any(|one| kind.eq_ignore_ascii_case(one.as_bytes()));
        Some(if is(["", "+proto"]) {
            Self::Grpc
        } else if is(["-web", "-web+proto"]) {
            Self::GrpcWeb(Form::Binary)
        } else if is(["-web-text", "-web-text+proto"]) {
            Self::GrpcWeb(Form::Text)
        } else {
            Self::OtherGrpc
        })
    }

    /// The protocol that figures count it under.
    pub fn protocol(self) -> Protocol {
        match self {
            Self::Rest => Protocol::Rest,
            Self::Grpc | Self::OtherGrpc => Protocol::Grpc,
            Self::GrpcWeb(_) => Protocol::GrpcWeb,
            Self::Connect => Protocol::Connect,
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
        let kind = Kind::of(&headers, || false);
        let of_method = Kind::of(&headers, || true);
        assert_eq!(of_method, if kind == Kind::Rest { Kind::Connect } else { kind });
        kind
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
        assert_eq!(Kind::of(&HeaderMap::new(), || false), Kind::Rest);
    }
}
