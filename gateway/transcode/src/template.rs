//! Path templates of `google.api.http`:
//!
//! ```text
//! Template  = "/" Segments [ ":" LITERAL ]
//! Segments  = Segment { "/" Segment }
//! Segment   = "*" | "**" | LITERAL | Variable
//! Variable  = "{" FieldPath [ "=" Segments ] "}"
//! FieldPath = IDENT { "." IDENT }
//! ```
//! After `**` only literals and the verb may stand, since more would make a path
//! match in several ways.

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
                    let verb = &rest[1..];
                    if verb.is_empty() || !verb.chars().all(is_literal) {
                        return Err("the verb is not a literal".to_owned());
                    }
                    template.verb = Some(verb.to_owned());
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
            literal if !literal.is_empty() && literal.chars().all(is_literal) => {
                Segment::Literal(literal.to_owned())
            }
            "" => return Err("a segment is empty".to_owned()),
            other => return Err(format!("`{other}` is not a segment")),
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

/// Unreserved characters of RFC 3986; a literal is compared as written.
fn is_literal(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '-' | '.' | '_' | '~')
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
    fn templates_outside_the_grammar_are_refused() {
        for bad in [
            "",
            "v1",
            "/",
            "/v1/",
            "/v1//x",
            "/v1/{",
            "/v1/{}",
            "/v1/{a",
            "/v1/{a}b",
            "/v1/{a={b}}",
            "/v1/**/*",
            "/v1/{a=**}/{b}",
            "/v1/{a=**}/{b=x}",
            "/v1/**/**",
            "/v1/{a}/{a}",
            "/v1/{1a}",
            "/v1/x:",
            "/v1/x:a:b",
            "/v1/a b",
            "/v1/{a.}",
            "/v1/***",
        ] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }
}
