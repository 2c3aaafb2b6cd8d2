//! What only running processes know: which build each is and which settings it has, as
//! its operator port says, and which pages may call, as a browser is answered. Nothing is asked
//! that needs a right: the operator port shows no secret, and whoever may reach it may ask.

use std::time::Duration;

use boot::{Check, Finding, Form, Setting, Unset};
use serde::Deserialize;

use crate::cors;
use crate::http_url::HttpUrl;
use crate::version::VERSION;

/// How long a process may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// What has to be the same for everybody who reads it.
const ALIKE: [&str; 2] = ["TOKEN_ISSUER", "TOKEN_AUDIENCE"];
/// Whose pages nobody lets call.
const STRANGER: &str = "https://doctor.invalid";

/// Where the processes are asked.
pub static ADMIN_ADDR: Setting = Setting {
    name: "ADMIN_ADDR",
    form: Form::Described("host:port, several with commas"),
    unset: Unset::Means("its check is left out"),
    example: "10.0.0.7:9090,10.0.0.8:9090",
    meaning: "Where the operator ports of the running processes are, which ADMIN_LISTEN opens.",
    secret: false,
};

/// A process, as its operator port says.
#[derive(Debug, Deserialize)]
struct Process {
    name: String,
    version: String,
    commit: String,
    settings: Vec<InForce>,
    /// Where it was asked.
    #[serde(skip)]
    at: String,
}

/// A setting of a process.
#[derive(Debug, Deserialize)]
struct InForce {
    name: String,
    from: String,
    secret: bool,
    value: Option<String>,
}

/// What the processes at these operator ports are, and whether they agree.
pub fn processes_check(ports: String) -> Check {
    Check::new("processes", async move {
        let (mut findings, mut running) = (Vec::new(), Vec::new());
        for asked in ask_all(&ports).await {
            match asked {
                Ok(process) => {
                    findings.push(finding(&process));
                    running.push(process);
                }
                Err(finding) => findings.push(finding),
            }
        }
        findings.extend(disagreements(&running));
        findings
    })
}

/// Whether pages of other origins are let in as the settings of the gateways at these
/// operator ports say, if they are known.
pub fn origins_check(gateway: String, ports: Option<String>) -> Check {
    Check::new("origins", async move {
        let Ok(HttpUrl(base)) = gateway.parse() else {
            return vec![Finding::left_out("see the check of the gateway")];
        };
        let Ok(stranger) = cors::preflight(&base, STRANGER).await else {
            return vec![Finding::left_out("see the check of the gateway")];
        };
        if stranger.allows(STRANGER) {
            let found = format!("{base} lets pages of any origin call");
            let fix =
                "let the gateway judge them, by ALLOWED_ORIGINS: take the rule from the proxy before it";
            return vec![Finding::bad(found, fix)];
        }
        let mut findings = Vec::new();
        for origin in allowed_origins(ports.as_deref()).await {
            if cors::preflight(&base, &origin).await.is_ok_and(|answer| !answer.allows(&origin)) {
                findings.push(Finding::bad(
                    format!("a gateway has {origin} in ALLOWED_ORIGINS, and {base} refuses its pages"),
                    "set ALLOWED_ORIGINS alike for all gateways, and have a proxy before them pass on OPTIONS and Origin",
                ));
            }
        }
        if findings.is_empty() {
            findings.push(Finding::good(format!("{base} refuses pages of unknown origins")));
        }
        findings
    })
}

/// The origins that the settings of gateways let in.
async fn allowed_origins(ports: Option<&str>) -> Vec<String> {
    let Some(ports) = ports else { return Vec::new() };
    let running = ask_all(ports).await.into_iter().flatten();
    let settings = running.flat_map(|process| process.settings);
    let lists = settings.filter(|one| one.name == "ALLOWED_ORIGINS").filter_map(|one| one.value);
    let mut origins: Vec<String> =
        lists.flat_map(|list| list.split(',').map(|one| one.trim().to_owned()).collect::<Vec<_>>()).collect();
    origins.sort();
    origins.dedup();
    origins.retain(|origin| !origin.is_empty());
    origins
}

async fn ask_all(ports: &str) -> Vec<Result<Process, Finding>> {
    let ports = ports.split(',').map(str::trim).filter(|port| !port.is_empty());
    let asking: Vec<_> = ports.map(|port| (port.to_owned(), tokio::spawn(ask(port.to_owned())))).collect();
    let mut asked = Vec::new();
    for (port, asking) in asking {
        let broken = |error| Finding::bad(format!("{port} could not be asked: {error}"), "ask again");
        asked.push(asking.await.unwrap_or_else(|error| Err(broken(error))));
    }
    asked
}

/// What the process behind an operator port says.
async fn ask(port: String) -> Result<Process, Finding> {
    let asked = async {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let answer = client.get(format!("http://{port}/settings")).send().await?;
        Ok::<_, reqwest::Error>((answer.status(), answer.bytes().await?))
    };
    match asked.await {
        Ok((status, body)) if status.is_success() => match serde_json::from_slice::<Process>(&body) {
            Ok(process) => Ok(Process { at: port, ..process }),
            Err(error) => Err(Finding::bad(
                format!("{port} answers what no operator port does: {error}"),
                "correct ADMIN_ADDR",
            )),
        },
        Ok((status, _)) => Err(Finding::bad(
            format!("{port} answers {status}: it is not an operator port, or one of another version"),
            "correct ADMIN_ADDR, or deploy one version everywhere",
        )),
        Err(error) => Err(Finding::bad(
            format!("{port} does not answer ({})", error.without_url()),
            "start the process with ADMIN_LISTEN, or correct ADMIN_ADDR",
        )),
    }
}

fn finding(process: &Process) -> Finding {
    let Process { name, version, commit, settings, at } = process;
    let set = settings.iter().filter(|one| matches!(&*one.from, "environment" | "file"));
    let shown: Vec<String> = set
        .map(|one| match &one.value {
            _ if one.secret => format!("{} (not shown)", one.name),
            value => format!("{}={}", one.name, value.as_deref().unwrap_or_default()),
        })
        .collect();
    let shown = if shown.is_empty() { "nothing set".to_owned() } else { shown.join(", ") };
    let found = format!("{name} {version} ({commit}) at {at}, with {shown}");
    if (&**version, &**commit) == (VERSION.number, VERSION.commit) {
        Finding::good(found)
    } else {
        Finding::odd(
            format!("{found}; this is {VERSION}"),
            "deploy one version everywhere, and ask with that one; while a version is rolled out, this is as it should be",
        )
    }
}

/// What processes have differently that should have it alike.
fn disagreements(running: &[Process]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for process in running {
        for InForce { name, .. } in &process.settings {
            let needed = ALIKE.contains(&&**name);
            // What everybody needs alike is asked of all, and else of those that are the same.
            let of = if needed { "" } else { &*process.name };
            if seen.contains(&(of, name)) || name.ends_with("_LISTEN") {
                continue;
            }
            seen.push((of, name));
            let concerned = running.iter().filter(|one| needed || one.name == process.name);
            let values: Vec<(&str, &str)> =
                concerned.filter_map(|one| Some((&*one.at, value(one, name)?))).collect();
            if values.windows(2).all(|pair| pair[0].1 == pair[1].1) {
                continue;
            }
            let each: Vec<String> = values.iter().map(|(at, value)| format!("`{value}` at {at}")).collect();
            let found = format!("{name} is {}", each.join(", "));
            findings.push(if needed {
                Finding::bad(found, format!("set {name} alike for all of them, and start them again"))
            } else {
                Finding::odd(
                    found,
                    format!("set {name} alike for all that are {}, unless that is meant", process.name),
                )
            });
        }
    }
    findings
}

/// What a process has as a setting, if it reads it and it may be known.
fn value<'a>(process: &'a Process, name: &str) -> Option<&'a str> {
    let one = process.settings.iter().find(|one| one.name == name && !one.secret)?;
    Some(one.value.as_deref().unwrap_or("not set"))
}

#[cfg(test)]
mod tests {
    use boot::State;

    use super::*;

    fn process(name: &str, at: &str, settings: &[(&str, &str)]) -> Process {
        let one = |(name, value): &(&str, &str)| InForce {
            name: (*name).to_owned(),
            from: "environment".to_owned(),
            secret: name.contains("KEY"),
            value: (!name.contains("KEY")).then(|| (*value).to_owned()),
        };
        Process {
            name: name.to_owned(),
            version: VERSION.number.to_owned(),
            commit: VERSION.commit.to_owned(),
            settings: settings.iter().map(one).collect(),
            at: at.to_owned(),
        }
    }

    #[test]
    fn what_should_be_alike_is_told_where_it_is_not() {
        let alike = [("TOKEN_ISSUER", "us"), ("LOG", "info"), ("ADMIN_LISTEN", "1"), ("MASTER_KEY", "x")];
        let mut running =
            vec![process("frontdesk-identity", "a", &alike), process("frontdesk-booking", "b", &alike)];
        assert_eq!(disagreements(&running), []);
        let other = [("TOKEN_ISSUER", "them"), ("LOG", "debug"), ("ADMIN_LISTEN", "2"), ("MASTER_KEY", "y")];
        running.push(process("frontdesk-booking", "c", &other));
        let found: Vec<(State, String)> =
            disagreements(&running).into_iter().map(|one| (one.state, one.found)).collect();
        assert_eq!(
            found,
            [
                (State::Bad, "TOKEN_ISSUER is `us` at a, `us` at b, `them` at c".to_owned()),
                (State::Odd, "LOG is `info` at b, `debug` at c".to_owned()),
            ]
        );
    }

    #[test]
    fn another_build_is_told_and_a_secret_is_not() {
        let mut one = process("frontdesk-identity", "a", &[("LOG", "info"), ("MASTER_KEY", "hush")]);
        let good = finding(&one);
        assert_eq!(good.state, State::Good);
        assert!(good.found.ends_with("at a, with LOG=info, MASTER_KEY (not shown)"), "{}", good.found);
        one.version = "0.0.0".to_owned();
        assert_eq!(finding(&one).state, State::Odd);
    }
}
