//! `frontdesk runbook`: a page of the runbook in a terminal, also where no gateway
//! answers. The pages are the gateway's business.

use clap::Args;

use crate::{Failure, stdout};

#[derive(Debug, Args)]
pub struct RunbookArgs {
    /// An error reason, such as `BOOKING_OVERLAP`, or another page; all are listed
    /// without one.
    page: Option<String>,
}

pub fn run(args: &RunbookArgs) -> Result<(), Failure> {
    let page = args.page.as_deref();
    let text = gateway::runbook(page).ok_or_else(|| {
        let page = page.unwrap_or_default();
        Failure::new(format!("there is no page {page}; `frontdesk runbook` without a name lists them"))
    })?;
    stdout::text_as_it_is(text)
}
