//! The message of `google/api/httpbody.proto`, which the transcoder fills with a body
//! that is not JSON. Of that package everything else is options, read by reflection, so
//! its code is not generated.

/// A body that is not JSON, with its content type.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct HttpBody {
    /// The content type.
    #[prost(string, tag = "1")]
    pub content_type: String,
    /// The bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub data: Vec<u8>,
}
