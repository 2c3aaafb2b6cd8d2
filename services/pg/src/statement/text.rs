//! A statement's text with `:names`, cut once so that any of its forms can be
//! put together with `$n`.
//!
//! A form leaves out the lines that end in `-- if :name` and whose parameter has
//! no value. Comments are left out of all.

use std::fmt::Write;

use super::token::{self, Token};

/// A text that has been cut.
#[derive(Debug, Default)]
pub(super) struct Text {
    parts: Vec<Part>,
    /// Whether it may store something.
    pub(super) writes: bool,
}

#[derive(Debug)]
struct Part {
    what: What,
    /// The parameter without whose value the part's line is left out.
    condition: Option<usize>,
}

#[derive(Debug)]
enum What {
    Fixed(String),
    /// A parameter, by its place in the declaration.
    Name(usize),
}

/// What an opening bracket began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Round,
    /// `array[…]`: elements, in which names are parameters.
    Array,
    /// `x[…]`: in it a colon separates the bounds of a slice.
    Subscript,
}

struct Cutter<'a> {
    names: &'a [&'static str],
    text: Text,
    /// Where the parts of this line begin.
    line: usize,
    /// Whether a token of the line before ends in this one.
    continued: bool,
    brackets: Vec<Bracket>,
    /// The token before, but space and comments.
    before: &'a str,
}

impl Text {
    /// Cuts a text whose parameters have these names. The error is what is wrong
    /// with it.
    pub(super) fn cut(source: &str, names: &[&'static str]) -> Result<Self, String> {
        let text = Self::default();
        let mut cutter = Cutter { names, text, line: 0, continued: false, brackets: Vec::new(), before: "" };
        let mut rest = source.trim_end();
        while !rest.is_empty() {
            let (token, length) = token::next(rest)?;
            let (found, after) = rest.split_at(length);
            cutter.take(token, found)?;
            rest = after;
        }
        Ok(cutter.text)
    }

    /// The parameters that lines depend on, by their places, in order.
    pub(super) fn conditions(&self) -> Vec<usize> {
        in_order(self.parts.iter().filter_map(|part| part.condition))
    }

    /// The parameters of the form for which these conditions are met, by their
    /// places, in order.
    pub(super) fn used(&self, met: impl Fn(usize) -> bool) -> Vec<usize> {
        in_order(self.form(met).filter_map(|what| match what {
            What::Name(place) => Some(*place),
            What::Fixed(_) => None,
        }))
    }

    /// The text of a form, with `$n` for the n-th of the parameters it uses.
    pub(super) fn numbered(&self, used: &[usize], met: impl Fn(usize) -> bool) -> String {
        let mut text = String::new();
        for what in self.form(met) {
            match what {
                What::Fixed(fixed) => text.push_str(fixed),
                What::Name(place) => {
                    let number = 1 + used.iter().take_while(|used| *used != place).count();
                    // Writing to a string does not fail.
                    let _ = write!(text, "${number}");
                }
            }
        }
        text
    }

    fn form(&self, met: impl Fn(usize) -> bool) -> impl Iterator<Item = &What> {
        self.parts.iter().filter(move |part| part.condition.is_none_or(&met)).map(|part| &part.what)
    }
}

impl<'a> Cutter<'a> {
    fn take(&mut self, token: Token, found: &'a str) -> Result<(), String> {
        match token {
            Token::Newline => self.end_line(),
            Token::Space => self.keep(found),
            Token::LineComment => return self.condition(found),
            Token::BlockComment => {
                self.keep(" ");
                self.continued |= found.contains('\n');
            }
            Token::Positional => return Err(format!("it has {found} among names")),
            Token::Gap => return Err(format!("its gap {found} is not filled")),
            Token::Name if self.brackets.last() != Some(&Bracket::Subscript) => {
                let what = What::Name(self.place(&found[1..])?);
                self.text.parts.push(Part { what, condition: None });
            }
            Token::Word => {
                let is = |keyword: &&str| found.eq_ignore_ascii_case(keyword);
                // `for update` and `for no key update` lock.
                let locks = ["for", "key"].iter().any(|word| self.before.eq_ignore_ascii_case(word));
                self.text.writes |= ["insert", "delete", "merge", "truncate"].iter().any(is);
                self.text.writes |= is(&"update") && !locks;
                self.keep(found);
            }
            Token::Mark => {
                self.bracket(found);
                self.keep(found);
            }
            Token::Quoted | Token::Name => {
                self.continued |= found.contains('\n');
                self.keep(found);
            }
        }
        if !matches!(token, Token::Newline | Token::Space | Token::BlockComment) {
            self.before = found;
        }
        Ok(())
    }

    fn keep(&mut self, found: &str) {
        let fresh = self.text.parts.len() == self.line;
        match self.text.parts.last_mut() {
            Some(Part { what: What::Fixed(fixed), .. }) if !fresh => fixed.push_str(found),
            _ => {
                let what = What::Fixed(found.to_owned());
                self.text.parts.push(Part { what, condition: None });
            }
        }
    }

    fn place(&self, name: &str) -> Result<usize, String> {
        let place = self.names.iter().position(|known| *known == name);
        place.ok_or_else(|| format!("its :{name} is not declared"))
    }

    fn bracket(&mut self, found: &str) {
        let outer = self.brackets.last();
        match found {
            "(" => self.brackets.push(Bracket::Round),
            "[" => {
                let nested = outer == Some(&Bracket::Array) && ["[", ","].contains(&self.before);
                let array = nested || self.before.eq_ignore_ascii_case("array");
                self.brackets.push(if array { Bracket::Array } else { Bracket::Subscript });
            }
            ")" | "]" => drop(self.brackets.pop()),
            _ => {}
        }
    }

    /// A comment, which may be the condition of its line.
    fn condition(&mut self, comment: &str) -> Result<(), String> {
        let Some(name) = comment.trim_start_matches('-').trim().strip_prefix("if :") else { return Ok(()) };
        let place = self.place(name)?;
        if self.continued {
            return Err(format!("`{comment}` ends a line that begins in the one before"));
        }
        self.text.parts[self.line..].iter_mut().for_each(|part| part.condition = Some(place));
        Ok(())
    }

    fn end_line(&mut self) {
        let condition = self.text.parts[self.line..].first().and_then(|part| part.condition);
        if let Some(Part { what: What::Fixed(fixed), .. }) = self.text.parts[self.line..].last_mut() {
            fixed.truncate(fixed.trim_end().len());
        }
        let blank = |part: &Part| matches!(&part.what, What::Fixed(fixed) if fixed.is_empty());
        if !self.continued && self.text.parts[self.line..].iter().all(blank) {
            // A line of comment.
            self.text.parts.truncate(self.line);
        } else {
            self.text.parts.push(Part { what: What::Fixed("\n".to_owned()), condition });
        }
        self.line = self.text.parts.len();
        self.continued = false;
    }
}

fn in_order(places: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut places: Vec<usize> = places.collect();
    places.sort_unstable();
    places.dedup();
    places
}
