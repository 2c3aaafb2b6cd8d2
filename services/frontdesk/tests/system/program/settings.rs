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

#[test]
fn every_value_out_of_its_range_is_named_with_an_example() {
    let env = [
        ("DATABASE_URL", "postgresql:///x"),
        ("FRONTDESK_MASTER_KEY", "ab"),
        ("IDENTITY_LISTEN", "example.com:1"),
        ("DATABASE_POOL_SIZE", "0"),
        ("LOGIN_LIMIT_PAIR", "-1"),
        ("PASSWORD_HASH_MEMORY_KIB", "1"),
        ("LOG", "nonsense"),
        ("LOG_FORMAT", "xml"),
        ("ADMIN_LISTEN", "nowhere"),
    ];
    let output = frontdesk(&["identity"], &env).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), env.len() - 1, "{text}");
    for (name, _) in &env[1..] {
        let sentence = text.lines().find(|line| line.starts_with(&format!("frontdesk: {name} ")));
        assert!(sentence.is_some_and(|sentence| sentence.contains("for example")), "{name}: {text}");
    }
    assert!(text.contains("LOGIN_LIMIT_PAIR has a value `-1`"), "{text}");
}

#[test]
fn a_misspelt_setting_refuses_the_start_and_variables_of_others_do_not() {
    let env = [("LOGIN_LIMITS_PAIR", "3"), ("DATABASE_HOST", "x"), ("FRONTDESK_PORT_8080_TCP", "x")];
    let output = frontdesk(&["identity"], &env).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("LOGIN_LIMITS_PAIR is not a setting") && text.contains("LOGIN_LIMIT_PAIR?"),
        "{text}"
    );
    assert!(!text.contains("DATABASE_HOST") && !text.contains("8080"), "{text}");
}

#[test]
fn addresses_and_passwords_are_looked_at_before_anything_is_called() {
    for (args, name, value) in [
        (&["smoke"][..], "API_BASE_URL", "api.example.com"),
        (&["token", "get"], "SB_URL", "ftp://api.example.com"),
        (&["user", "create", "x@new.example"], "NEW_PASSWORD", "short"),
        (&["user", "password", "x@new.example"], "NEW_PASSWORD", "short"),
    ] {
        let output = frontdesk(args, &[(name, value)]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
        assert!(text.contains(&format!("{name} has a value")), "{args:?}: {text}");
        assert!(text.contains("is not set"), "with the others: {args:?}: {text}");
    }
}

#[test]
fn wrong_settings_end_every_command_alike() {
    for (args, name) in [
        (&["identity"][..], "DATABASE_URL"),
        (&["dev"], "ALLOWED_ORIGINS"),
        (&["migrate", "up"], "DATABASE_URL"),
        (&["user", "list"], "DATABASE_URL"),
        (&["keys", "rotate"], "FRONTDESK_MASTER_KEY"),
        (&["cors", "explain", "--origin", "http://x"], "ALLOWED_ORIGINS"),
        (&["doctor"], "DATABASE_URL"),
        (&["smoke"], "JWT_TOKEN"),
        (&["token", "get"], "SB_PASSWORD"),
    ] {
        let output = frontdesk(args, &[("ALLOWED_ORIGINS", "*")]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
        assert!(text.lines().all(|line| line.starts_with("frontdesk: ")), "{args:?}: {text}");
        assert!(text.contains(name), "{args:?}: {text}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}
