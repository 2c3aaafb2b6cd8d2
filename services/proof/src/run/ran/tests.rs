use super::*;

#[test]
fn a_call_is_earlier_than_those_that_have_run_nothing_when_it_is_answered() {
    let mut ran = Ran::default();
    let point = |taken| Point { letters: vec![taken], taken, what: String::new(), fault: None };
    ran.note_earlier(&[false; 3], &[false; 3]);
    assert_eq!(ran.earlier, BTreeSet::new());
    // One that only rolls back has run something, too.
    ran.points = vec![point('a'), point('C')];
    ran.note_earlier(&[true, false, false], &[false; 3]);
    assert_eq!((&ran.earlier, &ran.over), (&[(0, 1)].into(), &BTreeSet::new()), "it rolls back");
    ran.note_earlier(&[true, false, false], &[true, false, false]);
    assert_eq!((&ran.earlier, &ran.over), (&[(0, 1)].into(), &[(0, 1)].into()));
    ran.points.push(point('b'));
    ran.note_earlier(&[true, false, true], &[true, false, true]);
    assert_eq!(ran.earlier, [(0, 1)].into(), "the others were under way");
}

#[test]
fn one_key_has_one_answer() {
    let calls = ["create", "book", "create"].map(|call| call.parse().unwrap());
    let of = |wholes: [&str; 3]| {
        let mut ran = Ran { wholes: wholes.map(str::to_owned).to_vec(), ..Ran::default() };
        ran.compare_repeated(&calls);
        ran.trouble
    };
    assert_eq!(of(["one", "another", "one"]), Vec::<String>::new());
    assert_eq!(of(["one", "another", ""]), Vec::<String>::new(), "what is refused keeps no key");
    assert_eq!(of(["one", "one", "other"]), ["one key has two answers: one and other"]);
}
