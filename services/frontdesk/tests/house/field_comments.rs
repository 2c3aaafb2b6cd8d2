//! What a field takes is said once, by its options: the service checks them and the
//! OpenAPI document shows them. Its comment says what the options cannot.

use crate::texts;

/// Fields of a proto: the place, the comment above, the declaration with its options.
fn fields(text: &str) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    let mut comment = String::new();
    let mut lines = text.lines().map(str::trim).enumerate();
    while let Some((at, line)) = lines.next() {
        if let Some(said) = line.strip_prefix("//") {
            comment.push_str(said);
            continue;
        }
        let comment = std::mem::take(&mut comment);
        let mut field = line.to_owned();
        if !line.contains(" = ") || line.starts_with("option ") {
            continue;
        }
        while !field.ends_with(';') {
            let Some((_, more)) = lines.next() else { break };
            field.push(' ');
            field.push_str(more);
        }
        found.push((at + 1, comment, field));
    }
    found
}

/// The numbers that the options of a field allow at most.
fn most(field: &str) -> Vec<&str> {
    let words: Vec<&str> = field.split([' ', ',', '{', '}']).filter(|word| !word.is_empty()).collect();
    let limits = words.windows(2).filter(|pair| ["max:", "max_length:"].contains(&pair[0]));
    limits.map(|pair| pair[1]).collect()
}

/// Limits that the comment says again.
fn repeated(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (line, comment, field) in fields(text) {
        let said =
            |limit: &&str| comment.split(|mark: char| !mark.is_alphanumeric()).any(|word| word == *limit);
        found.extend(most(&field).into_iter().filter(said).map(|limit| format!("{line}: {limit}")));
    }
    found
}

#[test]
fn no_comment_of_a_field_repeats_the_limit_of_its_options() {
    let mut seen = 0;
    for text in texts::documents().into_iter().filter(|text| text.place.starts_with("proto/")) {
        seen += fields(&text.text).iter().map(|(_, _, field)| most(field).len()).sum::<usize>();
        assert_eq!(repeated(&text.text), [""; 0], "{}: the option says it", text.place);
    }
    assert!(seen >= 40, "{seen} limits");
}

#[test]
fn a_repeated_limit_is_found() {
    let text = "  // Name, 1 to 200 characters.\n  string name = 1 [(rule) = {\n    max_length: 200\n  }];\n\
        \n  // Notes.\n  string notes = 2 [(rule) = {max_length: 4000}];\n  // 24 by default.\n  int32 hours = 3 [(rule) = {min: 1, max: 72}];";
    assert_eq!(repeated(text), ["2: 200"]);
}
