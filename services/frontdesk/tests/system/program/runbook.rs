//! Every command of the runbook runs, against a `frontdesk dev`: what reads, all at once;
//! then what changes something, one after the other. A block that `shows` a refusal ends
//! in that of its page.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use super::run::{
    Dev, FREE, Folder, assert_one_sentence, dev, exports, free, frontdesk, path, text, wait_for,
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/runbook");
/// How many blocks run at once.
const AT_ONCE: usize = 4;

/// A fenced block of a page.
struct Block {
    page: String,
    code: String,
    shows: bool,
    changes: bool,
}

/// The blocks of all pages, and the functions that the list sets up.
fn blocks() -> (Vec<Block>, String) {
    let (mut blocks, mut setup) = (Vec::new(), String::new());
    let mut files: Vec<_> = std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let page = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        for fenced in text.split("```").skip(1).step_by(2) {
            let (kind, code) = fenced.split_once('\n').unwrap();
            let kind: Vec<&str> = kind.split(' ').collect();
            match kind[..] {
                ["sh", "setup"] => setup.push_str(code),
                ["sh", ..] => blocks.push(Block {
                    page: page.clone(),
                    code: code.to_owned(),
                    shows: kind.contains(&"shows"),
                    changes: kind.contains(&"changes"),
                }),
                _ => {}
            }
        }
    }
    (blocks, setup)
}

/// What the request of a page is like, where it is not any open one.
fn made(page: &str) -> &'static str {
    match page {
        "INVALID_TRANSITION" => "request=$DEMO_DECLINED",
        "BOOKING_OVERLAP" => {
            "property=0d000000-0000-7000-8000-000000000201 customer=0d000000-0000-7000-8000-000000000302\n\
             request=$(new \"$(date -d '+133 days' +%F)\" \"$(date -d '+135 days' +%F)\")"
        }
        "REQUEST_INCONSISTENT" => {
            "request=$(new 2032-03-01 2032-03-05)\n\
             api \"/v1/booking-requests/$request/approve\" -X POST >/dev/null\n\
             sql \"update bookings set status = 'cancelled' where booking_request_id = '$request'\""
        }
        "STAY_TOO_SHORT" => "request=$(new 2032-04-01 2032-04-05)",
        "DECLINE_REASON_REQUIRED" => "request=$(new 2032-05-01 2032-05-05)",
        "CUSTOMER_ARCHIVED" => {
            "customer=$(frontdesk customer create \"$TENANT_ID\" --name 'Archie Archived' --email archie@guests.example)"
        }
        _ => "",
    }
}

/// What blocks of all pages use, as whoever reads them has set it.
fn names(exports: &str, setup: &str, admin: &str, log: &str) -> String {
    format!(
        r#"{exports}{setup}
admin={admin}
email=$MANAGER_EMAIL
password=$DEMO_PASSWORD
other_tenant=$OTHER_TENANT_ID
request=$DEMO_REQUESTED
booking=0d000000-0000-7000-8000-000000000405
property=0d000000-0000-7000-8000-000000000202
customer=0d000000-0000-7000-8000-000000000301
request_id=of-the-runbook
log() {{ cat {log}; }}
new() {{ api /v1/booking-requests -X POST -H 'Content-Type: application/json' \
  -d "{{\"property_id\":\"$property\",\"guest_id\":\"$customer\",\"check_in\":\"$1\",\"check_out\":\"$2\",\"guest_count\":1}}" \
  | sed 's/{{"id":"\([^"]*\)".*/\1/'; }}
"#
    )
}

fn bash(script: &str) -> Result<String, String> {
    let program = env!("CARGO_BIN_EXE_frontdesk").rsplit_once('/').unwrap().0;
    let mut bash = Command::new("timeout");
    bash.args(["60", "bash", "-euo", "pipefail", "-c", script])
        .env_clear()
        .env("PATH", format!("{program}:{}", path()))
        .stdin(Stdio::null());
    let output = bash.output().unwrap();
    let (said, told) = (text(&output.stdout), text(&output.stderr));
    if output.status.success() { Ok(said) } else { Err(format!("{}\n{said}{told}", output.status)) }
}

/// What is wrong with a block, if anything is.
fn fault(block: &Block, names: &str) -> Option<String> {
    let Block { page, code, shows, changes: _ } = block;
    let ran = bash(&format!("{names}{code}"));
    let refused = format!("\"code\":\"{page}\"");
    let why = match ran {
        Ok(said) | Err(said) if *shows && said.contains(&refused) => return None,
        Ok(said) if *shows => format!("{refused} is not shown: {said}"),
        Ok(_) => return None,
        Err(said) => said,
    };
    Some(format!("{page}:\n{code}{why}"))
}

#[test]
fn every_command_runs() {
    let folder = Folder::new("runbook");
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let admin = free();
    let mut program =
        dev(&data, &["--gateway", FREE], &[("ADMIN_LISTEN", admin.as_str()), ("LOG_FORMAT", "json")]);
    program.stdout(Stdio::null()).stderr(std::fs::File::create(&log).unwrap());
    let _dev = Dev(program.spawn().unwrap());
    wait_for(|| exports(&data).status.success());

    let (blocks, setup) = blocks();
    let mut names = names(&text(&exports(&data).stdout), &setup, &admin, log.to_str().unwrap());
    let token = format!(
        "{names}SB_URL=$API_BASE_URL SB_EMAIL=$OWNER_EMAIL SB_PASSWORD=$DEMO_PASSWORD frontdesk token get\n\
         curl -sS -o /dev/null $API_BASE_URL/v1/me -H 'X-Request-Id: of-the-runbook'"
    );
    writeln!(names, "TOKEN={}", bash(&token).unwrap().trim()).unwrap();
    let mut of_page = BTreeMap::new();
    for Block { page, .. } in blocks.iter().filter(|block| !made(&block.page).is_empty()) {
        of_page.entry(page.clone()).or_insert_with(|| {
            let told = bash(&format!("{names}{}\necho \"request=$request customer=$customer\"", made(page)));
            format!("{names}{}\n", told.unwrap_or_else(|why| panic!("{page}: {why}")).lines().last().unwrap())
        });
    }
    let names_of = |block: &Block| of_page.get(&block.page).unwrap_or(&names);

    let (changing, reading): (Vec<&Block>, Vec<&Block>) = blocks.iter().partition(|block| block.changes);
    let (left, faults) = (Mutex::new(reading.iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().next();
                    let Some(block) = next else { return };
                    let fault = fault(block, names_of(block));
                    faults.lock().unwrap().extend(fault);
                }
            });
        }
    });
    let mut faults = faults.into_inner().unwrap();
    faults.extend(changing.iter().filter_map(|block| fault(block, names_of(block))));
    assert!(faults.is_empty(), "{} of {} blocks:\n{}", faults.len(), blocks.len(), faults.join("\n\n"));
    assert!(reading.len() > 100 && changing.len() > 30, "{} and {}", reading.len(), changing.len());
}

#[test]
fn a_page_is_printed_with_what_its_proto_says() {
    let printed = |args: &[&str]| text(&frontdesk(args, &[]).output().unwrap().stdout);
    let page = printed(&["runbook", "BOOKING_OVERLAP"]);
    assert!(
        page.starts_with("# BOOKING_OVERLAP\n\nHTTP 409, gRPC FAILED_PRECONDITION\n\nAnother guest"),
        "{page}"
    );
    assert!(page.contains("\n## Prevention\n"), "{page}");
    let list = printed(&["runbook"]);
    assert!(
        list.contains("(BOOKING_OVERLAP.md): 409, Another guest") && list.contains("(cors.md)"),
        "{list}"
    );
    let unknown = frontdesk(&["runbook", "NONSENSE"], &[]).output().unwrap();
    assert_one_sentence(&unknown, 1, &["NONSENSE", "frontdesk runbook"]);
}
