//! What stands in `deploy/` is of this program: the commands that containers, jobs and
//! units run, the figures that dashboards and alarms ask for, the version of the image.
//! Settings are in `variables.rs`; whether the files are well formed is `deploy/lint`'s.

use std::collections::BTreeSet;

use crate::commands::{fault, helps};
use crate::texts::{self, Text};
use crate::{crates, settings};

/// The files of `deploy/`.
fn files() -> Vec<Text> {
    texts::documents().into_iter().filter(|text| text.place.starts_with("deploy/")).collect()
}

/// The command lines that a file has the program run, without its name.
fn command_lines(text: &str) -> Vec<String> {
    let quoted =
        |line: &str| -> Vec<String> { line.split('"').skip(1).step_by(2).map(str::to_owned).collect() };
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(command) = line.strip_prefix("ExecStart=") {
            let (_, arguments) = command.split_once(' ').unwrap_or_default();
            found.push(arguments.to_owned());
        } else if let Some(words) = line.strip_prefix("args: [").or_else(|| line.strip_prefix("command: [")) {
            found.push(quoted(words).join(" "));
        } else if let Some((_, words)) = line.split_once("CMD [") {
            let words = quoted(words);
            let own = words.iter().filter(|word| !word.ends_with("/frontdesk"));
            found.push(own.cloned().collect::<Vec<_>>().join(" "));
        }
    }
    found
}

#[test]
fn every_command_that_is_run_exists() {
    let helps = helps();
    let (mut faults, mut seen) = (Vec::new(), 0);
    for Text { place, text } in files() {
        for line in command_lines(&text) {
            // Options of Postgres.
            if line.starts_with("-c ") {
                continue;
            }
            seen += 1;
            faults.extend(fault(&line, true, &helps).map(|fault| format!("{place}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(seen >= 14, "only {seen} commands were seen");
}

/// Words of a text that look like figures of ours.
fn figures(text: &str) -> BTreeSet<&str> {
    let words = text.split(|mark: char| !(mark.is_ascii_alphanumeric() || mark == '_'));
    words.filter(|word| word.starts_with("frontdesk_")).collect()
}

#[test]
fn every_figure_that_is_asked_for_is_collected() {
    let collected: BTreeSet<String> = texts::literals().into_iter().map(|text| text.text).collect();
    let is_collected = |figure: &str| {
        let parts = ["_bucket", "_count", "_sum"].into_iter().filter_map(|part| figure.strip_suffix(part));
        parts.chain([figure]).any(|name| collected.contains(name))
    };
    let (mut missing, mut seen) = (Vec::new(), BTreeSet::new());
    let asking = ["deploy/prometheus/", "deploy/grafana/dashboards/", "deploy/kubernetes/monitoring/"];
    for Text { place, text } in files() {
        if !asking.iter().any(|folder| place.starts_with(folder)) {
            continue;
        }
        for figure in figures(&text) {
            seen.insert(figure.to_owned());
            if !is_collected(figure) {
                missing.push(format!("{place}: {figure}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(seen.len() >= 25, "{seen:?}");
}

#[test]
fn images_and_the_job_of_the_migrations_are_of_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    let mut seen = 0;
    for Text { place, text } in files() {
        for line in text.lines().map(str::trim) {
            for (before, wanted) in
                [("image: frontdesk:", version), ("name: frontdesk-migrate-", version), ("newTag: ", version)]
            {
                if let Some(found) = line.strip_prefix("- ").unwrap_or(line).strip_prefix(before) {
                    assert_eq!(found, wanted, "{place}: {line}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen >= 7, "{seen}");
}

/// In the file of all roles it would be every role's.
#[test]
fn whatever_a_unit_sets_is_said_to_belong_into_the_file_of_its_role() {
    let all = crates::text("deploy/systemd/frontdesk-.service.d/all.conf");
    let (head, rest) = all.split_once("[Unit]").unwrap();
    let files: Vec<&str> =
        rest.lines().filter_map(|line| line.strip_prefix("EnvironmentFile=-/etc/frontdesk/")).collect();
    assert_eq!(files, ["frontdesk.env", "%j.env"], "the role's own comes last, and so counts more");
    let mut seen = BTreeSet::new();
    for Text { place, text } in files_of_units() {
        for line in text.lines().filter_map(|line| line.strip_prefix("Environment=")) {
            let (name, _) = line.split_once('=').unwrap();
            let is_named = name.ends_with("_LISTEN") || place.contains("/tls/") || head.contains(name);
            assert!(is_named, "{place}: {name}");
            seen.insert(name.to_owned());
        }
    }
    assert!(seen.len() >= 14, "{seen:?}");
}

fn files_of_units() -> impl Iterator<Item = Text> {
    files().into_iter().filter(|text| text.place.starts_with("deploy/systemd/"))
}

/// Whoever is believed says where others call from, and others are in the same network.
#[test]
fn in_compose_identity_believes_gateway_and_booking_and_nobody_else() {
    let compose = crates::text("deploy/compose.yaml");
    let of = |name: &str, key: &str| -> String {
        let from = compose.find(&format!("\n  {name}:\n")).unwrap();
        let value = compose[from..].lines().find_map(|line| line.trim().strip_prefix(key));
        value.unwrap_or_else(|| panic!("{name} has no {key}")).trim().to_owned()
    };
    let [gateway, booking] = ["gateway", "booking"].map(|name| of(name, "ipv4_address:"));
    let believed = of("identity", "TRUSTED_PROXIES:");
    let believed: BTreeSet<&str> = believed.split(',').collect();
    assert_eq!(believed, BTreeSet::from([&*gateway, &*booking]));
    // Nobody gets one of these beside them.
    let (_, others) = compose.split_once("ip_range: ").unwrap();
    assert!(others.starts_with("172.30.50.128/25\n"));
    for own in [gateway, booking] {
        let last: u8 = own.strip_prefix("172.30.50.").unwrap().parse().unwrap();
        assert!(last < 128, "{own}");
    }
}

/// Without its name there the gateway refuses its own pages.
#[test]
fn the_gateway_of_the_example_answers_to_the_host_of_its_ingress() {
    let example = crates::text("deploy/kubernetes/overlays/example/kustomization.yaml");
    let (_, hosts) = example.split_once("- name: GATEWAY_HOSTS\n                    value: ").unwrap();
    let ingress = crates::text("deploy/kubernetes/overlays/example/ingress.yaml");
    let (_, host) = ingress.split_once("\n    - host: ").unwrap();
    assert_eq!(hosts.lines().next(), host.lines().next());
}

/// What a place cannot do without knowing it, if letters, passkeys and the clients of others are
/// to work.
#[test]
fn compose_and_the_example_hand_on_what_is_of_a_place() {
    const OF_A_PLACE: [&str; 7] = [
        "GATEWAY_HOSTS",
        "MAIL_FROM",
        "MAIL_SENDER",
        "PASSKEY_ORIGINS",
        "PUBLIC_URL",
        "RUNBOOK_URL",
        "SUPABASE_ANON_KEY",
    ];
    let compose = crates::text("deploy/compose.yaml");
    let example = crates::text("deploy/kubernetes/overlays/example/kustomization.yaml");
    let (head, services) = compose.split_once("\nservices:\n").unwrap();
    for row in settings::table() {
        let name = row["name"].as_str().unwrap();
        if !OF_A_PLACE.contains(&name) {
            continue;
        }
        let handed_on = row["file_variable"].as_str().unwrap_or(name);
        assert!(head.contains(&format!("#   {handed_on}=")), "the head of compose.yaml: {handed_on}");
        assert!(example.contains(handed_on), "the example: {handed_on}");
        for role in ["identity", "booking", "gateway"] {
            let (_, service) = services.split_once(&format!("\n  {role}:\n")).unwrap();
            let (service, _) = service.split_once("\n\n").unwrap();
            let reads = row["read_by"].as_array().unwrap().iter().any(|reader| reader == role);
            let line = format!("\n      {handed_on}: ${{{handed_on}:-}}\n");
            assert_eq!(service.contains(&line), reads, "{role}: {handed_on}");
        }
    }
    for (file, text, address) in
        [("compose", head, "http://localhost:8080"), ("the example", &example, "https://api.example.com")]
    {
        assert!(text.contains(&format!("The console is at {address}")), "{file}");
    }
}

#[test]
fn the_alarms_of_kubernetes_are_those_of_prometheus() {
    let rules = crates::text("deploy/prometheus/alerts.yml");
    let resource = crates::text("deploy/kubernetes/monitoring/alerts.yaml");
    let (_, spec) = resource.split_once("\nspec:\n").unwrap();
    let spec: Vec<&str> = spec.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
    let rules: Vec<&str> = rules.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(spec, rules);
}

#[test]
fn each_alarm_leads_to_what_to_do_about_it() {
    const BOOK: &str = "runbook_url: \"https://api.example.com/runbook/";
    let rules = crates::text("deploy/prometheus/alerts.yml");
    let (mut faults, mut seen) = (Vec::new(), 0);
    for rule in rules.split("- alert: ").skip(1) {
        seen += 1;
        let name = rule.lines().next().unwrap_or_default();
        let link = rule.split_once(BOOK).and_then(|(_, rest)| rest.split_once('"'));
        let Some((page, section)) = link.and_then(|(link, _)| link.split_once('#')) else {
            faults.push(format!("{name} has no runbook_url"));
            continue;
        };
        let text = crates::text(&format!("deploy/runbook/{page}.md"));
        // As the gateway's build script makes an anchor of a heading.
        let mut headings = text.lines().filter_map(|line| line.strip_prefix("### "));
        if section != name.to_lowercase() || !headings.any(|heading| heading.to_lowercase() == section) {
            faults.push(format!("{name}: {page} has no section {section}"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(seen >= 19, "{seen}");
}

/// The cases are run by `deploy/lint`.
#[test]
fn each_alarm_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() {
    let rules = crates::text("deploy/prometheus/alerts.yml");
    let cases = crates::text("deploy/prometheus/alerts.test.yml");
    let tried = |name: &str, fires: bool| {
        cases.split("- eval_time: ").skip(1).any(|case| {
            let of = case.lines().find_map(|line| line.trim().strip_prefix("alertname: "));
            let (none, some) = ("        exp_alerts: []", "        exp_alerts:");
            of == Some(name) && case.lines().any(|line| line == if fires { some } else { none })
        })
    };
    let names: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    for (fires, what) in [(true, "fires"), (false, "does not fire")] {
        let missing: Vec<&&str> = names.iter().filter(|name| !tried(name, fires)).collect();
        assert!(missing.is_empty(), "no case in which it {what}: {missing:?}");
    }
    assert!(names.len() >= 19, "{names:?}");
}

/// A dump has no roles: what is restored finds them there.
#[test]
fn the_roles_that_migrations_make_are_made_with_the_database() {
    let made = crates::text("deploy/database.sql");
    let statements: Vec<&str> = made.split(';').map(str::trim).collect();
    let mut seen = 0;
    for service in ["identity", "booking"] {
        let kept = crates::text(&format!("migrations/{service}.schema"));
        for line in kept.lines() {
            let wanted = match line.split(" | ").collect::<Vec<_>>()[..] {
                ["role", "", role] => format!("create role {role} nologin"),
                ["membership", of, member] => format!("grant {of} to {member}"),
                _ => continue,
            };
            seen += 1;
            let one = |statement: &&str| {
                let statement = statement.lines().filter(|line| !line.starts_with("--")).collect::<String>();
                let Some((roles, member)) =
                    statement.strip_prefix("grant ").and_then(|rest| rest.split_once(" to "))
                else {
                    return statement.starts_with(&wanted);
                };
                roles.split(", ").any(|role| format!("grant {role} to {member}") == wanted)
            };
            assert!(statements.iter().any(one), "deploy/database.sql lacks: {wanted}");
        }
    }
    assert!(seen >= 6, "{seen}");
}

#[test]
fn every_script_for_a_shell_is_looked_at() {
    let makefile = crates::text("Makefile").replace("\\\n", " ");
    let line = makefile.lines().find(|line| line.trim_start().starts_with("shellcheck ")).unwrap();
    let looked_at = |place: &str| {
        line.split_whitespace().any(|word| match word.split_once('*') {
            Some((folder, ending)) => place.strip_prefix(folder).is_some_and(|name| name.ends_with(ending)),
            None => word == place,
        })
    };
    let scripts = texts::scripts();
    let missing: Vec<&str> =
        scripts.iter().map(|script| &*script.place).filter(|place| !looked_at(place)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(scripts.len() >= 15, "{}", scripts.len());
}

#[test]
fn commands_are_found_in_each_kind_of_file() {
    let text = "ExecStart=/usr/local/bin/frontdesk migrate up\n  args: [\"booking\"]\n  command: [\"migrate\", \"up\"]\n\
        HEALTHCHECK --interval=10s CMD [\"/usr/local/bin/frontdesk\", \"healthcheck\"]\nCMD [\"--help\"]";
    assert_eq!(command_lines(text), ["migrate up", "booking", "migrate up", "healthcheck", "--help"]);
    assert_eq!(figures("sum(rate(frontdesk_x_total{a=\"b\"}[5m]))"), ["frontdesk_x_total"].into());
}
