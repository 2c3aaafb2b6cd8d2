//! Streams of events for pages: `EventSource` sends no header of a page's own, so that the
//! session's cookie signs in (see [`session`](super::session)), and the tenant is named by a
//! parameter of the address, as its header is called. Which methods stream the routes say.
//!
//! The cookie alone must not be enough for another site: besides what it is by itself
//! (`SameSite=Strict`), the browser must say that the page is one of ours, by an `Origin` that
//! was judged or by `Sec-Fetch-Site: same-origin`, which no script can write. Whoever sends
//! credentials of its own is not asked for the cookie.

use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{AUTHORIZATION, COOKIE, HeaderName, ORIGIN, SET_COOKIE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use tonic::body::Body;
use transcode::Transcoder;

use super::session;
use crate::answer::accept::Accept;
use crate::answer::failure::{Failure, unreadable};
use crate::call::ending::Streams;
use crate::call::headers::{self, Client};
use crate::call::identity::Identity;
use crate::call::upstreams::Upstreams;

/// The header of a tenant, and the parameter of an address that stands for it.
const TENANT: HeaderName = HeaderName::from_static("x-tenant-id");
const API_KEY: HeaderName = HeaderName::from_static("x-tenant-api-key");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request is one of a page for a stream of events, signed in by its cookie alone.
/// One that goes on, that is: a file that is a stream for its length is no stream of events.
pub fn asks<B>(transcoder: &Transcoder, upstreams: &Upstreams, request: &Request<B>) -> bool {
    let headers = request.headers();
    // Most calls have no cookie, and are not looked at any further.
    headers.contains_key(COOKIE)
        && request.method() == Method::GET
        && !headers.contains_key(AUTHORIZATION)
        && !headers.contains_key(API_KEY)
        && session::has_cookie(headers)
        && Accept::of(headers).names("text/event-stream")
        && transcoder.route(&Method::GET, request.uri().path()).is_ok_and(|found| {
            let streams = upstreams.of_path(found.grpc_path()).and_then(|target| target.streams);
            streams.is_some_and(Streams::is_feed)
        })
}

/// The request with the access token of its session, and the cookies that its answer sets,
/// whatever it is: the token in the one that was sent is used up.
pub async fn signed_in(
    upstreams: &Upstreams,
    request: Request<Body>,
    client: &Client,
) -> Result<(Request<Body>, HeaderMap), Failure> {
    let (mut head, body) = request.into_parts();
    if !is_of_ours(&head.headers) {
        return Err(Refusal::new(
            ErrorReason::SignInRequired,
            "This request has a session's cookie and nothing that says whose page sends it (Origin, or Sec-Fetch-Site: same-origin), so that the cookie does not count. A page over plain HTTP is told from others at localhost only; scripts send a token in the header Authorization.",
        )
        .into());
    }
    let secure = session::is_secure(&head);
    let refresh = session::cookie(&head, secure)?;
    let identity = Identity::new(upstreams, headers::rest_in(&head.headers, client));
    let tokens = identity.refresh_for_a_call(refresh).await?;
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", tokens.access)).map_err(|_| unreadable())?;
    bearer.set_sensitive(true);
    head.headers.insert(AUTHORIZATION, bearer);
    let mut cookies = HeaderMap::new();
    for cookie in session::set_cookies(&tokens.refresh, secure)? {
        cookies.append(SET_COOKIE, cookie);
    }
    let (uri, tenants) = without_tenant(head.uri);
    head.uri = uri;
    for tenant in tenants {
        head.headers.append(TENANT, tenant);
    }
    Ok((Request::from_parts(head, body), cookies))
}

/// Whether a browser says that the page is this gateway's, or one whose origin may call: of
/// others none comes this far.
fn is_of_ours(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(&FETCH_SITE).iter();
    headers.contains_key(ORIGIN)
        || sites.next().is_some_and(|site| site == "same-origin") && sites.next().is_none()
}

/// An address without the tenants that it names. What is wrong with them, several above all,
/// the service says as of the header.
fn without_tenant(uri: Uri) -> (Uri, Vec<HeaderValue>) {
    let name = format!("{TENANT}=");
    let query = uri.query().unwrap_or_default();
    let (tenants, others): (Vec<&str>, Vec<&str>) =
        query.split('&').partition(|pair| pair.starts_with(&name));
    if tenants.is_empty() {
        return (uri, Vec::new());
    }
    let found = tenants.iter().filter_map(|pair| HeaderValue::from_str(&pair[name.len()..]).ok()).collect();
    let others = others.join("&");
    let rest = if others.is_empty() { uri.path().to_owned() } else { format!("{}?{others}", uri.path()) };
    let Ok(rest) = rest.parse::<PathAndQuery>() else { return (uri, Vec::new()) };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(rest);
    (Uri::from_parts(parts).unwrap_or(uri), found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATCH: &str = "/api/v1/booking-requests/watch?cursor=start";
    const EXPORT: &str = "/v1/audit-events/export";
    const SESSION: (&str, &str) = ("cookie", "a=b; frontdesk_session=x");
    const EVENTS: (&str, &str) = ("accept", "text/event-stream");

    fn request(method: Method, uri: &str, headers: &[(&str, &str)]) -> Request<()> {
        let request = Request::builder().method(method).uri(uri);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap()
    }

    #[test]
    fn a_cookie_counts_for_streams_of_events_and_nothing_else() {
        let (routes, upstreams) = (crate::routes::compile().unwrap(), Upstreams::nowhere());
        let asks = |method, uri, headers: &[_]| asks(&routes, &upstreams, &request(method, uri, headers));
        assert!(asks(Method::GET, WATCH, &[SESSION, EVENTS]));
        let secure = ("cookie", "__Host-frontdesk_session=x");
        assert!(asks(Method::GET, WATCH, &[secure, ("accept", "text/event-stream;q=0.5, */*")]));
        for (method, uri, headers) in [
            (Method::HEAD, WATCH, &[SESSION, EVENTS][..]),
            (Method::POST, WATCH, &[SESSION, EVENTS]),
            (Method::GET, "/v1/me", &[SESSION, EVENTS]),
            (Method::GET, EXPORT, &[SESSION, EVENTS]),
            (Method::GET, "/v1/nothing", &[SESSION, EVENTS]),
            (Method::GET, WATCH, &[EVENTS]),
            (Method::GET, WATCH, &[("cookie", "frontdesk_sessions=x"), EVENTS]),
            (Method::GET, WATCH, &[SESSION]),
            (Method::GET, WATCH, &[SESSION, ("accept", "*/*")]),
            (Method::GET, WATCH, &[SESSION, ("accept", "text/event-stream;q=0, */*")]),
            (Method::GET, WATCH, &[SESSION, EVENTS, ("authorization", "Bearer x")]),
            (Method::GET, WATCH, &[SESSION, EVENTS, ("x-tenant-api-key", "x")]),
        ] {
            assert!(!asks(method.clone(), uri, headers), "{method} {uri} {headers:?}");
        }
    }

    #[test]
    fn the_browser_says_that_the_page_is_ours() {
        let of = |headers: &[_]| is_of_ours(request(Method::GET, WATCH, headers).headers());
        assert!(of(&[("sec-fetch-site", "same-origin")]));
        assert!(of(&[("origin", "http://localhost:5173"), ("sec-fetch-site", "same-site")]));
        for site in ["same-site", "cross-site", "none", "", "Same-Origin"] {
            assert!(!of(&[("sec-fetch-site", site)]), "{site}");
        }
        assert!(!of(&[]) && !of(&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn a_tenant_is_taken_out_of_the_address() {
        for (query, rest, tenants) in [
            ("?x-tenant-id=a", "", &["a"][..]),
            ("?cursor=c&x-tenant-id=a&property_id=p", "?cursor=c&property_id=p", &["a"]),
            ("?x-tenant-id=a&x-tenant-id=b", "", &["a", "b"]),
            ("?x-tenant-id=%0a", "", &["%0a"]),
            ("?x-tenant-id=", "", &[""]),
            ("?x-tenant-id", "?x-tenant-id", &[]),
            ("?X-Tenant-Id=a", "?X-Tenant-Id=a", &[]),
            ("", "", &[]),
        ] {
            let (uri, found) = without_tenant(format!("http://a/v1/watch{query}").parse().unwrap());
            assert_eq!(
                (uri.to_string(), found.iter().map(|one| one.to_str().unwrap()).collect::<Vec<_>>()),
                (format!("http://a/v1/watch{rest}"), tenants.to_vec()),
                "{query}"
            );
        }
    }
}
