//! Settings that are missing or wrong: everything is said at once.

use super::run::{assert_one_sentence, frontdesk};

#[track_caller]
fn assert_names(role: &str, env: &[(&str, &str)], names: &[&str]) {
    let output = frontdesk(&[role], env).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for name in names {
        assert!(text.contains(name), "{name} is not in {text}");
    }
}

#[test]
fn every_missing_variable_is_named_at_once() {
    let env = [("BOOKING_LISTEN", "nonsense")];
    assert_names("booking", &env, &["BOOKING_LISTEN", "DATABASE_URL", "IDENTITY_ADDR"]);
}

#[test]
fn every_wrong_variable_is_named_at_once() {
    let env = [("IDENTITY_ADDR", "nonsense"), ("BOOKING_ADDR", "a:1,b"), ("ALLOWED_ORIGINS", "*")];
    assert_names("gateway", &env, &["IDENTITY_ADDR", "BOOKING_ADDR", "ALLOWED_ORIGINS"]);
}

#[test]
fn a_master_key_that_is_too_short_is_one_sentence() {
    let env = [("DATABASE_URL", "postgresql:///x"), ("FRONTDESK_MASTER_KEY", "short")];
    let output = frontdesk(&["identity"], &env).output().unwrap();
    assert_one_sentence(&output, 1, &["FRONTDESK_MASTER_KEY", "32 bytes"]);
}
