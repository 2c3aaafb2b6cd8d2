//! Envoy with its transcoder and our descriptors.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use prost::Message;
use prost_reflect::{DynamicMessage, Value};

use super::{Proxy, free_port, wait_for};

/// Starts it with one worker and no access log.
pub fn start(binary: &Path, backend: SocketAddr, dir: &Path) -> Proxy {
    let port = free_port();
    let descriptors = dir.join("descriptors.bin");
    std::fs::write(&descriptors, descriptors_for_envoy()).unwrap();
    let config = include_str!("envoy.yaml.in")
        .replace("LISTEN_PORT", &port.to_string())
        .replace("UPSTREAM_PORT", &backend.port().to_string())
        .replace("FDS_PATH", descriptors.to_str().unwrap())
        .replace("SERVICES", "frontdesk.booking.v1.BookingRequestService");
    let file = dir.join("envoy.yaml");
    std::fs::write(&file, config).unwrap();
    let child = Command::new(binary)
        .arg("-c")
        .arg(&file)
        .args(["--concurrency", "1", "--log-level", "error", "--disable-hot-restart"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(port);
    Proxy { name: "Envoy", port, child }
}

/// Our descriptors without `response_body`, which Envoy refuses: it wraps those
/// answers into an object of one member.
fn descriptors_for_envoy() -> Vec<u8> {
    let pool = frontdesk_proto::descriptors();
    let set = pool.get_message_by_name("google.protobuf.FileDescriptorSet").unwrap();
    let http = pool.get_extension_by_name("google.api.http").unwrap();
    let mut set = DynamicMessage::decode(set, frontdesk_proto::DESCRIPTOR_SET).unwrap();
    for service in children(&mut set, "file")
        .iter_mut()
        .flat_map(|file| children(file.as_message_mut().unwrap(), "service"))
    {
        for method in children(service.as_message_mut().unwrap(), "method") {
            let options = method.as_message_mut().unwrap().get_field_by_name_mut("options").unwrap();
            let options = options.as_message_mut().unwrap();
            if !options.has_extension(&http) {
                continue;
            }
            let rule = options.get_extension_mut(&http).as_message_mut().unwrap();
            rule.clear_field_by_name("response_body");
            for rule in children(rule, "additional_bindings") {
                rule.as_message_mut().unwrap().clear_field_by_name("response_body");
            }
        }
    }
    set.encode_to_vec()
}

fn children<'m>(message: &'m mut DynamicMessage, name: &str) -> &'m mut Vec<Value> {
    message.get_field_by_name_mut(name).unwrap().as_list_mut().unwrap()
}
