//! The OpenAPI document and the page that shows it, the same for everybody. The
//! page loads nothing from elsewhere.

use std::sync::OnceLock;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Response};
use tonic::body::Body;
use transcode::Transcoder;

use super::openapi::{self, Texts};
use crate::answer::encoding::Prepared;

const DOCS: &str = include_str!("docs.html");

/// All of it, compressed once.
#[derive(Debug)]
pub struct Docs {
    /// Written when it is first asked for, and so is the one with all texts.
    openapi: OnceLock<Prepared>,
    described: OnceLock<Prepared>,
    page: Prepared,
    policy: HeaderValue,
}

impl Docs {
    pub fn new() -> Self {
        Self {
            openapi: OnceLock::new(),
            described: OnceLock::new(),
            page: Prepared::new(DOCS.into()),
            policy: policy(),
        }
    }

    /// The document of these routes.
    pub fn openapi(&self, transcoder: &Transcoder, texts: Texts, wanted: &HeaderMap) -> Response<Body> {
        let write = || Prepared::new(openapi::text(&openapi::document(transcoder, texts)).into());
        let document = match texts {
            Texts::OfRequests => &self.openapi,
            Texts::All => &self.described,
        };
        let mut response = document.get_or_init(write).answer(wanted);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
        response
    }

    /// The page.
    pub fn page(&self, wanted: &HeaderMap) -> Response<Body> {
        let mut response = self.page.answer(wanted);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

/// Only the page's own script and style run (CSP 3, hashes).
fn policy() -> HeaderValue {
    let policy = format!(
        "default-src 'none'; connect-src 'self'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(DOCS, "script"),
        style_hash(DOCS)
    );
    HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
}

/// The hash of a page's style, as a policy names it.
pub fn style_hash(page: &str) -> String {
    hash(page, "style")
}

fn hash(page: &str, tag: &str) -> String {
    let (_, rest) = page.split_once(&format!("<{tag}>")).unwrap_or_default();
    let (inside, _) = rest.split_once(&format!("</{tag}>")).unwrap_or_default();
    STANDARD.encode(digest::digest(&digest::SHA256, inside.as_bytes()))
}
