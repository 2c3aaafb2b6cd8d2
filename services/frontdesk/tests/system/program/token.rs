//! `frontdesk token` and the script that calls it, with the exit codes of the
//! runbook.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value as Json;

use super::run::{Dev, Exports, Folder, frontdesk, path, started, text};

const PROGRAM: &str = env!("CARGO_BIN_EXE_frontdesk");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/scripts/get_fresh_token.sh");

/// A running `frontdesk dev` and the manager's way into it.
struct SignIn {
    dev: Dev,
    _folder: Folder,
    exports: Exports,
}

impl SignIn {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        let dev = started(folder.path(), &["--ephemeral"]);
        let exports = Exports::of(folder.path());
        Self { dev, _folder: folder, exports }
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        self.run_with(program, args, &[])
    }

    /// Runs it with some variables changed.
    fn run_with(&self, program: &str, args: &[&str], changes: &[(&str, &str)]) -> Output {
        // The script looks for the program in the path.
        let folder = Path::new(PROGRAM).parent().unwrap().display();
        let path = format!("{folder}:{}", path());
        let mut command = Command::new(program);
        command.args(args).env_clear().env("PATH", path);
        for (name, from) in [
            ("SB_URL", "SB_URL"),
            ("SB_EMAIL", "MANAGER_EMAIL"),
            ("SB_PASSWORD", "DEMO_PASSWORD"),
            ("SUPABASE_ANON_KEY", "SUPABASE_ANON_KEY"),
        ] {
            command.env(name, self.exports.value(from));
        }
        command.envs(changes.iter().copied()).output().unwrap()
    }
}

impl Drop for SignIn {
    fn drop(&mut self) {
        self.dev.signal("-INT");
    }
}

#[test]
fn token_get_names_missing_variables_and_answers_that_are_not_json_by_exit_code() {
    let env = [
        ("SB_EMAIL", "x@example.com"),
        ("SB_PASSWORD", "p"),
        ("SUPABASE_ANON_KEY", "k"),
        ("SB_URL", "http://127.0.0.1:1"),
    ];
    let code = |env| frontdesk(&["token", "get"], env).output().unwrap().status.code();
    assert_eq!(code(&env[..2]), Some(1));
    assert_eq!(code(&env[..]), Some(3));
}

#[test]
fn token_get_prints_the_token_alone_or_says_that_signing_in_was_refused() {
    let sign_in = SignIn::new("token-get");
    for (program, args) in [(PROGRAM, &["token", "get"][..]), (SCRIPT, &[])] {
        let good = sign_in.run(program, args);
        assert!(good.status.success(), "{}", text(&good.stderr));
        assert_eq!(text(&good.stdout).trim().split('.').count(), 3);
        for wrong in [("SB_PASSWORD", "wrong-password"), ("SUPABASE_ANON_KEY", "wrong-key")] {
            assert_eq!(sign_in.run_with(program, args, &[wrong]).status.code(), Some(2), "{wrong:?}");
        }
    }
    let export = sign_in.run(SCRIPT, &["--export"]);
    assert!(text(&export.stdout).starts_with("export TOKEN='ey"));
    let refused = sign_in.run_with(SCRIPT, &["--export"], &[("SB_PASSWORD", "wrong-password")]);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(sign_in.run(SCRIPT, &["--nonsense"]).status.code(), Some(1));
    // After too many the password is not blamed, right or wrong.
    let tries = (0..50).map(|_| sign_in.run_with(PROGRAM, &["token", "get"], &[("SB_PASSWORD", "wrong")]));
    let limited = tries.map(|one| text(&one.stderr)).find(|said| said.contains("with 429 ")).unwrap();
    assert!(limited.contains("try again in ") && !limited.contains("check SB_"), "{limited}");
}

#[test]
fn token_check_and_user_say_whose_it_is_without_printing_it() {
    let sign_in = SignIn::new("token-check");
    let email = sign_in.exports.value("MANAGER_EMAIL");
    for (program, args) in [(PROGRAM, &["token", "check"][..]), (SCRIPT, &["--check"])] {
        let check = sign_in.run(program, args);
        let said: Json = serde_json::from_slice(&check.stdout).unwrap();
        assert_eq!(said["email"], email);
        assert!(!text(&check.stdout).contains("eyJ"), "the token itself is printed");
    }
    for (program, args) in [(PROGRAM, &["token", "user"][..]), (SCRIPT, &["--user"])] {
        let user: Json = serde_json::from_slice(&sign_in.run(program, args).stdout).unwrap();
        assert_eq!(user["email"], email);
    }
}
