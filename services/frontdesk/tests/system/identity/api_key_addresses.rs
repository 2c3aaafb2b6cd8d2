//! API keys that are taken from some addresses only.

use boot::{ProxyHeader, TrustedProxies};
use frontdesk::demo;
use frontdesk::system::Policies;
use frontdesk_proto::booking::v1::ListPropertiesRequest;
use frontdesk_proto::booking::v1::property_service_client::PropertyServiceClient;
use frontdesk_proto::{ErrorReason, Refusal};
use reqwest::Method;
use serde_json::{Value as Json, json};
use tonic::Request;

use crate::fixture::{Answer, Fixture, channel, tenant_path};

/// A system whose gateway believes this machine where a call comes from.
async fn start() -> Fixture {
    let gateway =
        gateway::Policy { trusted_proxies: TrustedProxies::loopback(), ..gateway::Policy::default() };
    Fixture::start_under(Policies { gateway, ..Policies::default() }).await
}

async fn create(fixture: &Fixture, allowed: &Json) -> Answer {
    let owner = fixture.token(demo::OWNER).await;
    let scopes = ["properties:view", "api_keys:manage"];
    let new = json!({"name": "channel", "scopes": scopes, "allowed_addresses": allowed});
    fixture.post(&tenant_path("/api-keys"), &owner, &new).await
}

/// Calls booking itself, as proxies before it write.
async fn list(fixture: &Fixture, secret: &str, lines: &[(&'static str, &str)]) -> Result<(), ErrorReason> {
    let mut request = Request::new(ListPropertiesRequest::default());
    request.metadata_mut().insert("x-tenant-api-key", secret.parse().unwrap());
    for &(name, line) in lines {
        request.metadata_mut().append(name, line.parse().unwrap());
    }
    let listed = PropertyServiceClient::new(channel(fixture.system.booking)).list_properties(request).await;
    listed.map(drop).map_err(|status| Refusal::from_status(&status).unwrap().reason())
}

async fn get(fixture: &Fixture, path: &str, key: &str, address: &str) -> Answer {
    let request = fixture.request(Method::GET, path).header("x-tenant-api-key", key);
    Answer::of(request.header("x-forwarded-for", address)).await
}

#[tokio::test]
async fn a_key_is_taken_from_its_addresses_only_by_every_service_whoever_asked_before() {
    let fixture = start().await;
    let made = create(&fixture, &json!(["192.0.2.0/24", "::FFFF:198.51.100.7", "2001:DB8::/32"])).await;
    let allowed = json!(["192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32"]);
    assert_eq!(made.ok()["api_key"]["allowed_addresses"], allowed);
    let secret = made.body["secret"].as_str().unwrap();
    let keys = tenant_path("/api-keys");
    for _ in 0..2 {
        for good in ["192.0.2.255", "::ffff:192.0.2.9", "198.51.100.7", "2001:db8:1::1"] {
            get(&fixture, "/v1/properties", secret, good).await.ok();
            get(&fixture, &keys, secret, good).await.ok();
        }
        for bad in
            ["192.0.3.0", "198.51.100.8", "::192.0.2.9", "2001:db9::1", "unknown", "192.0.2.9, 6.6.6.6"]
        {
            for path in ["/v1/properties", &*keys] {
                get(&fixture, path, secret, bad).await.refused(403, "ADDRESS_NOT_ALLOWED");
            }
        }
    }
    let elsewhere = get(&fixture, "/v1/properties", secret, "::ffff:192.0.3.1").await;
    assert_eq!(elsewhere.body["metadata"]["address"], "192.0.3.1");
    // Whoever has not got the key does not learn that it has addresses.
    let last = if secret.ends_with('0') { '1' } else { '0' };
    let wrong = format!("{}{last}", &secret[..secret.len() - 1]);
    get(&fixture, "/v1/properties", &wrong, "192.0.3.1").await.refused(401, "API_KEY_INVALID");
}

#[tokio::test]
async fn a_key_says_where_it_may_come_from_in_networks_that_are_what_they_seem() {
    let fixture = start().await;
    let keys = "select count(*) from identity.tenant_api_keys";
    let before = fixture.count(keys, &[]).await;
    for bad in ["10.0.0.1/8", "10.0.0.0/33", "example.com", "", "2001:db8::1/64", "10.0.0.0/08"] {
        let refused = create(&fixture, &json!(["192.0.2.1", bad])).await;
        refused.refused(400, "INVALID_FIELD");
        assert_eq!(refused.body["violations"][0]["field"], "allowed_addresses", "{bad}");
    }
    create(&fixture, &json!(vec!["192.0.2.1"; 65])).await.refused(400, "INVALID_FIELD");
    assert_eq!(fixture.count(keys, &[]).await, before);
    // What somebody else has stored and nobody can read opens nothing.
    let secret = create(&fixture, &json!(["192.0.2.1"])).await.ok()["secret"].as_str().unwrap().to_owned();
    get(&fixture, "/v1/properties", &secret, "192.0.2.1").await.ok();
    let spoil = "update identity.tenant_api_keys set allowed_addresses = '{everywhere}' \
        where allowed_addresses <> '{}'";
    assert_eq!(fixture.execute(spoil, &[]).await, 1);
    crate::waits::until_so("the change is heard", async || {
        get(&fixture, "/v1/properties", &secret, "192.0.2.1").await.status == 403
    })
    .await;
}

/// Before, booking told identity of the last line alone, and of `Forwarded` nothing: each of
/// these calls came from a proxy.
#[tokio::test]
async fn a_call_to_booking_itself_comes_from_whom_several_proxies_name_each_in_its_way() {
    let trusted_proxies = "10.0.0.0/8".parse().unwrap();
    let fixture =
        Fixture::start_with(identity::Policy { trusted_proxies, ..identity::Policy::default() }).await;
    let made = create(&fixture, &json!(["203.0.113.9"])).await;
    let secret = made.ok()["secret"].as_str().unwrap();
    let list = async |lines: &[_]| list(&fixture, secret, lines).await;
    let (written, rfc) = ("x-forwarded-for", "forwarded");
    for lines in [
        &[(written, "203.0.113.9"), (written, "10.0.0.1")][..],
        &[(written, "6.6.6.6, 203.0.113.9"), (written, "10.0.0.1"), (written, "10.0.0.2")],
        &[(rfc, "for=203.0.113.9")],
        &[(rfc, "for=203.0.113.9"), (rfc, "for=10.0.0.1")],
        &[(written, "203.0.113.9"), (rfc, "for=203.0.113.9"), (written, "10.0.0.1")],
    ] {
        assert_eq!(list(lines).await, Ok(()), "{lines:?}");
    }
    for lines in [
        &[][..],
        &[(written, "203.0.113.9"), (written, "6.6.6.6")],
        &[(written, "203.0.113.9, 6.6.6.6"), (written, "10.0.0.1")],
        &[(rfc, "for=203.0.113.9, for=6.6.6.6")],
        &[(written, "6.6.6.6"), (rfc, "for=203.0.113.9")],
        &[(written, "203.0.113.9"), (rfc, "for=6.6.6.6")],
    ] {
        assert_eq!(list(lines).await, Err(ErrorReason::AddressNotAllowed), "{lines:?}");
    }
}

/// Before, no setting said which header is written before booking, and whoever sent the other
/// one as well was a client that nobody knows.
#[tokio::test]
async fn a_header_that_proxies_before_booking_do_not_write_is_not_read_beside_theirs() {
    let (written, rfc) = (("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9"));
    let strangers = [("forwarded", "for=6.6.6.6"), ("x-forwarded-for", "6.6.6.6")];
    let headers = [ProxyHeader::XForwardedFor, ProxyHeader::Forwarded];
    for ((proxy_header, theirs), strangers) in headers.into_iter().zip([written, rfc]).zip(strangers) {
        let trusted_proxies = "10.0.0.0/8".parse::<TrustedProxies>().unwrap().writing(proxy_header);
        let policies = Policies {
            identity: identity::Policy { trusted_proxies, ..identity::Policy::default() },
            booking: booking::Policy { proxy_header, ..booking::Policy::default() },
            gateway: gateway::Policy {
                trusted_proxies: TrustedProxies::loopback().writing(ProxyHeader::XForwardedFor),
                ..gateway::Policy::default()
            },
            ..Policies::default()
        };
        let fixture = Fixture::start_under(policies).await;
        let made = create(&fixture, &json!(["203.0.113.9"])).await;
        let secret = made.ok()["secret"].as_str().unwrap();
        assert_eq!(list(&fixture, secret, &[theirs, strangers]).await, Ok(()), "{proxy_header:?}");
        let not_allowed = Err(ErrorReason::AddressNotAllowed);
        assert_eq!(list(&fixture, secret, &[strangers]).await, not_allowed, "{proxy_header:?}");
        // What the gateway says is read as before.
        for path in ["/v1/properties", &*tenant_path("/api-keys")] {
            get(&fixture, path, secret, "203.0.113.9").await.ok();
            get(&fixture, path, secret, "6.6.6.6").await.refused(403, "ADDRESS_NOT_ALLOWED");
        }
    }
}
