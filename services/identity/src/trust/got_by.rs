//! By which secret or key a client got a token, as the token names it: the token ends with
//! that, and with nothing else of its client. No time is compared, so it does not matter whose
//! clock was ahead when a secret was replaced.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet, ThumbprintHash};

use crate::domain::api_key::ClientOfKey;

/// Bytes of the digest of a secret's hash: enough to tell the secrets of a client apart.
const NAMED: usize = 12;

/// How a token names the secret that it was got by.
pub fn secret(hash: &[u8]) -> String {
    let name = digest(&SHA256, &[b"the secret of a client ", hash].concat());
    format!("secret:{}", URL_SAFE_NO_PAD.encode(name.as_ref().get(..NAMED).unwrap_or_default()))
}

/// How a token names the key that it was got by: by its thumbprint (RFC 7638).
pub fn key(jwk: &Jwk) -> Option<String> {
    Some(format!("key:{}", jwk.thumbprint(ThumbprintHash::SHA256).ok()?))
}

/// What a token was got by is its client's no more.
#[derive(Debug, PartialEq, Eq)]
pub struct Gone;

/// Until when what a token was got by is good.
pub fn until(client: &ClientOfKey, got_by: &str) -> Result<Option<Timestamp>, Gone> {
    if got_by == secret(&client.secret_hash) {
        return Ok(client.expires_at);
    }
    if client.previous_secret_hash.as_deref().is_some_and(|hash| got_by == secret(hash)) {
        return Ok([client.expires_at, client.previous_expires_at].into_iter().flatten().min());
    }
    let keys: JwkSet = serde_json::from_str(client.client_keys.as_deref().ok_or(Gone)?).map_err(|_| Gone)?;
    let is_registered = keys.keys.iter().any(|jwk| key(jwk).as_deref() == Some(got_by));
    if is_registered { Ok(client.expires_at) } else { Err(Gone) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ApiKeyId, TenantId};

    #[test]
    fn a_token_is_good_as_long_as_what_it_was_got_by_is_one_of_the_clients() {
        let at = |second| Timestamp::from_second(second).ok();
        let jwk = |x: &str| format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"same","x":"{x}"}}"#);
        let of = |text: &str| key(&serde_json::from_str(text).unwrap()).unwrap();
        let (one, other) = (
            jwk("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
            jwk("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"),
        );
        let client = ClientOfKey {
            tenant: TenantId::default(),
            id: ApiKeyId::default(),
            suspended: false,
            deleted_until: None,
            secret_hash: vec![1; 32],
            previous_secret_hash: Some(vec![2; 32]),
            scopes: Vec::new(),
            allowed_addresses: Vec::new(),
            client_keys: Some(format!(r#"{{"keys":[{one}]}}"#)),
            expires_at: at(9),
            previous_expires_at: at(5),
            use_is_old: false,
        };
        assert_eq!(until(&client, &secret(&[1; 32])), Ok(at(9)));
        assert_eq!(until(&client, &secret(&[2; 32])), Ok(at(5)));
        assert_eq!(until(&client, &of(&one)), Ok(at(9)));
        for over in [&secret(&[3; 32]), &of(&other), "", "secret:"] {
            assert_eq!(until(&client, over), Err(Gone), "{over}");
        }
        let rotated = ClientOfKey { previous_secret_hash: None, client_keys: None, ..client };
        assert_eq!(until(&rotated, &secret(&[2; 32])), Err(Gone));
        assert_eq!(until(&rotated, &of(&one)), Err(Gone));
    }
}
