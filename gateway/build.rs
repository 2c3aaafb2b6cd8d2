//! Builds the pages of the runbook in: its folder is listed, and its Markdown made HTML,
//! so that a page is its file and nothing else. And the files of the console, which
//! `make console` writes, as many as there are.
//!
//! Like the build script of the migrations it runs in the folder of the package and
//! names no other.

use std::error::Error;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, html};

const FOLDER: &str = "../deploy/runbook";
const CONSOLE: &str = "console/dist";

fn main() -> Result<(), Box<dyn Error>> {
    #[expect(clippy::disallowed_methods, reason = "cargo's word to a build script, no setting")]
    let out = std::env::var_os("OUT_DIR").ok_or("cargo names no folder for output")?;
    fs::write(Path::new(&out).join("runbook.rs"), runbook()?)?;
    fs::write(Path::new(&out).join("console.rs"), console(&Path::new(&out).join("console"))?)?;
    Ok(())
}

/// The files of the console, copied to where a later build of it changes nothing. A file
/// without its compressed forms is not one of them.
fn console(into: &Path) -> Result<String, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={CONSOLE}");
    fs::create_dir_all(into)?;
    let mut names = Vec::new();
    for entry in fs::read_dir(CONSOLE)? {
        let name =
            entry?.file_name().into_string().map_err(|name| format!("{} is not a name", name.display()))?;
        if let Some(plain) = name.strip_suffix(".br") {
            names.push(plain.to_owned());
        }
    }
    names.sort();
    let mut list = "&[\n".to_owned();
    for name in names {
        let mut hash = DefaultHasher::new();
        for form in [name.clone(), format!("{name}.br"), format!("{name}.gz")] {
            let bytes = fs::read(Path::new(CONSOLE).join(&form))?;
            bytes.hash(&mut hash);
            fs::write(into.join(&form), bytes)?;
        }
        let included = |form: &str| {
            format!("include_bytes!(concat!(env!(\"OUT_DIR\"), {:?}))", format!("/console/{name}{form}"))
        };
        writeln!(
            list,
            "    File {{ name: {name:?}, version: \"{:016x}\", plain: {}, brotli: {}, gzip: {} }},",
            hash.finish(),
            included(""),
            included(".br"),
            included(".gz")
        )?;
    }
    list.push_str("]\n");
    Ok(list)
}

fn runbook() -> Result<String, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let mut pages = Vec::new();
    for entry in fs::read_dir(FOLDER)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(OsStr::to_str).unwrap_or_default().to_owned();
        if path.extension() != Some(OsStr::new("md")) {
            return Err(format!("{} is not a page", path.display()).into());
        }
        pages.push((name, fs::read_to_string(&path)?));
    }
    pages.sort();
    let mut list = "&[\n".to_owned();
    for (name, text) in pages {
        let page = text.strip_prefix("# ").and_then(|text| text.split_once("\n\n"));
        let (title, markdown) =
            page.ok_or_else(|| format!("{name}.md has no title and a blank line after it"))?;
        let html = rendered(markdown, if name == "README" { "runbook/" } else { "" });
        writeln!(
            list,
            "    Page {{ name: {name:?}, title: {title:?}, markdown: {markdown:?}, html: {html:?} }},"
        )?;
    }
    list.push_str("]\n");
    Ok(list)
}

/// HTML of a page. A link to another page is the name of its file, below `prefix`.
fn rendered(markdown: &str, prefix: &str) -> String {
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).map(|event| match event {
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let page = dest_url.strip_suffix(".md").map(|page| CowStr::from(format!("{prefix}{page}")));
            Event::Start(Tag::Link { link_type, dest_url: page.unwrap_or(dest_url), title, id })
        }
        other => other,
    });
    let mut events: Vec<Event<'_>> = events.collect();
    // Alarms link to sections.
    for at in 0..events.len() {
        let said: String = events[at..].iter().skip(1).map_while(text).collect();
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[at] {
            *id = Some(anchor(&said).into());
        }
    }
    let mut out = String::new();
    html::push_html(&mut out, events.into_iter());
    out
}

/// What is said up to the end of a heading.
fn text<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    match event {
        Event::Text(text) | Event::Code(text) => Some(text),
        _ => None,
    }
}

/// What a section is linked by: its heading in lower case, with a dash for whatever is no
/// letter or digit.
fn anchor(heading: &str) -> String {
    let dashed = |mark: char| if mark.is_ascii_alphanumeric() { mark.to_ascii_lowercase() } else { '-' };
    heading.chars().map(dashed).collect()
}
