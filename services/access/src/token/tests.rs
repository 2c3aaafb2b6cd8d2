use super::*;

pub(crate) fn jwk() -> JsonWebKey {
    JsonWebKey {
        kty: "EC".to_owned(),
        crv: "P-256".to_owned(),
        x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU".to_owned(),
        y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0".to_owned(),
        kid: "k".to_owned(),
        r#use: "sig".to_owned(),
        alg: "ES256".to_owned(),
        key_ops: vec!["verify".to_owned()],
    }
}

#[test]
fn a_token_for_another_use_is_refused_by_its_media_type() {
    let with = |typ: &str| {
        let header = format!(r#"{{"alg":"ES256","kid":"k"{typ}}}"#);
        read_header(&format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header))).map(drop)
    };
    for good in ["", "JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "application/jwt"] {
        let typ = if good.is_empty() { String::new() } else { format!(r#","typ":"{good}""#) };
        assert_eq!(with(&typ), Ok(()), "{good}");
    }
    for bad in ["logout+jwt", "dpop+jwt", "secevent+jwt", "application/logout+jwt", "JWE", "jwt+x"] {
        assert_eq!(with(&format!(r#","typ":"{bad}""#)), Err(TokenFault::WrongKind), "{bad}");
    }
}

#[test]
fn what_is_sent_in_place_of_an_access_token_is_named() {
    for (text, fault) in [
        ("fdr_AAAA", TokenFault::RefreshToken),
        ("fdk_0_1_2", TokenFault::ApiKey),
        ("fdr", TokenFault::Malformed),
        ("Fußr_", TokenFault::Malformed),
        ("", TokenFault::Malformed),
    ] {
        assert_eq!(read_header(text).map(drop), Err(fault), "{text}");
    }
}

#[test]
fn only_es256_keys_for_signatures_verify() {
    assert!(Key::read(&jwk()).is_some());
    for change in [
        |key: &mut JsonWebKey| key.kty = "oct".to_owned(),
        |key: &mut JsonWebKey| key.crv = "P-384".to_owned(),
        |key: &mut JsonWebKey| key.alg = "HS256".to_owned(),
        |key: &mut JsonWebKey| key.r#use = "enc".to_owned(),
        |key: &mut JsonWebKey| key.key_ops = vec!["sign".to_owned()],
        |key: &mut JsonWebKey| key.kid = String::new(),
        |key: &mut JsonWebKey| key.x = "!".to_owned(),
    ] {
        let mut key = jwk();
        change(&mut key);
        assert!(Key::read(&key).is_none(), "{key:?}");
    }
}
