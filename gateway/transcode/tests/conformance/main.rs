//! Protobuf's conformance suite, as `run` kept it: the requests and
//! the responses with which the suite was content.

#![allow(clippy::unwrap_used)]

mod answer;

#[test]
fn the_suite_gets_the_answers_that_it_was_content_with() {
    let testee = answer::Testee::new(include_bytes!("descriptors.bin"));
    let mut rest = &include_bytes!("vectors.bin")[..];
    let mut count = 0;
    while !rest.is_empty() {
        let (request, expected) = (frame(&mut rest), frame(&mut rest));
        assert_eq!(testee.answer(request), expected, "request {count}: {}", request.escape_ascii());
        count += 1;
    }
    assert!(count > 1000, "the suite has more requests than {count}");
}

fn frame<'v>(rest: &mut &'v [u8]) -> &'v [u8] {
    let (length, after) = rest.split_first_chunk().unwrap();
    let (frame, after) = after.split_at(u32::from_le_bytes(*length) as usize);
    *rest = after;
    frame
}
