//! Which protocol a request speaks, by its content type.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

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
        let Some(content_type) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
            return Self::Rest;
        };
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let Some((prefix, kind)) = essence.split_at_checked("application/grpc".len()) else {
            return Self::Rest;
        };
        if !prefix.eq_ignore_ascii_case("application/grpc") {
            return Self::Rest;
        }
        match kind.to_ascii_lowercase().as_str() {
            "" | "+proto" => Self::Grpc,
            "-web" | "-web+proto" => Self::GrpcWeb(Form::Binary),
            "-web-text" | "-web-text+proto" => Self::GrpcWeb(Form::Text),
            _ => Self::OtherGrpc,
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
