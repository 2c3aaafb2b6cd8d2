use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::domain::ids::FactorId;
use crate::domain::user::UserKind;

const ORIGIN: &str = "https://desk.example";
const ALL: u8 = USER_PRESENT | USER_VERIFIED;

/// What a page and an authenticator write, each part of which a test can make wrong.
struct Authenticator {
    key: EcdsaKeyPair,
    /// Of COSE: -7 as one byte.
    alg: u8,
    kind: &'static str,
    challenge: &'static str,
    origin: &'static str,
    /// More members of the client data.
    more: &'static str,
    site: &'static str,
    flags: u8,
    count: u32,
    id: Vec<u8>,
    /// After the key.
    extensions: &'static [u8],
}

impl Authenticator {
    fn new(kind: &'static str) -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            alg: 0x26,
            kind,
            challenge: "Y2hhbGxlbmdl",
            origin: ORIGIN,
            more: r#","crossOrigin":false"#,
            site: "desk.example",
            flags: ALL,
            count: 7,
            id: b"one of these".to_vec(),
            extensions: &[],
        }
    }

    fn making() -> Self {
        Self { flags: ALL | HAS_CREDENTIAL, ..Self::new("webauthn.create") }
    }

    fn using() -> Self {
        Self::new("webauthn.get")
    }

    fn cose(&self) -> Vec<u8> {
        let point = self.key.public_key().as_ref();
        let head = [0xa5, 0x01, 0x02, 0x03, self.alg, 0x20, 0x01, 0x21, 0x58, 0x20];
        [&head[..], &point[1..33], &[0x22, 0x58, 0x20], &point[33..]].concat()
    }

    fn client_data(&self) -> Vec<u8> {
        let Self { kind, challenge, origin, more, .. } = self;
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}"{more}}}"#).into_bytes()
    }

    fn data(&self) -> Vec<u8> {
        let hash = digest(&SHA256, self.site.as_bytes());
        let mut data = [hash.as_ref(), &[self.flags], &self.count.to_be_bytes()].concat();
        if self.flags & HAS_CREDENTIAL != 0 {
            data.extend([0; 16]);
            data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
            data.extend(&self.id);
            data.extend(self.cose());
            data.extend(self.extensions);
        }
        data
    }

    fn object(&self) -> Vec<u8> {
        let data = self.data();
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        let head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59";
        [&head[..], &length, &data].concat()
    }

    fn made_of(&self, object: &[u8]) -> Json {
        let (id, client, object) = (encoded(&self.id), encoded(&self.client_data()), encoded(object));
        let response = json!({
            "clientDataJSON": client, "attestationObject": object, "authenticatorData": "AA",
            "transports": ["usb", "internal", "Not A Word"], "publicKeyAlgorithm": -7,
        });
        json!({"id": id, "rawId": id, "type": "public-key", "response": response, "authenticatorAttachment": "platform"})
    }

    fn made(&self) -> Result<Made, PasskeyFault> {
        match Given::read(&self.made_of(&self.object()).to_string(), &site())? {
            Given::Made(made) => Ok(made),
            Given::Used(_) => panic!("it was made"),
        }
    }

    fn used_with(&self, key: &EcdsaKeyPair, user: Option<UserId>) -> Result<Used, PasskeyFault> {
        let (client, data) = (self.client_data(), self.data());
        let message = [&data[..], digest(&SHA256, &client).as_ref()].concat();
        let signature = key.sign(&SystemRandom::new(), &message).unwrap();
        let response = json!({
            "clientDataJSON": encoded(&client), "authenticatorData": encoded(&data),
            "signature": encoded(signature.as_ref()), "userHandle": user.map(|user| encoded(user.0.as_bytes())),
        });
        let sent = json!({"id": encoded(&self.id), "type": "public-key", "response": response});
        match Given::read(&sent.to_string(), &site())? {
            Given::Used(given) => Ok(given),
            Given::Made(_) => panic!("it was used"),
        }
    }

    fn used(&self) -> Result<Used, PasskeyFault> {
        self.used_with(&self.key, None)
    }

    fn stored(&self) -> Passkey {
        Passkey {
            factor: FactorId(Uuid::from_u128(1)),
            user: user(2),
            credential: self.id.clone(),
            public_key: self.cose(),
            sign_count: 6,
            backup_eligible: false,
            backed_up: false,
            transports: Vec::new(),
            asked_at: Timestamp::UNIX_EPOCH,
            alone_from: None,
        }
    }
}

fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn site() -> RelyingParty {
    RelyingParty::of(ORIGIN.parse().unwrap(), None).unwrap()
}

/// A part made wrong, and what is said of it.
type Case = (fn(&mut Authenticator), PasskeyFault);

/// What is wrong whether a passkey is made or used.
fn cases() -> Vec<Case> {
    vec![
        (|it| it.origin = "https://desk.example.evil", of_page("https://desk.example.evil")),
        (|it| it.origin = "http://desk.example", of_page("http://desk.example")),
        (|it| it.origin = "https://desk.example:444", of_page("https://desk.example:444")),
        (|it| it.more = r#","crossOrigin":true"#, PasskeyFault::Framed),
        (|it| it.more = r#","topOrigin":"https://desk.example""#, PasskeyFault::Framed),
        (|it| it.more = r#","origin":"https://desk.example""#, PasskeyFault::Malformed),
        (|it| it.site = "example", PasskeyFault::OfAnotherSite),
        (|it| it.flags &= !USER_PRESENT, PasskeyFault::NobodyPresent),
        (|it| it.flags &= !USER_VERIFIED, PasskeyFault::NobodyVerified),
        (|it| it.flags |= BACKED_UP, PasskeyFault::Contradiction),
    ]
}

fn of_page(origin: &str) -> PasskeyFault {
    PasskeyFault::OfAnotherPage(origin.to_owned())
}

#[test]
fn a_passkey_that_was_made_is_read_with_all_that_is_kept_of_it() {
    let it = Authenticator { flags: ALL | HAS_CREDENTIAL | BACKUP_ELIGIBLE, ..Authenticator::making() };
    let made = it.made().unwrap();
    assert_eq!((made.challenge.as_str(), &made.id, made.sign_count), ("Y2hhbGxlbmdl", &it.id, 7));
    assert_eq!((made.public_key, made.backup_eligible, made.backed_up), (it.cose(), true, false));
    assert_eq!(made.transports, ["usb", "internal"]);
}

#[test]
fn what_was_made_for_another_site_page_or_purpose_or_without_its_user_is_refused() {
    for (number, (spoil, fault)) in cases().into_iter().enumerate() {
        let mut it = Authenticator::making();
        spoil(&mut it);
        assert_eq!(it.made().unwrap_err(), fault, "{number}");
    }
    let more: [Case; 6] = [
        (|it| it.kind = "webauthn.get", PasskeyFault::OfAnotherKind("webauthn.create")),
        // EdDSA, with a key of ES256, and one that was not offered.
        (|it| it.alg = 0x27, PasskeyFault::Algorithm),
        (|it| it.alg = 0x2b, PasskeyFault::Algorithm),
        (|it| it.id = vec![1; 1024], PasskeyFault::IdLength),
        (|it| it.id = Vec::new(), PasskeyFault::IdLength),
        (|it| it.flags &= !HAS_CREDENTIAL, PasskeyFault::Malformed),
    ];
    for (number, (spoil, fault)) in more.into_iter().enumerate() {
        let mut it = Authenticator::making();
        spoil(&mut it);
        assert_eq!(it.made().unwrap_err(), fault, "{number}");
    }
}

#[test]
fn what_is_cut_or_goes_on_after_its_end_is_refused_wherever_it_is_cut() {
    let it = Authenticator::making();
    let object = it.object();
    let read = |object: &[u8]| Given::read(&it.made_of(object).to_string(), &site()).map(drop);
    read(&object).unwrap();
    for length in 0..object.len() {
        assert!(read(&object[..length]).is_err(), "{length}");
    }
    assert_eq!(read(&[&object[..], &[0]].concat()), Err(PasskeyFault::Malformed));
    let mut sent = it.made_of(&object);
    sent["id"] = json!(encoded(b"another one"));
    assert_eq!(Given::read(&sent.to_string(), &site()).unwrap_err(), PasskeyFault::Malformed);
    for bad in ["", "[]", "{}", "null", "{\"id\":\"AA\",\"type\":\"public-key\",\"response\":{}}"] {
        assert_eq!(Given::read(bad, &site()).unwrap_err(), PasskeyFault::Malformed, "{bad}");
    }
    let mut sent = it.made_of(&object);
    sent["type"] = json!("password");
    assert_eq!(Given::read(&sent.to_string(), &site()).unwrap_err(), PasskeyFault::Malformed);
}

#[test]
fn after_the_key_are_extensions_where_the_flags_say_so_and_nothing_else() {
    // {"credProtect": 2}
    let extensions = b"\xa1\x6bcredProtect\x02";
    let extended = ALL | HAS_CREDENTIAL | HAS_EXTENSIONS;
    let made = |flags: u8, extensions: &'static [u8]| {
        let it = Authenticator { flags, extensions, ..Authenticator::making() };
        it.made().map(|made| assert_eq!(made.public_key, it.cose()))
    };
    made(extended, extensions).unwrap();
    made(extended, b"\xa0").unwrap();
    for (flags, extensions) in [
        (ALL | HAS_CREDENTIAL, &extensions[..]),
        (ALL | HAS_CREDENTIAL, b"\0"),
        (extended, b""),
        (extended, b"\0"),
        (extended, b"\xa0\0"),
        (extended, &extensions[..5]),
    ] {
        assert_eq!(made(flags, extensions), Err(PasskeyFault::Malformed), "{flags:x} {extensions:x?}");
    }
}

/// A key that goes on with other members is kept by nobody.
#[test]
fn a_key_that_is_larger_than_any_is_refused() {
    let it = Authenticator::making();
    let large = [&[0xa6][..], &it.cose()[1..], &[0x23, 0x59, 0x04, 0xb0], &[0; 1200]].concat();
    let mut data = it.data();
    data.truncate(data.len() - it.cose().len());
    data.extend(large);
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    let object = [&b"\xa1\x68authData\x59"[..], &length, &data].concat();
    let sent = it.made_of(&object).to_string();
    assert_eq!(Given::read(&sent, &site()).unwrap_err(), PasskeyFault::Algorithm);
}

#[test]
fn a_passkey_that_was_used_has_signed_what_was_sent() {
    let it = Authenticator::using();
    let used = it.used().unwrap();
    assert_eq!((used.challenge.as_str(), &used.id, used.sign_count), ("Y2hhbGxlbmdl", &it.id, 7));
    used.check(&it.stored()).unwrap();
    let named = it.used_with(&it.key, Some(user(2))).unwrap();
    assert_eq!(named.user.as_deref(), Some(user(2).0.as_bytes().as_slice()));
    named.check(&it.stored()).unwrap();
}

#[test]
fn what_was_used_for_another_site_page_or_purpose_or_without_its_user_is_refused() {
    let kind: Case = (|it| it.kind = "webauthn.create", PasskeyFault::OfAnotherKind("webauthn.get"));
    for (number, (spoil, fault)) in cases().into_iter().chain([kind]).enumerate() {
        let mut it = Authenticator::using();
        spoil(&mut it);
        assert_eq!(it.used().unwrap_err(), fault, "{number}");
    }
}

#[test]
fn another_signature_user_or_passkey_is_refused() {
    let (it, other) = (Authenticator::using(), Authenticator::using());
    let by_another = it.used_with(&other.key, None).unwrap();
    assert_eq!(by_another.check(&it.stored()), Err(PasskeyFault::Signature));
    let of_another = it.used_with(&it.key, Some(user(3))).unwrap();
    assert_eq!(of_another.check(&it.stored()), Err(PasskeyFault::Signature));
    assert_eq!(it.used().unwrap().check(&other.stored()), Err(PasskeyFault::Signature));
    let may_be_copied = Passkey { backup_eligible: true, ..it.stored() };
    assert_eq!(it.used().unwrap().check(&may_be_copied), Err(PasskeyFault::Signature));
    let no_key = Passkey { public_key: vec![0xa0], ..it.stored() };
    assert_eq!(it.used().unwrap().check(&no_key), Err(PasskeyFault::Algorithm));
    // Another challenge or counter than the one that was signed.
    let mut replayed = it.used().unwrap();
    let later = Authenticator { count: 8, ..Authenticator::using() }.used().unwrap();
    replayed.signed = later.signed;
    assert_eq!(replayed.check(&it.stored()), Err(PasskeyFault::Signature));
}

#[test]
fn browsers_are_asked_for_passkeys_that_are_found_without_a_name_and_verify_their_user() {
    let user = User {
        id: user(2),
        email: "lena@alpine.example".to_owned(),
        display_name: String::new(),
        kind: UserKind::Person,
        created_at: Timestamp::UNIX_EPOCH,
        disabled_at: None,
        email_confirmed_at: None,
    };
    let has = [Authenticator::using().stored()];
    let asked = creation_options(&site(), "Alpine Stays", &user, "Y2hhbGxlbmdl", &has);
    assert_eq!(asked["rp"], json!({"id": "desk.example", "name": "Alpine Stays"}));
    assert_eq!(asked["user"]["id"], encoded(user.id.0.as_bytes()));
    assert_eq!(asked["user"]["displayName"], "lena@alpine.example");
    let selection = &asked["authenticatorSelection"];
    assert_eq!(
        (&selection["residentKey"], &selection["userVerification"]),
        (&json!("required"), &json!("required"))
    );
    assert_eq!(asked["excludeCredentials"][0]["id"], encoded(b"one of these"));
    let algorithms: Vec<i64> = asked["pubKeyCredParams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["alg"].as_i64().unwrap())
        .collect();
    assert_eq!(algorithms, ALGORITHMS);
    let asked = request_options(&site(), "Y2hhbGxlbmdl", &[]);
    assert_eq!((&asked["rpId"], &asked["allowCredentials"]), (&json!("desk.example"), &json!([])));
    assert_eq!(asked["userVerification"], "required");
}
