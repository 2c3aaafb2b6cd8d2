//! Results and messages are printed in one place each: the macros of the standard library
//! panic when their reader has gone away.

use std::collections::BTreeSet;

use proc_macro2::TokenTree;

use crate::crates::{self, Crate};
use crate::source::Sources;

const PRINTING: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

#[test]
fn no_code_of_ours_prints_by_macros_that_panic() {
    let (mut found, mut read) = (BTreeSet::new(), 0);
    for Crate { name, folder, .. } in crates::all() {
        for root in ["lib.rs", "main.rs"].into_iter().filter(|root| folder.join("src").join(root).exists()) {
            for file in Sources::of(&folder.join("src"), root).files {
                read += 1;
                if prints(&file.code()) {
                    found.insert(format!("{name}: {}", file.path));
                }
            }
        }
    }
    assert!(read > 200, "only {read} files were read");
    assert!(found.is_empty(), "prints by a macro, which panics when nobody reads: {found:#?}");
}

fn prints(code: &[TokenTree]) -> bool {
    let is_macro = |pair: &[TokenTree]| {
        matches!(pair, [TokenTree::Ident(name), TokenTree::Punct(mark)]
            if mark.as_char() == '!' && PRINTING.iter().any(|one| name == one))
    };
    code.windows(2).any(is_macro)
}

#[test]
fn a_macro_is_found_wherever_it_stands() {
    let code = |text: &str| -> Vec<TokenTree> {
        text.parse::<proc_macro2::TokenStream>().unwrap().into_iter().collect()
    };
    assert!(prints(&code("eprintln!(\"x\");")) && prints(&code("std::println!()")));
    assert!(!prints(&code("writeln!(out, \"println!\")")) && !prints(&code("println(\"x\")")));
}
