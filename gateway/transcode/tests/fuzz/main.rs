//! Replays what `search.rs` kept.

#[path = "../protos/mod.rs"]
mod protos;
mod targets;

#[test]
fn the_corpus_is_read_without_a_panic() {
    let targets = targets::Targets::new();
    for target in targets::NAMES {
        let inputs = targets::corpus(target);
        let taken = inputs.iter().filter(|input| targets.run(target, input)).count();
        assert!(taken > 0, "{target}: of {} inputs none was taken", inputs.len());
    }
}
