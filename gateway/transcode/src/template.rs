//! Path templates of `google.api.http`:
//!
//! ```text
//! Template  = "/" Segments [ Verb ]
//! Segments  = Segment { "/" Segment }
//! Segment   = "*" | "**" | LITERAL | Variable
//! Variable  = "{" FieldPath [ "=" Segments ] "}"
//! FieldPath = IDENT { "." IDENT }
//! Verb      = ":" LITERAL { ":" LITERAL }
//! ```
//! What a literal is that grammar leaves open: here it is a segment as RFC 3986 writes it
//! (`pchar`), without the `*` and `:` that have a meaning of their own. A literal that no
//! request could have in its path is refused: an escape of a letter, which clients take off,
//! a letter beyond ASCII, which they escape, and `.` and `..`, which they resolve.
//!
//! After `**` only literals and the verb may stand, since more would make a path
//! match in several ways.

use crate::escape::{canonical, hex_pair, is_unreserved};

/// A parsed template.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    pub segments: Vec<Segment>,
    pub variables: Vec<Variable>,
    pub verb: Option<String>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    Literal(String),
    /// One segment.
    Any,
    /// All segments that are left, maybe none.
    Rest,
}

/// Which segments a field takes its value from.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    pub field_path: Vec<String>,
    /// First segment.
    pub from: usize,
    pub to: End,
}

/// Where a variable ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Before this segment.
    Before(usize),
    /// So many segments before the end of the path.
    FromBack(usize),
}

impl Template {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text.strip_prefix('/').ok_or("a template starts with /")?;
        let mut template = Self { segments: Vec::new(), variables: Vec::new(), verb: None };
        loop {
            rest = if let Some(inner) = rest.strip_prefix('{') {
                let (variable, after) = inner.split_once('}').ok_or("a variable is not closed")?;
                template.push_variable(variable)?;
                after
            } else {
                let end = rest.find(['/', ':']).unwrap_or(rest.len());
                let (segment, after) = rest.split_at(end);
                template.push_segment(segment)?;
                after
            };
            match rest.chars().next() {
                None => return Ok(template.settled()),
                Some('/') => rest = &rest[1..],
                Some(':') => {
                    template.verb = Some(verb(&rest[1..])?);
                    return Ok(template.settled());
                }
                Some(other) => return Err(format!("`{other}` stands where `/`, `:` or the end belongs")),
            }
        }
    }

    fn push_variable(&mut self, text: &str) -> Result<(), String> {
        let (path, pattern) = text.split_once('=').unwrap_or((text, "*"));
        if pattern.contains('{') {
            return Err("a variable inside a variable".to_owned());
        }
        let field_path: Vec<String> = path.split('.').map(str::to_owned).collect();
        let is_name = |name: &String| {
            name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
        };
        if !field_path.iter().all(is_name) {
            return Err(format!("{{{path}}} is not a field path"));
        }
        if self.variables.iter().any(|variable| variable.field_path == field_path) {
            return Err(format!("{{{path}}} stands there twice"));
        }
        if self.segments.contains(&Segment::Rest) {
            return Err("a variable follows **".to_owned());
        }
        let from = self.segments.len();
        for segment in pattern.split('/') {
            self.push_segment(segment)?;
        }
        self.variables.push(Variable { field_path, from, to: End::Before(self.segments.len()) });
        Ok(())
    }

    /// A variable with `**` in it is counted from the back.
    fn settled(mut self) -> Self {
        if let Some(rest) = self.segments.iter().position(|segment| *segment == Segment::Rest) {
            let whole = self.segments.len();
            for variable in &mut self.variables {
                if let End::Before(to) = variable.to
                    && to > rest
                {
                    variable.to = End::FromBack(whole - to);
                }
            }
        }
        self
    }

    fn push_segment(&mut self, text: &str) -> Result<(), String> {
        let segment = match text {
            "*" => Segment::Any,
            "**" => Segment::Rest,
            "" => return Err("a segment is empty".to_owned()),
            "." | ".." => return Err(format!("`{text}` is resolved by clients, and is in no path")),
            _ => Segment::Literal(literal(text)?),
        };
        if self.segments.contains(&Segment::Rest) && !matches!(segment, Segment::Literal(_)) {
            return Err("a wildcard follows **".to_owned());
        }
        self.segments.push(segment);
        Ok(())
    }
}

/// Whether a text is a path template of `google.api.http`; what is wrong if not.
pub fn check(text: &str) -> Result<(), String> {
    Template::parse(text).map(drop)
}

/// What follows the `:` at the end of a template.
fn verb(text: &str) -> Result<String, String> {
    if text.contains('/') {
        return Err("a `:` begins the verb, which ends the template".to_owned());
    }
    let parts = text.split(':').map(|part| match part {
        "" => Err("the verb is not a literal: a part of it is empty".to_owned()),
        part => literal(part).map_err(|cause| format!("the verb is not a literal: {cause}")),
    });
    parts.collect::<Result<Vec<_>, _>>().map(|parts| parts.join(":"))
}

/// A literal as paths are compared with it.
fn literal(text: &str) -> Result<String, String> {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '%' => {
                let byte = hex_pair(&rest.as_bytes()[1..])
                    .ok_or_else(|| format!("`{text}` has a % without two hex digits"))?;
                if is_unreserved(byte) {
                    let (escape, plain) = (&rest[..3], char::from(byte));
                    return Err(format!("`{text}` is in no path: clients write {escape} as `{plain}`"));
                }
                3
            }
            char if char.is_ascii() && is_literal(char) => 1,
            char if !char.is_ascii() => {
                return Err(format!("`{text}` is in no path: clients write `{char}` in percent escapes"));
            }
            _ => return Err(format!("`{text}` is not a segment")),
        };
        rest = &rest[length..];
    }
    Ok(canonical(text).into_owned())
}

/// What a segment holds beside escapes (`pchar` of RFC 3986), without wildcards and verbs.
fn is_literal(char: char) -> bool {
    char.is_ascii_alphanumeric() || "-._~!$&'()+,;=@".contains(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_of_the_grammar_parse() {
        let template = Template::parse("/v1/{name=shelves/*}/books/{book.id}:move").unwrap();
        assert_eq!(template.segments.len(), 5);
        assert_eq!(
            template.variables[0],
            Variable { field_path: vec!["name".into()], from: 1, to: End::Before(3) }
        );
        assert_eq!(template.variables[1].field_path, ["book", "id"]);
        assert_eq!(template.verb.as_deref(), Some("move"));
        let open = Template::parse("/v1/{name=files/**}").unwrap();
        assert_eq!(open.variables[0].to, End::FromBack(0));
        let tail = Template::parse("/v1/{name=files/**}/meta/raw:read").unwrap();
        assert_eq!((tail.variables[0].to, tail.segments.len()), (End::FromBack(2), 5));
        assert!(Template::parse("/.well-known/jwks.json").is_ok());
    }

    #[test]
    fn a_literal_is_what_a_path_can_have() {
        for (text, literal) in [
            ("/v1/$batch", "$batch"),
            ("/v1/a!$&'()+,;=@b", "a!$&'()+,;=@b"),
            ("/v1/caf%c3%A9", "caf%C3%A9"),
            ("/v1/a%2fb", "a%2Fb"),
            ("/v1/a%3Ab", "a%3Ab"),
            ("/v1/...", "..."),
        ] {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.segments[1], Segment::Literal(literal.to_owned()), "{text}");
            assert_eq!(template.verb, None, "{text}");
        }
        let within = Template::parse("/v1/{name=a=$b/*}").unwrap();
        assert_eq!(within.segments[1], Segment::Literal("a=$b".to_owned()));
        for (text, verb) in [
            ("/v1/x:a:b", "a:b"),
            ("/v1/{a}:read:all:now", "read:all:now"),
            ("/v1/{a=**}:$run", "$run"),
            ("/v1/*:caf%c3%a9", "caf%C3%A9"),
        ] {
            assert_eq!(Template::parse(text).unwrap().verb.as_deref(), Some(verb), "{text}");
        }
    }

    #[test]
    fn a_refusal_says_how_it_is_written() {
        for (text, said) in [
            ("/v1/%75sers", "clients write %75 as `u`"),
            ("/v1/café", "`é` in percent escapes"),
            ("/v1/a%2", "a % without two hex digits"),
            ("/v1/a%\u{e9}", "a % without two hex digits"),
            ("/v1/../x", "resolved by clients"),
            ("/v1/a:b/c", "which ends the template"),
            ("/v1/x:a::b", "a part of it is empty"),
            ("/v1/{a=b:c}", "`b:c` is not a segment"),
            ("/v1/x:a*", "`a*` is not a segment"),
        ] {
            let cause = Template::parse(text).unwrap_err();
            assert!(cause.contains(said), "{text}: {cause}");
        }
    }
}
