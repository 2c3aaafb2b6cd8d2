//! Where callers find the page of an error reason. The pages are the gateway's; a
//! service knows only where they are, if a setting says so, and links to them.

use std::str::FromStr;

use frontdesk_proto::{ErrorReason, Refusal};
use http::Uri;

use crate::settings::{Form, Setting, Settings, Unset};

static RUNBOOK_URL: Setting = Setting {
    name: "RUNBOOK_URL",
    form: Form::Described("an http:// or https:// URL"),
    unset: Unset::Means(
        "`type` of a problem is a path of the gateway, /runbook/REASON, and statuses over gRPC have no link",
    ),
    example: "https://api.example.com/runbook",
    meaning: "Where callers find the runbook, which the gateway serves at /runbook; errors link to the page of their reason, as `type` over REST and as Help over gRPC.",
    secret: false,
};

/// Where the runbook is, as callers reach it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runbook {
    /// Without a slash at its end.
    url: Option<String>,
}

/// Text that is not the address of a page.
#[derive(Debug, thiserror::Error)]
#[error("it is not http://host or https://host, with a port or a path if need be")]
pub struct RunbookError;

impl Runbook {
    /// The path of the gateway below which the pages are.
    pub const PATH: &str = "/runbook";

    /// Reads the setting; nobody has to set it.
    pub fn read(settings: &mut Settings) -> Self {
        settings.if_set(&RUNBOOK_URL).unwrap_or_default()
    }

    /// The page of a reason, as a reference that callers of the gateway can follow.
    pub fn page(&self, reason: ErrorReason) -> String {
        format!("{}/{}", self.url.as_deref().unwrap_or(Self::PATH), reason.name())
    }

    /// The refusal with a link to the page of its reason, if it is known where the
    /// pages are, and nobody has linked to it before.
    #[must_use]
    pub fn link(&self, refusal: Refusal) -> Refusal {
        if self.url.is_none() || refusal.reason() == ErrorReason::Unspecified {
            return refusal;
        }
        let page = self.page(refusal.reason());
        refusal.linked("What this means and what to do", page)
    }
}

impl FromStr for Runbook {
    type Err = RunbookError;

    fn from_str(text: &str) -> Result<Self, RunbookError> {
        let text = text.trim_end_matches('/');
        let uri: Uri = text.parse().map_err(|_| RunbookError)?;
        let is_page = matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
            && !text.contains('#');
        if is_page { Ok(Self { url: Some(text.to_owned()) }) } else { Err(RunbookError) }
    }
}

#[cfg(test)]
mod tests {
    use frontdesk_proto::rpc;
    use prost_types::Any;

    use super::*;

    fn links(refusal: &Refusal) -> Vec<String> {
        let details = refusal.to_rpc_status().details;
        let helps = details.iter().filter_map(|detail: &Any| detail.to_msg::<rpc::Help>().ok());
        helps.flat_map(|help| help.links).map(|link| link.url).collect()
    }

    #[test]
    fn a_refusal_links_to_its_page_once_and_only_where_it_is_known() {
        let refusal = Refusal::new(ErrorReason::BookingOverlap, "No.");
        let unknown = Runbook::default();
        assert_eq!(unknown.page(ErrorReason::BookingOverlap), "/runbook/BOOKING_OVERLAP");
        assert_eq!(links(&unknown.link(refusal.clone())), [""; 0]);
        let runbook: Runbook = "https://api.example.com/runbook/".parse().unwrap();
        let linked = runbook.link(refusal);
        assert_eq!(links(&linked), ["https://api.example.com/runbook/BOOKING_OVERLAP"]);
        // One of identity's that booking passes on has its link.
        let elsewhere: Runbook = "https://elsewhere.example.com".parse().unwrap();
        assert_eq!(links(&elsewhere.link(linked.clone())), links(&linked));
        let passed_on = Refusal::from_status(&linked.clone().into()).unwrap();
        assert_eq!(links(&elsewhere.link(passed_on)), links(&linked));
    }

    #[test]
    fn only_an_address_of_pages_is_taken() {
        for good in ["http://127.0.0.1:8080/runbook", "https://api.example.com", "https://x/y/z/"] {
            assert!(good.parse::<Runbook>().is_ok(), "{good}");
        }
        for bad in ["", "/runbook", "api.example.com", "ftp://x", "http://", "http://x?y=1", "http://x/#y"] {
            assert!(bad.parse::<Runbook>().is_err(), "{bad}");
        }
    }
}
