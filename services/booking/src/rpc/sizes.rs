//! How large answers get. What calls store is short, but other programs write these
//! rows too, and notes grow with every decision: a text of megabytes must cost itself,
//! not the page that its row is on. The gateway and most clients take messages of
//! 4 MiB, so no row and no page comes near that.
//!
//! Only messages are cut. What is decided on, compared and stored is the whole text. Nor
//! do the statements of lists cut it, though it would spare the way from Postgres: a
//! row's etag is a hash of all that is read of it, and a list and GET give the same one.

use pg::Shown;

/// Most bytes of a text. What a call can store at once is a quarter of it.
const MAX_TEXT: usize = 64 * 1024;
/// Most bytes of a page's rows, of which one at least is shown.
const MAX_PAGE: usize = 3 * 1024 * 1024;
/// Bytes of a row beside its texts, at most.
const BESIDE_TEXTS: usize = 1024;
/// Stands where something was cut off.
const CUT: char = '…';

/// The texts of a message, and the names of those that are too long for it.
#[derive(Debug, Default)]
pub struct Texts {
    shortened: Vec<String>,
}

impl Texts {
    /// A text, of which the beginning matters most.
    pub fn text(&mut self, field: &'static str, text: String) -> String {
        if text.len() <= MAX_TEXT {
            return text;
        }
        self.shortened.push(field.to_owned());
        let end = text.floor_char_boundary(MAX_TEXT - CUT.len_utf8());
        format!("{}{CUT}", &text[..end])
    }

    /// A text that is added to at its end, which matters most.
    pub fn log(&mut self, field: &'static str, text: String) -> String {
        if text.len() <= MAX_TEXT {
            return text;
        }
        self.shortened.push(field.to_owned());
        let start = text.ceil_char_boundary(text.len() - (MAX_TEXT - CUT.len_utf8()));
        format!("{CUT}{}", &text[start..])
    }

    /// The fields of which only a part is there.
    pub fn shortened(self) -> Vec<String> {
        self.shortened
    }
}

/// How many rows a page takes, at most `size`: as many as its answer can carry. Each
/// row is given by its texts.
pub fn fitting<'r, T>(rows: impl IntoIterator<Item = T>, size: i64) -> i64
where
    T: IntoIterator<Item = &'r str>,
{
    let mut bytes = 0;
    for (before, texts) in (0..).zip(rows) {
        bytes += BESIDE_TEXTS + texts.into_iter().map(|text| text.len().min(MAX_TEXT)).sum::<usize>();
        if bytes > MAX_PAGE {
            return size.min(before).max(1);
        }
    }
    size
}

/// A page as its answer carries it.
#[derive(Debug, PartialEq, Eq)]
pub struct Cut<P, T> {
    pub rows: Vec<T>,
    /// How many rows of the page are not shown. What comes after the last row that is
    /// shown is of the next page.
    pub left_out: usize,
    /// The place after which the next page begins.
    pub next: Option<P>,
}

/// So many of the rows of a page, each with its place; `next`: where the next page
/// begins, if none is cut off.
pub fn cut<P, T>(page: Shown<(P, T)>, size: i64, next: Option<P>) -> Cut<P, T> {
    let Shown { mut rows, left_out } = page;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let is_cut = rows.len() > size;
    rows.truncate(size);
    let (mut places, rows): (Vec<P>, Vec<T>) = rows.into_iter().unzip();
    if !is_cut {
        return Cut { rows, left_out: left_out.len(), next };
    }
    let left_out = left_out.into_iter().filter(|before| *before < size).count();
    Cut { rows, left_out, next: places.pop() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_long_is_cut_and_named() {
        let long = "ä".repeat(MAX_TEXT);
        let mut texts = Texts::default();
        assert_eq!(texts.text("name", "Anna".to_owned()), "Anna");
        let (beginning, end) = (texts.text("message", long.clone()), texts.log("note", format!("{long}!")));
        assert!(beginning.len() <= MAX_TEXT && beginning.starts_with("ää") && beginning.ends_with("ä…"));
        assert!(end.len() <= MAX_TEXT && end.starts_with("…ä") && end.ends_with("ä!"));
        assert_eq!(texts.shortened(), ["message", "note"]);
        // Four bytes a character is the most that a call can store.
        let mut texts = Texts::default();
        texts.text("message", "🏔".repeat(4000));
        assert!(texts.shortened().is_empty());
    }

    #[test]
    fn what_a_page_leaves_out_lies_before_where_the_next_one_begins() {
        let page = || {
            let mut page = Shown { rows: vec![(1, 'a'), (4, 'b'), (7, 'c')], left_out: vec![0, 1, 1, 2] };
            page.leave_out_more(2);
            page
        };
        let rows = vec!['a', 'b', 'c'];
        assert_eq!(cut(page(), 3, Some(9)), Cut { rows, left_out: 6, next: Some(9) });
        assert_eq!(cut(page(), 2, Some(9)), Cut { rows: vec!['a', 'b'], left_out: 3, next: Some(4) });
        assert_eq!(cut(page(), 1, None), Cut { rows: vec!['a'], left_out: 1, next: Some(1) });
    }

    #[test]
    fn a_page_takes_the_rows_that_fit_and_one_at_least() {
        let page = |rows: usize, bytes: usize, size| {
            let text = "x".repeat(bytes);
            fitting((0..rows).map(|_| [text.as_str()]), size)
        };
        assert_eq!(page(200, 100, 200), 200);
        assert_eq!(page(201, 100, 200), 200);
        assert_eq!((page(3, 100, 200), page(0, 0, 200)), (200, 200));
        let fewer = page(200, 40_000, 200);
        assert!((70..80).contains(&fewer), "{fewer}");
        assert_eq!(page(200, 5_000_000, 200), page(200, MAX_TEXT, 200));
        let huge = "x".repeat(MAX_TEXT);
        assert_eq!(fitting([vec![huge.as_str(); 100]], 200), 1);
    }
}
