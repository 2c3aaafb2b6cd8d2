//! Lists as callers read them: page after page until the last one.

use std::collections::HashSet;

use serde_json::Value as Json;

use crate::fixture::Fixture;

/// More pages than any list of a test has.
const MOST: usize = 3000;

/// The pages of a list. `get` answers the page that a token leads to, the first one for an
/// empty token. A list without an end fails.
pub async fn pages(get: impl AsyncFn(&str) -> Json) -> Vec<Json> {
    let (mut pages, mut tokens) = (Vec::new(), HashSet::from([String::new()]));
    let mut next = String::new();
    loop {
        let page = get(&next).await;
        page["next_page_token"].as_str().unwrap().clone_into(&mut next);
        pages.push(page);
        if next.is_empty() {
            return pages;
        }
        assert!(tokens.insert(next.clone()) && pages.len() < MOST, "the list has no end: {next}");
    }
}

/// The rows of pages, of the list with this name.
pub fn rows(pages: &[Json], list: &str) -> Vec<Json> {
    let rows = pages.iter().map(|page| page[list].as_array().unwrap());
    rows.flatten().cloned().collect()
}

/// The ids of rows.
pub fn ids(rows: &[Json]) -> Vec<String> {
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

impl Fixture {
    /// The pages of a list, whose path has its filters already.
    pub async fn pages(&self, token: &str, path: &str) -> Vec<Json> {
        let path = if path.contains('?') { format!("{path}&") } else { format!("{path}?") };
        pages(async |next| self.get(&format!("{path}page_token={next}"), token).await.ok().clone()).await
    }
}
