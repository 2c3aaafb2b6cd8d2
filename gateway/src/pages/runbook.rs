//! The runbook: a page for each error reason, and procedures, as `deploy/runbook` has
//! them. What a reason means and which statuses it has is said by its proto and put on
//! top here. A browser gets HTML; whoever does not ask for HTML, such as curl in a
//! terminal, gets the Markdown.

use std::sync::OnceLock;

use boot::Runbook;
use frontdesk_proto::{ErrorReason, Refusal, code_name};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Response};
use tonic::body::Body;

use super::comments::{first_sentence, reason_comment};
use super::docs::style_hash;
use crate::answer::accept::Accept;
use crate::answer::encoding::Prepared;
use crate::answer::failure::{Failure, shown};

/// The page that lists the others.
const INDEX: &str = "README";
const TEMPLATE: &str = include_str!("runbook.html");
/// What of it is different on each page.
const PLACES: [&str; 5] = ["{title}", "{up}", "{lead}", "{body}", "{more}"];

/// What the reasons from a number on have in common.
const GROUPS: [(i32, &str); 5] = [
    (100, "How the call was sent"),
    (200, "Who is calling"),
    (300, "Requests, bookings, customers and streams"),
    (400, "The database"),
    (500, "The parts"),
];

/// A file of the folder.
struct Page {
    name: &'static str,
    title: &'static str,
    /// What follows the title, and the same as HTML.
    markdown: &'static str,
    html: &'static str,
}

/// The pages as the gateway serves them.
#[derive(Debug)]
pub struct Book {
    policy: HeaderValue,
    /// Each page in Markdown and as HTML, encoded when it is first asked for.
    encoded: Box<[[OnceLock<Prepared>; 2]]>,
}

/// Whether a path is of the runbook.
pub fn is_path(path: &str) -> bool {
    path.strip_prefix(Runbook::PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A page in Markdown, the list of all without a name.
pub fn text(name: Option<&str>) -> Option<String> {
    pages().iter().find(|page| page.name == name.unwrap_or(INDEX)).map(Page::text)
}

impl Book {
    pub fn new() -> Self {
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            style_hash(TEMPLATE)
        );
        let policy = HeaderValue::from_str(&policy);
        Self {
            policy: policy.unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'")),
            encoded: pages().iter().map(|_| Default::default()).collect(),
        }
    }

    /// Answers a request for a page.
    pub fn answer(&self, path: &str, wanted: &HeaderMap) -> Result<Response<Body>, Failure> {
        let name = path.strip_prefix(Runbook::PATH).and_then(|rest| rest.strip_prefix('/'));
        let is_html = wants_html(wanted);
        // The list has its own path, and links of a page are relative to that.
        let asked = if name == Some(INDEX) { None } else { name.or(Some(INDEX)) };
        let found = pages().iter().zip(&self.encoded).find(|(page, _)| Some(page.name) == asked);
        let (page, encoded) = found.ok_or_else(|| no_page(name.unwrap_or_default()))?;
        let encoded = encoded[usize::from(is_html)].get_or_init(|| {
            let page = if is_html { page.html() } else { page.text() };
            Prepared::new(page.into())
        });
        let mut response = encoded.answer(wanted);
        let headers = response.headers_mut();
        let kind = if is_html { "text/html; charset=utf-8" } else { "text/markdown; charset=utf-8" };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.append(VARY, HeaderValue::from_static("accept"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
        headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Ok(response)
    }
}

impl Page {
    fn reason(&self) -> Option<ErrorReason> {
        ErrorReason::from_name(self.name)
    }

    fn text(&self) -> String {
        let Self { name, title, markdown, html: _ } = self;
        match self.reason() {
            Some(reason) => {
                let (codes, meaning) = (codes(reason), reason_comment(reason));
                format!("# {title}\n\n{codes}\n\n{meaning}\n\n{markdown}")
            }
            None if *name == INDEX => format!("# {title}\n\n{markdown}\n{}", reasons_as_text()),
            None => format!("# {title}\n\n{markdown}"),
        }
    }

    fn html(&self) -> String {
        let (lead, more) = match self.reason() {
            Some(reason) => {
                let (codes, meaning) = (escaped(&codes(reason)), with_code(&reason_comment(reason)));
                (format!("<p class=\"codes\">{codes}</p>\n<p>{meaning}</p>\n"), String::new())
            }
            None if self.name == INDEX => (String::new(), reasons_as_html()),
            None => (String::new(), String::new()),
        };
        let up = if self.name == INDEX { "" } else { "<nav><a href=\"../runbook\">Runbook</a></nav>" };
        let mut out = TEMPLATE.to_owned();
        for (place, what) in PLACES.into_iter().zip([self.title, up, &lead, self.html, &more]) {
            out = out.replace(place, what);
        }
        out
    }
}

/// What `build.rs` finds in the folder.
fn pages() -> &'static [Page] {
    include!(concat!(env!("OUT_DIR"), "/runbook.rs"))
}

fn no_page(name: &str) -> Failure {
    let name = shown(name);
    Refusal::new(
        ErrorReason::RouteNotFound,
        format!("The runbook of this version has no page {name}. GET {} lists its pages.", Runbook::PATH),
    )
    .into()
}

/// Whether HTML is asked for by its name, as browsers do.
fn wants_html(wanted: &HeaderMap) -> bool {
    Accept::of(wanted).names("text/html")
}

/// The statuses of a reason.
fn codes(reason: ErrorReason) -> String {
    let wire = reason.wire();
    format!("HTTP {}, gRPC {}", wire.http_status, code_name(wire.code))
}

/// The reasons of each group, in the order of their numbers.
fn groups() -> impl Iterator<Item = (&'static str, Vec<ErrorReason>)> {
    GROUPS.into_iter().map(|(from, heading)| {
        let mut reasons: Vec<ErrorReason> =
            ErrorReason::all().filter(|reason| (from..from + 100).contains(&(*reason as i32))).collect();
        reasons.sort_by_key(|reason| *reason as i32);
        (heading, reasons)
    })
}

fn reasons_as_text() -> String {
    let groups = groups().map(|(heading, reasons)| {
        let lines = reasons.into_iter().map(|reason| {
            let (name, status) = (reason.name(), reason.wire().http_status);
            format!("- [{name}]({name}.md): {status}, {}", first_sentence(&reason_comment(reason)))
        });
        format!("## {heading}\n\n{}\n", lines.collect::<Vec<_>>().join("\n"))
    });
    groups.collect::<Vec<_>>().join("\n")
}

fn reasons_as_html() -> String {
    let groups = groups().map(|(heading, reasons)| {
        let rows = reasons.into_iter().map(|reason| {
            let (name, status) = (reason.name(), reason.wire().http_status);
            let meaning = with_code(&first_sentence(&reason_comment(reason)));
            format!(
                "<tr><td><a href=\"runbook/{name}\">{name}</a></td><td>{status}</td><td>{meaning}</td></tr>"
            )
        });
        format!("<h2>{heading}</h2>\n<table>\n{}\n</table>\n", rows.collect::<Vec<_>>().join("\n"))
    });
    groups.collect::<Vec<_>>().concat()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A text of a proto as HTML: what is in backticks is code.
fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(at, part)| {
        let part = escaped(part).replace("\n\n", "</p><p>");
        if at % 2 == 1 { format!("<code>{part}</code>") } else { part }
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT, ACCEPT_ENCODING};

    use super::*;

    fn html(name: Option<&str>) -> Option<String> {
        pages().iter().find(|page| page.name == name.unwrap_or(INDEX)).map(Page::html)
    }

    #[test]
    fn a_page_is_encoded_once_in_each_form() {
        let book = Book::new();
        let asked = |accept: &'static str| {
            let wanted = [(ACCEPT, accept), (ACCEPT_ENCODING, "br")];
            let wanted = wanted.map(|(name, value)| (name, HeaderValue::from_static(value)));
            let response = book.answer("/runbook/OVERLOADED", &HeaderMap::from_iter(wanted)).unwrap();
            assert_eq!(response.headers()["content-encoding"], "br");
            book.encoded
                .iter()
                .flatten()
                .filter_map(OnceLock::get)
                .map(std::ptr::from_ref)
                .collect::<Vec<_>>()
        };
        let first = asked("text/html");
        assert_eq!((first.len(), asked("text/html")), (1, first));
        assert_eq!(asked("*/*").len(), 2);
        for none in ["/runbook/README", "/runbook/", "/runbook/x"] {
            assert!(book.answer(none, &HeaderMap::new()).is_err(), "{none}");
        }
    }

    #[test]
    fn every_reason_is_in_a_group_and_has_a_page_in_both_forms() {
        let listed: Vec<ErrorReason> = groups().flat_map(|(_, reasons)| reasons).collect();
        assert_eq!(listed.len(), ErrorReason::all().count());
        for reason in listed {
            let name = Some(reason.name());
            let (text, html) = (text(name).unwrap(), html(name).unwrap());
            assert!(text.starts_with(&format!("# {}\n\nHTTP ", reason.name())), "{text}");
            for place in PLACES {
                assert!(TEMPLATE.contains(place) && !html.contains(place), "{place}: {html}");
            }
            assert!(
                html.contains("<h2 id=\"symptom\">Symptom</h2>") && html.contains("href=\"../runbook\""),
                "{html}"
            );
        }
    }

    #[test]
    fn links_lead_on_from_a_page_and_from_the_list() {
        assert!(html(Some("SCOPE_MISSING")).unwrap().contains("<a href=\"customers-403\">"));
        assert!(html(None).unwrap().contains("<a href=\"runbook/customers-403\">"));
        assert!(html(None).unwrap().contains("<a href=\"runbook/SCOPE_MISSING\">"));
    }

    #[test]
    fn html_is_for_those_who_ask_for_it() {
        let wants = |accept: &'static str| {
            wants_html(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]))
        };
        assert!(wants("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        for other in ["*/*", "text/*", "text/markdown", "text/html;q=0", "application/json"] {
            assert!(!wants(other), "{other}");
        }
        assert!(!wants_html(&HeaderMap::new()));
    }

    #[test]
    fn words_of_a_proto_are_no_html() {
        assert_eq!(with_code("a < b, `c<d>`"), "a &lt; b, <code>c&lt;d&gt;</code>");
    }
}
