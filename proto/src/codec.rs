//! How messages are coded on the wire: protobuf, and a request is checked as soon
//! as it has been decoded. In a service this happens after the access layer has
//! let the call through and before its handler.

use std::marker::PhantomData;

use prost::Message;
use tonic::Status;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};

use crate::check::Violations;
use crate::{Checked, ErrorReason, Refusal};

/// The codec of the generated clients and servers.
#[derive(Debug, Clone)]
pub struct Codec<T, U>(PhantomData<(T, U)>);

/// Decodes and checks.
#[derive(Debug, Clone, Default)]
pub struct CheckedDecoder<U> {
    inner: ProstDecoder<U>,
}

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> tonic::codec::Codec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Checked + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = CheckedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        CheckedDecoder { inner: ProstCodec::<T, U>::raw_decoder(BufferSettings::default()) }
    }
}

impl<U: Message + Default + Checked> Decoder for CheckedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let decoded = self.inner.decode(buffer);
        let decoded = if U::IS_BROUGHT { decoded.map_err(|error| no_message(&error)) } else { decoded };
        let Some(message) = decoded? else { return Ok(None) };
        let mut found = Violations::default();
        message.check(&mut found);
        match found.refusal() {
            None => Ok(Some(message)),
            Some(refusal) => Err(refusal.into()),
        }
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.inner.buffer_settings()
    }
}

/// The refusal of what is no message of the method. For tonic it is a fault of the server's.
fn no_message(error: &Status) -> Status {
    let what = error.message();
    let sentence = format!(
        "The message cannot be read as protobuf of this method ({what}). Write it by the .proto files of this server; reflection gives them, too."
    );
    Refusal::new(ErrorReason::MalformedRequest, sentence).into()
}
