//! Codes that an app shows: TOTP (RFC 6238) with HMAC-SHA-1, steps of 30 s and six digits,
//! which is what apps know. That a code is accepted once is the business of the store.

use aws_lc_rs::{constant_time, hmac, rand};
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::api_key::NoRandom;

/// Seconds of a step.
const STEP: i64 = 30;
/// Digits of a code.
const DIGITS: usize = 6;
/// Bytes of a secret, as many as HMAC-SHA-1 gives (RFC 4226 section 4).
const SECRET_LEN: usize = 20;

/// What an app makes its codes of.
pub struct TotpSecret(Zeroizing<Vec<u8>>);

impl TotpSecret {
    /// A new one.
    pub fn generate() -> Result<Self, NoRandom> {
        let mut secret = Zeroizing::new(vec![0; SECRET_LEN]);
        rand::fill(&mut secret).map_err(|_| NoRandom)?;
        Ok(Self(secret))
    }

    /// One that was made before.
    pub fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// To be sealed.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// For typing: base32 without padding (RFC 4648).
    pub fn base32(&self) -> String {
        base32(&self.0)
    }

    /// For a QR code; the form is that of Google's authenticator.
    pub fn uri(&self, service: &str, account: &str) -> String {
        let (service, account) = (percent_encoded(service), percent_encoded(account));
        let secret = self.base32();
        format!(
            "otpauth://totp/{service}:{account}?secret={secret}&issuer={service}&algorithm=SHA1&digits={DIGITS}&period={STEP}"
        )
    }

    /// The step whose code this is, of the one at a time and those beside it: the clock of
    /// the app may be half a minute off. All three are compared, whichever it is.
    pub fn step_of(&self, code: &str, at: Timestamp) -> Option<i64> {
        let sent: Vec<u8> = code.bytes().filter(|byte| *byte != b' ').collect();
        let now = at.as_second().div_euclid(STEP);
        let mut found = None;
        for step in now - 1..=now + 1 {
            if constant_time::verify_slices_are_equal(&sent, self.code(step).as_bytes()).is_ok() {
                found = Some(step);
            }
        }
        found
    }

    fn code(&self, step: i64) -> Zeroizing<String> {
        let code = truncated(&self.0, step) % 10_u32.pow(6);
        Zeroizing::new(format!("{code:0DIGITS$}"))
    }
}

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("TotpSecret")
    }
}

/// RFC 4226 section 5.3.
fn truncated(secret: &[u8], counter: i64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let hash = tag.as_ref();
    let offset = usize::from(hash[hash.len() - 1] & 0xf);
    let four = [hash[offset] & 0x7f, hash[offset + 1], hash[offset + 2], hash[offset + 3]];
    u32::from_be_bytes(four)
}

fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bit = |at: usize| bytes.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1);
    let letter = |at: usize| (at..at + 5).fold(0, |five, at| five << 1 | usize::from(bit(at)));
    (0..bytes.len() * 8).step_by(5).map(|at| char::from(LETTERS[letter(at)])).collect()
}

/// RFC 3986: everything but unreserved characters.
fn percent_encoded(text: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of RFC 6238's appendix B and RFC 4226's appendix D.
    fn secret() -> TotpSecret {
        TotpSecret::from_bytes(Zeroizing::new(b"12345678901234567890".to_vec()))
    }

    #[test]
    fn codes_are_those_of_the_standards() {
        for (time, eight) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(truncated(secret().bytes(), time / STEP) % 100_000_000, eight, "{time}");
        }
        let first = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (counter, code) in (0..).zip(first) {
            assert_eq!(*secret().code(counter), code);
        }
    }

    #[test]
    fn a_code_is_that_of_its_step_and_of_the_two_beside_it() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (second, found) in
            [(29, None), (30, Some(2)), (60, Some(2)), (89, Some(2)), (119, Some(2)), (120, None)]
        {
            assert_eq!(secret().step_of("359152", at(second)), found, "{second}");
        }
        assert_eq!(secret().step_of(" 359 152 ", at(60)), Some(2));
        for wrong in ["", "359153", "35915", "0359152", "359152a", "٣٥٩١٥٢"] {
            assert_eq!(secret().step_of(wrong, at(60)), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_written_as_apps_read_it() {
        assert_eq!(base32(b""), "");
        assert_eq!(base32(b"fooba"), "MZXW6YTB");
        assert_eq!(base32(b"foob"), "MZXW6YQ", "RFC 4648, without the padding");
        assert_eq!(TotpSecret::generate().unwrap().base32().len(), 32);
        let uri = secret().uri("Front Desk", "anna@x.example");
        assert_eq!(
            uri,
            "otpauth://totp/Front%20Desk:anna%40x.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Front%20Desk&algorithm=SHA1&digits=6&period=30"
        );
    }
}
