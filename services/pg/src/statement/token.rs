//! Postgres' tokens (PostgreSQL 4.1), as far as telling a `:name` from what only
//! looks like one needs them. Grammar is not known here.

/// What stands at the beginning of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Newline,
    Space,
    /// `-- …`, without the end of its line.
    LineComment,
    /// `/* … */`; these nest.
    BlockComment,
    /// A string, a quoted identifier or dollar quotes.
    Quoted,
    /// `$1`.
    Positional,
    /// `{…}`, which a template has and a statement has not.
    Gap,
    /// `:name`, unless it turns out to be a bound of a slice.
    Name,
    /// A keyword, an identifier or a number.
    Word,
    /// Anything else.
    Mark,
}

/// The token that a text begins with and its length; the error is what does not
/// end.
pub(super) fn next(text: &str) -> Result<(Token, usize), String> {
    let mut chars = text.chars();
    let (first, second) = (chars.next().unwrap_or_default(), chars.next().unwrap_or_default());
    let token = match (first, second) {
        ('\n', _) => Token::Newline,
        ('-', '-') => return Ok((Token::LineComment, text.find('\n').unwrap_or(text.len()))),
        ('/', '*') => return Ok((Token::BlockComment, block_comment(text)?)),
        ('\'' | '"', _) => return Ok((Token::Quoted, quoted(text, first, false)?)),
        ('e' | 'E', '\'') => return Ok((Token::Quoted, 1 + quoted(&text[1..], '\'', true)?)),
        ('$', '0'..='9') => return Ok((Token::Positional, 1 + word(&text[1..]))),
        ('$', _) => match dollar_quoted(text)? {
            Some(length) => return Ok((Token::Quoted, length)),
            None => Token::Mark,
        },
        ('{', _) => return Ok((Token::Gap, text.find('}').map_or(text.len(), |end| end + 1))),
        (':', ':' | '=') => return Ok((Token::Mark, 2)),
        (':', 'a'..='z' | '_') => return Ok((Token::Name, 1 + word(&text[1..]))),
        (space, _) if space.is_whitespace() => {
            let rest = text.trim_start_matches(|letter: char| letter.is_whitespace() && letter != '\n');
            return Ok((Token::Space, text.len() - rest.len()));
        }
        (letter, _) if is_of_word(letter) => return Ok((Token::Word, word(text))),
        _ => Token::Mark,
    };
    Ok((token, first.len_utf8()))
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Length of the word that a text begins with. Identifiers may have `$` in them.
fn word(text: &str) -> usize {
    text.len() - text.trim_start_matches(|letter| is_of_word(letter) || letter == '$').len()
}

fn block_comment(text: &str) -> Result<usize, String> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Ok(at);
            }
        } else {
            at += rest.chars().next().ok_or("a /* is not closed")?.len_utf8();
        }
    }
}

/// A doubled quote stays inside; so does what follows a backslash, where that escapes.
fn quoted(text: &str, quote: char, escapes: bool) -> Result<usize, String> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = chars.next() {
        let stays = letter == quote && chars.peek().is_some_and(|(_, next)| *next == quote);
        if stays || escapes && letter == '\\' {
            chars.next();
        } else if letter == quote {
            return Ok(at + 1);
        }
    }
    Err(format!("a {quote} is not closed"))
}

/// `None` for a dollar sign that begins no quotes.
fn dollar_quoted(text: &str) -> Result<Option<usize>, String> {
    let tag = text[1..].len() - text[1..].trim_start_matches(is_of_word).len();
    let Some((delimiter, body)) = text.split_at_checked(tag + 2).filter(|(tag, _)| tag.ends_with('$')) else {
        return Ok(None);
    };
    let end = body.find(delimiter).ok_or_else(|| format!("a {delimiter} is not closed"))?;
    Ok(Some(end + 2 * delimiter.len()))
}
