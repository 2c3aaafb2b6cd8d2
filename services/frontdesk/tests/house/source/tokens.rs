//! Small forms in a stream of tokens: paths, definitions, attributes, `use` trees.

use proc_macro2::{Delimiter, TokenTree};

/// Whether `a::b::c` occurs, as one run of tokens that may have more before it.
pub fn names(code: &[TokenTree], path: &[&str]) -> bool {
    (0..code.len()).any(|at| {
        word(code.get(at)).is_some_and(|first| first == path[0]) && {
            let (found, _) = path_at(code, at);
            found.len() >= path.len() && found.iter().zip(path).all(|(found, wanted)| found == wanted)
        }
    })
}

/// Whether `name as other` occurs: by another name, nobody finds what is looked for.
pub fn renames(code: &[TokenTree], name: &str) -> bool {
    code.windows(2).any(|pair| is_word(&pair[0], name) && is_word(&pair[1], "as"))
}

pub(super) fn word(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

pub(super) fn is_word(token: &TokenTree, text: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == text)
}

pub(super) fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// `::`
pub(super) fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    at < tokens.len() - 1 && is_punct(&tokens[at], ':') && is_punct(&tokens[at + 1], ':')
}

/// The path that begins at an identifier, and what comes after it.
pub(super) fn path_at(tokens: &[TokenTree], at: usize) -> (Vec<String>, usize) {
    let mut path = vec![tokens[at].to_string()];
    let mut next = at + 1;
    while is_separator(tokens, next)
        && let Some(name) = word(tokens.get(next + 2))
    {
        path.push(name);
        next += 3;
    }
    (path, next)
}

pub(super) fn is_definition(keyword: &str) -> bool {
    matches!(
        keyword,
        "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union" | "macro_rules"
    )
}

/// The name after the keyword; `const fn` is defined at its `fn`.
pub(super) fn defined_name(tokens: &[TokenTree], at: usize) -> Option<String> {
    let skipped = usize::from(tokens.get(at + 1).is_some_and(|mark| is_punct(mark, '!')));
    word(tokens.get(at + 1 + skipped)).filter(|name| !is_definition(name) && name != "mut")
}

/// `#[cfg(test)]`
pub(super) fn is_cfg_test(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [mark, TokenTree::Group(attribute), ..]
        if is_punct(mark, '#') && attribute.stream().to_string().replace(' ', "") == "cfg(test)")
}

/// After the item that begins at `at`, after its other attributes.
pub(super) fn after_item(tokens: &[TokenTree], at: usize) -> usize {
    let ends_with_semicolon = tokens[at..]
        .iter()
        .map_while(|token| match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => None,
            token => Some(word(Some(token)).unwrap_or_default()),
        })
        .any(|word| matches!(&*word, "use" | "static" | "let"));
    let end = (at..tokens.len()).find(|next| match &tokens[*next] {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && !ends_with_semicolon,
        token => is_punct(token, ';'),
    });
    end.map_or(tokens.len(), |end| end + 1)
}

/// The path of `include!("…")`.
pub(super) fn included(tokens: &[TokenTree]) -> Option<String> {
    match tokens {
        [word, mark, TokenTree::Group(path), ..] if is_word(word, "include") && is_punct(mark, '!') => {
            Some(path.stream().to_string().trim_matches('"').to_owned())
        }
        _ => None,
    }
}

/// The leaves of a `use` tree: where each comes from and its name here.
pub(super) fn use_tree(
    tokens: &[TokenTree],
    prefix: &mut Vec<String>,
    found: &mut Vec<(Vec<String>, String)>,
) {
    for branch in tokens.split(|token| is_punct(token, ',')) {
        let depth = prefix.len();
        let mut rename = None;
        let mut glob = false;
        let mut inner = None;
        let mut at = 0;
        while at < branch.len() {
            match &branch[at] {
                TokenTree::Ident(ident) if ident == "as" => {
                    rename = word(branch.get(at + 1));
                    at += 1;
                }
                TokenTree::Ident(ident) => prefix.push(ident.to_string()),
                TokenTree::Group(group) => inner = Some(group.stream()),
                token => glob |= is_punct(token, '*'),
            }
            at += 1;
        }
        if let Some(inner) = inner {
            use_tree(&inner.into_iter().collect::<Vec<_>>(), prefix, found);
        } else if prefix.len() > depth || glob {
            // `use a::b::{self}` is `use a::b`.
            if depth > 0 && prefix.last().is_some_and(|last| last == "self") {
                prefix.pop();
            }
            let name = if glob {
                "*".to_owned()
            } else {
                rename.unwrap_or_else(|| prefix[prefix.len() - 1].clone())
            };
            found.push((prefix.clone(), name));
        }
        prefix.truncate(depth);
    }
}
