//! How a letter is put together: paragraphs, as plain text and as HTML, with a link at most.
//! What a letter says is not known here.

use std::fmt::Write as _;

/// A letter as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// For whoever reads plain text.
    pub text: String,
    /// The same.
    pub html: String,
}

/// A letter of paragraphs, with a link between them.
pub(super) fn mail(subject: &str, before: &[&str], link: Option<&str>, after: &[&str]) -> Mail {
    let mut text = String::new();
    let mut html = "<!doctype html><html><body>".to_owned();
    let mut add = |paragraph: &str, is_link: bool| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{paragraph}\r\n\r\n");
        let shown = escaped(paragraph);
        let _ = if is_link {
            write!(html, "<p><a href=\"{shown}\">{shown}</a></p>")
        } else {
            write!(html, "<p>{shown}</p>")
        };
    };
    for paragraph in before {
        add(paragraph, false);
    }
    if let Some(link) = link {
        add(link, true);
    }
    for paragraph in after {
        add(paragraph, false);
    }
    html.push_str("</body></html>");
    Mail { subject: one_line(subject), text, html }
}

/// Without what would end the header: names are of others.
fn one_line(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { ' ' } else { one }).take(150).collect()
}

/// A name that no mail program makes a link of: with a space inside what begins an address,
/// and after a dot that a letter follows. On one line.
pub(super) fn without_addresses(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    let name = one_line(name).replace("://", ": //").replace('@', " @ ");
    let mut letters = name.chars().peekable();
    while let Some(one) = letters.next() {
        shown.push(one);
        let is_dot = matches!(one, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}');
        if is_dot && letters.peek().is_some_and(|next| next.is_alphanumeric()) {
            shown.push(' ');
        }
    }
    shown
}

/// As HTML shows it, and nothing else.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            _ => shown.push(one),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_neither_markup_nor_another_header() {
        let mail = mail("a\r\nBcc: x@y.example", &["<script>\"'&"], Some("https://x/\"><b>"), &[]);
        assert_eq!(mail.subject, "a  Bcc: x@y.example");
        assert!(
            mail.html.contains("&lt;script&gt;&quot;&#39;&amp;") && !mail.html.contains("<b>"),
            "{}",
            mail.html
        );
    }
}
