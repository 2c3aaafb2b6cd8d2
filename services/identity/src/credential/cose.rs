//! Public keys as authenticators write them: COSE (RFC 9052, RFC 9053, RFC 8230), of the
//! algorithms that a passkey may have here.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};

use super::cbor::Map;

/// The algorithms, best first: `EdDSA`, ES256, RS256.
pub const ALGORITHMS: [i64; 3] = [-8, -7, -257];

/// Longest exponent of RS256, in bytes; everybody's is 65537, which has three.
const MAX_EXPONENT: usize = 8;

/// Shortest and longest modulus of RS256, in bits.
const MODULUS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A public key with its algorithm.
pub struct PublicKey(ParsedPublicKey);

impl PublicKey {
    /// The key that bytes begin with, and what is after it; none of another algorithm or
    /// curve, or that is no key of it.
    pub fn begin(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (map, rest) = Map::read(bytes)?;
        Some((Self(parsed(&map)?), rest))
    }

    /// That of bytes which are nothing else.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        Self::begin(bytes).filter(|(_, rest)| rest.is_empty()).map(|(key, _)| key)
    }

    /// Whether a signature is of this key and this message.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

fn parsed(map: &Map<'_, i64>) -> Option<ParsedPublicKey> {
    match (map.int(1)?, map.int(3)?) {
        // An octet key pair on Ed25519.
        (1, -8) if map.int(-1)? == 6 => ParsedPublicKey::new(&ED25519, map.bytes(-2)?).ok(),
        // Two coordinates on P-256.
        (2, -7) if map.int(-1)? == 1 => {
            let (x, y) = (map.bytes(-2)?, map.bytes(-3)?);
            if x.len() != 32 || y.len() != 32 {
                return None;
            }
            ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, [&[4][..], x, y].concat()).ok()
        }
        (3, -257) => rsa(map.bytes(-1)?, map.bytes(-2)?),
        _ => None,
    }
}

/// A key of RSA. Its parts alone are taken as they are; as a document they are looked at.
fn rsa(n: &[u8], e: &[u8]) -> Option<ParsedPublicKey> {
    let bits = n.len() * 8 - usize::try_from(n.first()?.leading_zeros()).ok()?;
    let has_zero = n[0] == 0 || *e.first()? == 0;
    if has_zero || !MODULUS.contains(&bits) || e.len() > MAX_EXPONENT {
        return None;
    }
    let document = RsaPublicKeyComponents { n, e }.as_der().ok()?;
    ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, document.as_ref()).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RsaKeyPair,
    };

    use super::*;

    fn bytes(value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len()).unwrap().to_be_bytes();
        [&[0x59][..], &length, value].concat()
    }

    fn es256(x: &[u8], y: &[u8], alg: u8, curve: u8) -> Vec<u8> {
        [&[0xa5, 0x01, 0x02, 0x03, alg, 0x20, curve, 0x21][..], &bytes(x), &[0x22], &bytes(y)].concat()
    }

    fn eddsa(x: &[u8], curve: u8) -> Vec<u8> {
        [&[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, curve, 0x21][..], &bytes(x)].concat()
    }

    fn rs256(n: &[u8], e: &[u8]) -> Vec<u8> {
        [&[0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20][..], &bytes(n), &[0x21], &bytes(e)].concat()
    }

    #[test]
    fn each_algorithm_takes_its_own_signatures() {
        let random = SystemRandom::new();
        let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let point = p256.public_key().as_ref();
        let ed = Ed25519KeyPair::generate().unwrap();
        let rsa = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(rsa.public_key());
        let mut of_rsa = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PKCS1_SHA256, &random, b"message", &mut of_rsa).unwrap();
        let all = [
            (
                es256(&point[1..33], &point[33..], 0x26, 1),
                p256.sign(&random, b"message").unwrap().as_ref().to_vec(),
            ),
            (eddsa(ed.public_key().as_ref(), 6), ed.sign(b"message").as_ref().to_vec()),
            (rs256(&public.n, &public.e), of_rsa),
        ];
        for (at, (key, _)) in all.iter().enumerate() {
            let key = PublicKey::read(key).unwrap();
            for (of, (_, signature)) in all.iter().enumerate() {
                assert_eq!(key.has_signed(b"message", signature), at == of, "{at} {of}");
                assert!(!key.has_signed(b"messagf", signature), "{at} {of}");
            }
        }
    }

    #[test]
    fn what_is_no_key_of_an_algorithm_here_is_refused() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let good = es256(x, y, 0x26, 1);
        assert!(PublicKey::read(&good).is_some());
        for bad in [
            es256(x, x, 0x26, 1),
            es256(&x[1..], y, 0x26, 1),
            es256(x, y, 0x27, 1),
            es256(x, y, 0x26, 2),
            [&good[..], &[0]].concat(),
            good[..good.len() - 1].to_vec(),
            Vec::new(),
            vec![0xa0],
        ] {
            assert!(PublicKey::read(&bad).is_none(), "{bad:x?}");
        }
        let ed = Ed25519KeyPair::generate().unwrap();
        let x = ed.public_key().as_ref();
        assert!(PublicKey::read(&eddsa(x, 6)).is_some());
        // X25519, Ed448, and a key that is cut.
        for (number, bad) in [eddsa(x, 4), eddsa(x, 7), eddsa(&x[1..], 6)].iter().enumerate() {
            assert!(PublicKey::read(bad).is_none(), "{number}");
        }
    }

    /// Before, they were kept, and no signature was right.
    #[test]
    fn keys_of_rsa_that_are_short_long_or_senseless_are_refused() {
        let n = [&[0xc1][..], &[0x55; 254], &[0x01]].concat();
        let (e, two) = ([1, 0, 1], [2]);
        let with = |at: usize, byte: u8| {
            let mut other = n.clone();
            other[at] = byte;
            other
        };
        for good in [rs256(&n, &e), rs256(&n, &[3]), rs256(&[&n[..], &n, &n, &n].concat(), &e)] {
            assert!(PublicKey::read(&good).is_some(), "{good:x?}");
        }
        for (number, bad) in [
            rs256(&n[128..], &e),
            rs256(&with(0, 0x7f), &e),
            rs256(&[&[0][..], &n].concat(), &e),
            rs256(&with(0, 0), &e),
            rs256(&[&n[..], &n, &n, &n, &[1]].concat(), &e),
            rs256(&with(255, 2), &e),
            rs256(&[], &e),
            rs256(&n, &[]),
            rs256(&n, &[0, 1, 0, 1]),
            rs256(&n, &[1, 0, 0, 0, 0, 0, 0, 0, 1]),
            rs256(&n, &[1]),
            rs256(&n, &two),
        ]
        .iter()
        .enumerate()
        {
            assert!(PublicKey::read(bad).is_none(), "{number}");
        }
    }
}
