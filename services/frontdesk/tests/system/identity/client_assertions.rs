//! Clients that prove who they are by signing (RFC 7523) instead of sending a secret.

use access::Issuer;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use frontdesk::demo;
use frontdesk::system::Policies;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};

use super::client_tokens::{ADDRESS, Client, ask, client, often, refused, start, start_with};
use crate::fixture::{Answer, Fixture, system_under, tenant_path};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const FOREIGN: &str = include_str!("foreign_keys.json");

/// A key pair of a client.
struct Pair {
    private: EncodingKey,
    public: Json,
    algorithm: Algorithm,
}

fn es256(kid: &str) -> Pair {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let [x, y] = [&point[1..33], &point[33..65]].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    Pair {
        private: EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()),
        public: json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig", "ext": true}),
        algorithm: Algorithm::ES256,
    }
}

/// A key of `foreign_keys.json`.
fn foreign(name: &str, algorithm: Algorithm) -> Pair {
    let keys: Json = serde_json::from_str(FOREIGN).unwrap();
    let der = BASE64_STANDARD.decode(keys["private"][name].as_str().unwrap()).unwrap();
    let private =
        if name == "rsa" { EncodingKey::from_rsa_der(&der) } else { EncodingKey::from_ed_der(&der) };
    let kty = if name == "rsa" { "RSA" } else { "OKP" };
    let listed = keys["keys"].as_array().unwrap().iter().find(|key| key["kty"] == kty).unwrap();
    let mut public = listed.clone();
    public["kid"] = json!(name);
    public.as_object_mut().unwrap().remove("alg");
    Pair { private, public, algorithm }
}

fn claims(client: &Client) -> Json {
    let now = jsonwebtoken::get_current_timestamp();
    json!({
        "iss": client.id, "sub": client.id, "aud": format!("{ADDRESS}/oauth/token"),
        "exp": now + 60, "iat": now, "jti": uuid::Uuid::now_v7(),
    })
}

impl Pair {
    fn signed(&self, claims: &Json) -> String {
        self.signed_as("JWT", claims)
    }

    fn signed_as(&self, typ: &str, claims: &Json) -> String {
        let mut header = Header::new(self.algorithm);
        header.typ = Some(typ.to_owned());
        header.kid = self.public["kid"].as_str().map(str::to_owned);
        jsonwebtoken::encode(&header, claims, &self.private).unwrap()
    }

    /// By HMAC, with what is public of it for a secret.
    fn by_hmac(&self, claims: &Json) -> String {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = self.public["kid"].as_str().map(str::to_owned);
        let secret = EncodingKey::from_secret(self.public["x"].as_str().unwrap().as_bytes());
        jsonwebtoken::encode(&header, claims, &secret).unwrap()
    }
}

fn by(fixture: &Fixture, assertion: &str) -> RequestBuilder {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ];
    ask(fixture, &form)
}

async fn register(fixture: &Fixture, client: &Client, body: &Json) -> Answer {
    let owner = fixture.token(demo::OWNER).await;
    let path = tenant_path(&format!("/api-keys/{}/jwks", client.id));
    Answer::of(fixture.request(Method::PUT, &path).bearer_auth(owner).json(body)).await
}

#[tokio::test]
async fn a_client_signs_by_any_of_its_keys_and_needs_no_secret_then() {
    let fixture = start().await;
    let client = client(&fixture, &["properties:view"], &[]).await;
    let pairs = [es256("first"), foreign("rsa", Algorithm::RS256), foreign("ed", Algorithm::EdDSA)];
    let keys: Vec<&Json> = pairs.iter().map(|pair| &pair.public).collect();
    let set = json!({"keys": keys, "without_secret": true});
    let registered = register(&fixture, &client, &set).await;
    assert_eq!(registered.ok()["api_key"]["client_key_ids"], json!(["first", "rsa", "ed"]));
    for pair in &pairs {
        let endpoint = format!("{ADDRESS}/oauth/token");
        for aud in [json!(ADDRESS), json!(endpoint), json!([ADDRESS]), json!([endpoint, ADDRESS])] {
            let mut claims = claims(&client);
            claims["aud"] = aud;
            let answer = Answer::of(by(&fixture, &pair.signed(&claims))).await;
            let token = answer.ok()["access_token"].as_str().unwrap();
            fixture.get("/v1/properties", token).await.ok();
        }
    }
    let named = pairs[0].signed_as("client-authentication+jwt", &claims(&client));
    Answer::of(by(&fixture, &named)).await.ok();
    let secret = Answer::of(client.asks(&fixture, "")).await;
    refused(&secret, 401, "invalid_client", "CLIENT_INVALID");
    // Keys that are replaced sign no more.
    register(&fixture, &client, &json!({"keys": [es256("next").public]})).await.ok();
    let old = Answer::of(by(&fixture, &pairs[0].signed(&claims(&client)))).await;
    refused(&old, 401, "invalid_client", "CLIENT_INVALID");
}

#[tokio::test]
async fn a_key_or_a_secret_that_is_gone_ends_the_tokens_that_were_got_by_it_and_no_others() {
    let fixture = start().await;
    let client = client(&fixture, &["api_keys:manage"], &[]).await;
    let path = tenant_path("/api-keys");
    let (first, second) = (es256("first"), es256("second"));
    let by = async |pair: &Pair| {
        let answer = Answer::of(by(&fixture, &pair.signed(&claims(&client)))).await;
        answer.ok()["access_token"].as_str().unwrap().to_owned()
    };
    let good = async |token: &str| {
        fixture.get(&path, token).await.ok();
    };
    let over = async |token: &str| {
        fixture.get(&path, token).await.refused(401, "SESSION_ENDED");
    };
    let by_secret = client.token(&fixture, "").await;
    register(&fixture, &client, &json!({"keys": [first.public]})).await.ok();
    let by_first = by(&first).await;
    // What comes beside it, or comes again, takes nothing away.
    register(&fixture, &client, &json!({"keys": [second.public, first.public]})).await.ok();
    let by_second = by(&second).await;
    for token in [&by_secret, &by_first, &by_second] {
        good(token).await;
    }
    register(&fixture, &client, &json!({"keys": [second.public]})).await.ok();
    over(&by_first).await;
    good(&by_secret).await;
    good(&by_second).await;
    let without = json!({"keys": [second.public], "without_secret": true});
    register(&fixture, &client, &without).await.ok();
    over(&by_secret).await;
    good(&by_second).await;
    // Another key with the id of the one from before.
    register(&fixture, &client, &json!({"keys": [es256("second").public]})).await.ok();
    over(&by_second).await;
}

#[tokio::test]
async fn an_assertion_is_good_once_also_for_fifty_at_once() {
    let fixture = start_with(often()).await;
    let client = client(&fixture, &["properties:view"], &[]).await;
    let pair = es256("k");
    register(&fixture, &client, &json!({"keys": [pair.public]})).await.ok();
    let assertion = pair.signed(&claims(&client));
    let answers = futures::future::join_all((0..50).map(|_| Answer::of(by(&fixture, &assertion)))).await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((good.len(), bad.len()), (1, 49));
    for answer in bad {
        refused(answer, 401, "invalid_client", "CLIENT_INVALID");
    }
    let issued = "select coalesce(sum(times), 0)::bigint from identity.audit_events \
        where action = 'token_issued' and outcome = $1";
    assert_eq!(fixture.count(issued, &[&"success"]).await, 1);
    fixture.until(issued, &[&"failure"], 49).await;
    // What was refused for its scopes is not used up.
    let again = pair.signed(&claims(&client));
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &again),
        ("scope", "bookings:view"),
    ];
    refused(&Answer::of(ask(&fixture, &form)).await, 400, "invalid_scope", "SCOPE_NOT_GRANTED");
    Answer::of(by(&fixture, &again)).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_good_once_wherever_it_is_sent() {
    let fixture = start().await;
    let issuer = Issuer { issuer: ADDRESS.to_owned(), ..Issuer::default() };
    let policies = Policies { issuer, ..Policies::default() };
    let other = system_under(&fixture.database.url, policies).await;
    let client = client(&fixture, &["properties:view"], &[]).await;
    let pair = es256("k");
    register(&fixture, &client, &json!({"keys": [pair.public]})).await.ok();
    let elsewhere = format!("http://{}/v1/auth/token", other.gateway);
    for first in [0, 1] {
        let assertion = pair.signed(&claims(&client));
        let body = json!({
            "grant_type": "client_credentials",
            "client_assertion_type": JWT_BEARER,
            "client_assertion": assertion,
        });
        let mut asked = [by(&fixture, &assertion), fixture.http.post(&elsewhere).json(&body)];
        asked.rotate_left(first);
        let [first, second] = asked;
        Answer::of(first).await.ok();
        assert_eq!(Answer::of(second).await.status, 401);
    }
    let assertion = pair.signed(&claims(&client));
    let body = json!({
        "grant_type": "client_credentials",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": assertion,
    });
    let here = (0..20).map(|_| by(&fixture, &assertion));
    let there = (0..20).map(|_| fixture.http.post(&elsewhere).json(&body));
    let answers = futures::future::join_all(here.chain(there).map(Answer::of)).await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((good.len(), bad.len()), (1, 39));
    assert!(bad.iter().all(|answer| answer.status == 401));
}

#[tokio::test]
async fn an_assertion_that_is_not_made_for_this_server_now_by_its_client_gets_nothing() {
    let fixture = start().await;
    let mine = client(&fixture, &["properties:view"], &[]).await;
    let other = client(&fixture, &["properties:view"], &[]).await;
    let pair = es256("k");
    register(&fixture, &mine, &json!({"keys": [pair.public]})).await.ok();
    let now = jsonwebtoken::get_current_timestamp();
    let changed = |name: &str, value: Json| {
        let mut claims = claims(&mine);
        claims[name] = value;
        pair.signed(&claims)
    };
    let missing = |name: &str| {
        let mut claims = claims(&mine);
        claims.as_object_mut().unwrap().remove(name);
        pair.signed(&claims)
    };
    let signed_as = |header: Json, signature: &str| {
        let part = |json: &Json| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        format!("{}.{}.{signature}", part(&header), part(&claims(&mine)))
    };
    let bad = [
        ("alg none", signed_as(json!({"alg": "none", "kid": "k"}), "")),
        ("alg HS256", pair.by_hmac(&claims(&mine))),
        ("an access token", pair.signed_as("at+jwt", &claims(&mine))),
        ("a key of its own", signed_as(json!({"alg": "ES256", "kid": "k", "jwk": pair.public}), "AA")),
        ("another's signature", es256("k").signed(&claims(&mine))),
        ("another key id", es256("x").signed(&claims(&mine))),
        ("another client", pair.signed(&claims(&other))),
        ("another issuer", changed("iss", json!(other.id))),
        ("another subject", changed("sub", json!(other.id))),
        ("another audience", changed("aud", json!("https://other.example"))),
        ("part of an audience", changed("aud", json!(format!("{ADDRESS}/oauth")))),
        ("another server as well", changed("aud", json!([ADDRESS, "https://other.example"]))),
        ("nobody", changed("aud", json!([]))),
        ("over", changed("exp", json!(now - 10))),
        ("too far ahead", changed("exp", json!(now + 400))),
        ("not yet", changed("nbf", json!(now + 60))),
        ("of the future", changed("iat", json!(now + 60))),
        ("an empty id", changed("jti", json!(""))),
        ("a long id", changed("jti", json!("j".repeat(201)))),
        ("no id", missing("jti")),
        ("no end", missing("exp")),
        ("no audience", missing("aud")),
        ("no subject", missing("sub")),
        ("no issuer", missing("iss")),
        ("nothing", "x.y.z".to_owned()),
    ];
    for (what, assertion) in bad {
        let answer = Answer::of(by(&fixture, &assertion)).await;
        assert_eq!(answer.body["error"], "invalid_client", "{what}: {}", answer.body);
        refused(&answer, 401, "invalid_client", "CLIENT_INVALID");
    }
    assert_eq!(fixture.count("select count(*) from identity.used_assertions", &[]).await, 0);
    Answer::of(by(&fixture, &pair.signed(&claims(&mine)))).await.ok();
}

#[tokio::test]
async fn what_is_registered_is_public_and_its_owner_holds_what_the_key_has() {
    let fixture = start().await;
    let client = client(&fixture, &["api_keys:manage", "bookings:view"], &[]).await;
    let mut private = es256("k").public;
    private["d"] = json!("c2VjcmV0");
    register(&fixture, &client, &json!({"keys": [private]})).await.refused(400, "MALFORMED_REQUEST");
    let mut hmac = es256("k").public;
    hmac["alg"] = json!("HS256");
    register(&fixture, &client, &json!({"keys": [hmac]})).await.refused(400, "INVALID_FIELD");
    let twice = json!({"keys": [es256("k").public, es256("k").public]});
    register(&fixture, &client, &twice).await.refused(400, "INVALID_FIELD");
    let nothing = json!({"keys": [], "without_secret": true});
    register(&fixture, &client, &nothing).await.refused(400, "INVALID_FIELD");
    let many: Vec<Json> = (0..9).map(|at| es256(&format!("k{at}")).public).collect();
    register(&fixture, &client, &json!({"keys": many})).await.refused(400, "INVALID_FIELD");
    let nobody = Client { id: uuid::Uuid::now_v7().to_string(), ..client.clone() };
    register(&fixture, &nobody, &json!({"keys": []})).await.refused(404, "API_KEY_NOT_FOUND");
    // A machine cannot become another one that may more.
    let weak = super::client_tokens::client(&fixture, &["api_keys:manage"], &[]).await;
    let weak = weak.token(&fixture, "").await;
    let path = tenant_path(&format!("/api-keys/{}/jwks", client.id));
    let set = fixture.request(Method::PUT, &path).bearer_auth(weak).json(&json!({"keys": []}));
    Answer::of(set).await.refused(403, "SCOPE_NOT_HELD");
    let set = "select count(*) from identity.tenant_api_keys where client_keys is not null";
    assert_eq!(fixture.count(set, &[]).await, 0);
}
