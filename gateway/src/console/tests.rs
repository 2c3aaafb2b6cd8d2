use http::Request;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, IF_NONE_MATCH};
use http_body_util::BodyExt;

use super::*;

const FILES: [File; 2] = [
    File { name: "index.html", version: "1", plain: b"<page>", brotli: b"br", gzip: b"gz" },
    File { name: "console-A.js", version: "2", plain: b"script", brotli: b"br of script", gzip: b"gz" },
];

fn parts(method: Method, path: &str, headers: &[(HeaderName, &'static str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

async fn body(response: Response<Body>) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

#[tokio::test]
async fn the_page_is_at_its_paths_and_is_asked_for_again_each_time() {
    let console = Console::of(&FILES);
    for (_, path) in PATHS {
        let response = console.answer(&parts(Method::GET, path, &[])).unwrap();
        let headers = response.headers();
        assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(headers[CACHE_CONTROL], "no-cache");
        assert_eq!(headers[ETAG], "W/\"1\"");
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        for part in ["default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'"] {
            assert!(policy.contains(part) && !policy.contains("unsafe"), "{policy}");
        }
        assert_eq!(headers[REFERRER_POLICY], "no-referrer");
        assert_eq!(body(response).await, b"<page>");
        let again = parts(Method::GET, path, &[(IF_NONE_MATCH, "W/\"0\", W/\"1\"")]);
        let again = console.answer(&again).unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        for (name, value) in [(ETAG, "W/\"1\""), (VARY, "accept-encoding"), (CACHE_CONTROL, "no-cache")] {
            assert_eq!(again.headers()[&name], value, "{name}");
        }
        assert_eq!(body(again).await, b"");
    }
}

#[tokio::test]
async fn an_asset_is_kept_for_good_and_sent_in_the_form_that_was_built() {
    let console = Console::of(&FILES);
    let asked = parts(Method::GET, "/console/assets/console-A.js", &[(ACCEPT_ENCODING, "gzip, br")]);
    let response = console.answer(&asked).unwrap();
    assert_eq!(response.headers()[CONTENT_ENCODING], "br");
    assert_eq!(response.headers()[CONTENT_TYPE], "text/javascript; charset=utf-8");
    assert_eq!(response.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(body(response).await, b"br of script");
    for none in ["index.html", "console-B.js", "", "../../etc/passwd"] {
        let asked = parts(Method::GET, &format!("/console/assets/{none}"), &[]);
        assert!(console.answer(&asked).is_err(), "{none}");
    }
}

#[tokio::test]
async fn a_gateway_without_it_says_how_to_get_it() {
    let response = Console::of(&[]).answer(&parts(Method::GET, "/", &[])).unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
    let page = String::from_utf8(body(response).await).unwrap();
    assert!(page.contains("<code>make console</code>"), "{page}");
}

#[test]
fn what_is_no_read_is_refused() {
    let console = Console::of(&FILES);
    assert_eq!(console.answer(&parts(Method::OPTIONS, "/", &[])).unwrap().status(), StatusCode::NO_CONTENT);
    assert!(console.answer(&parts(Method::POST, "/", &[])).is_err());
    for (path, of_console) in [
        ("/", true),
        ("/invitation", true),
        ("/console/assets/x", true),
        ("/console/session", false),
        ("/x", false),
    ] {
        assert_eq!(is_path(path), of_console, "{path}");
    }
}
