//! Whether two definitions say the same. Postgres shows a condition as it read it, and
//! reads what it showed in fewer groups: a restored `(a and b) and c` is `a and b and c`.

/// A definition in its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Group(Vec<Part>),
}

/// Whether one definition is the other, or was the other before a restore.
pub fn same(one: &str, other: &str) -> bool {
    one == other || flat(parts(&mut one.chars())) == flat(parts(&mut other.chars()))
}

/// Up to the end of the group. What is quoted has no groups.
fn parts(chars: &mut impl Iterator<Item = char>) -> Vec<Part> {
    let (mut parts, mut text) = (Vec::new(), String::new());
    while let Some(char) = chars.next() {
        match char {
            '(' => {
                parts.push(Part::Text(std::mem::take(&mut text)));
                parts.push(Part::Group(self::parts(chars)));
            }
            ')' => break,
            quote @ ('\'' | '"') => {
                text.push(quote);
                for quoted in chars.by_ref() {
                    text.push(quoted);
                    if quoted == quote {
                        break;
                    }
                }
            }
            char => text.push(char),
        }
    }
    parts.push(Part::Text(text));
    parts.retain(|part| *part != Part::Text(String::new()));
    parts
}

/// Without groups whose conditions are joined as those around them are.
fn flat(parts: Vec<Part>) -> Vec<Part> {
    let inner_first: Vec<Part> = parts
        .into_iter()
        .map(|part| match part {
            Part::Group(inner) => Part::Group(flat(inner)),
            text @ Part::Text(_) => text,
        })
        .collect();
    let Some(word) = joined_by(&inner_first) else { return inner_first };
    let stands_alone = |at: usize| {
        let before = at.checked_sub(1).map(|before| &inner_first[before]);
        let joins = |part: Option<&Part>, joins: fn(&str, &str) -> bool| match part {
            Some(Part::Text(text)) => joins(text, word),
            Some(Part::Group(_)) => false,
            None => true,
        };
        joins(before, |text, word| text.ends_with(word))
            && joins(inner_first.get(at + 1), |text, word| text.starts_with(word))
    };
    let mut spliced = Vec::new();
    for (at, part) in inner_first.iter().enumerate() {
        match part {
            Part::Group(inner) if joined_by(inner) == Some(word) && stands_alone(at) => {
                spliced.extend(inner.iter().cloned());
            }
            part => spliced.push(part.clone()),
        }
    }
    spliced
}

/// What joins conditions, if it is one word.
fn joined_by(parts: &[Part]) -> Option<&'static str> {
    let has = |word: &str| parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains(word)));
    match (has(" AND "), has(" OR ")) {
        (true, false) => Some(" AND "),
        (false, true) => Some(" OR "),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restored_condition_is_the_same_and_another_is_not() {
        let between = "CHECK ((((a >= 1) AND (a <= 9)) AND ((b >= 0) AND (b <= 3)) AND (c <@ ARRAY[1])))";
        for (other, expected) in [
            (between, true),
            ("CHECK (((a >= 1) AND (a <= 9) AND ((b >= 0) AND (b <= 3)) AND (c <@ ARRAY[1])))", true),
            ("CHECK (((a >= 1) AND (a <= 9) AND ((b >= 0) AND (b <= 4)) AND (c <@ ARRAY[1])))", false),
            ("CHECK (((a >= 1) AND (a <= 9) AND ((b >= 0) OR (b <= 3)) AND (c <@ ARRAY[1])))", false),
        ] {
            assert_eq!(same(between, other), expected, "{other}");
        }
        for (one, other) in [
            ("((a) AND ((b) OR (c)))", "(((a) AND (b)) OR (c))"),
            ("((a) AND ((b) OR (c)))", "((a) AND (b) OR (c))"),
            ("((a) AND (NOT ((b) AND (c))))", "((a) AND (NOT (b) AND (c)))"),
            ("((a) AND (f((b) AND (c))))", "((a) AND (f(b) AND (c)))"),
            ("(a = '(b) AND (c)')", "(a = '(b AND c)')"),
        ] {
            assert!(!same(one, other), "{one} is not {other}");
        }
        assert!(same("((a) OR ((b) OR (c)))", "(((a) OR (b)) OR (c))"));
    }
}
