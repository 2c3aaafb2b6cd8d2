//! The published conformance cases of Connect, gRPC and gRPC-Web
//! (`gateway/tests/conformance/vendor.py`), asked of the gateway before a service that does
//! what they say. What is not as they want it is named in `deviations.txt` there.

mod backend;
mod client;
mod wanted;

use std::collections::BTreeMap;

use boot::{Stop, StopPolicy, Version};
use futures::StreamExt;
use prost_reflect::DescriptorPool;
use serde_json::Value;

use super::*;

const SUITES: &str = include_str!("../../../tests/conformance/suites.json");
const DESCRIPTORS: &[u8] = include_bytes!("../../../tests/conformance/descriptors.bin");
const DEVIATIONS: &str = include_str!("../../../tests/conformance/deviations.txt");
const SERVICE: &str = "connectrpc.conformance.v1.ConformanceService";

/// How a case is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    pub protocol: Protocol,
    pub json: bool,
    pub gzip: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Connect,
    Grpc,
    GrpcWeb,
}

/// A case with the way in which it is asked.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub way: Way,
    pub test: Value,
}

/// Texts of an array in a suite, or of all that there are where it says nothing.
fn relevant(suite: &Value, name: &str, all: &[&'static str]) -> Vec<&'static str> {
    let said = suite[name].as_array();
    let is_said = |one: &&str| said.is_none_or(|said| said.iter().any(|said| said.as_str() == Some(one)));
    all.iter().copied().filter(is_said).collect()
}

/// Every case in every way that the gateway has: gRPC's messages are passed on as they are, so
/// that how they are written and compressed is the service's.
fn cases() -> Vec<Case> {
    let suites: Vec<Value> = serde_json::from_str(SUITES).unwrap();
    let mut cases = Vec::new();
    for suite in &suites {
        let protocols =
            relevant(suite, "relevantProtocols", &["PROTOCOL_CONNECT", "PROTOCOL_GRPC", "PROTOCOL_GRPC_WEB"]);
        let codecs = relevant(suite, "relevantCodecs", &["CODEC_PROTO", "CODEC_JSON"]);
        let codings = relevant(suite, "relevantCompressions", &["COMPRESSION_IDENTITY", "COMPRESSION_GZIP"]);
        for (protocol, codec, coding) in protocols.iter().flat_map(|protocol| {
            codecs
                .iter()
                .flat_map(|codec| codings.iter().map(|coding| (*protocol, *codec, *coding)))
                .collect::<Vec<_>>()
        }) {
            let way = Way {
                protocol: match protocol {
                    "PROTOCOL_CONNECT" => Protocol::Connect,
                    "PROTOCOL_GRPC" => Protocol::Grpc,
                    _ => Protocol::GrpcWeb,
                },
                json: codec == "CODEC_JSON",
                gzip: coding == "COMPRESSION_GZIP",
            };
            if way.protocol != Protocol::Connect && (way.json || way.gzip) {
                continue;
            }
            for test in suite["testCases"].as_array().unwrap() {
                let name = format!(
                    "{}/{:?}/{}/{}/{}",
                    suite["file"].as_str().unwrap(),
                    way.protocol,
                    if way.json { "json" } else { "proto" },
                    if way.gzip { "gzip" } else { "identity" },
                    test["request"]["testName"].as_str().unwrap()
                );
                cases.push(Case { name, way, test: test.clone() });
            }
        }
    }
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_cases_are_answered_as_they_want_it() {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let behind = backend::start(pool.clone()).await;
    let stop = Stop::new(StopPolicy::AT_ONCE);
    let upstreams = Upstreams::of(&pool, behind.to_string().parse().unwrap(), &stop);
    let (transcoder, pages) =
        (crate::routes::compile().unwrap(), Pages::new(Version { number: "0", commit: "none" }));
    let edge = Edge::new(transcoder, pages, upstreams, Policy::default());
    let cases = cases();
    let count = cases.len();
    let asked = futures::stream::iter(cases).map(|case| {
        let (edge, pool) = (edge.clone(), pool.clone());
        async move {
            let told = client::ask(&edge, &pool, &case).await;
            (case.name.clone(), told.and_then(|told| wanted::compare(&pool, &case, &told)))
        }
    });
    let outcomes: BTreeMap<String, Result<(), String>> = asked.buffer_unordered(16).collect().await;
    assert_eq!(outcomes.len(), count, "two cases have one name");
    assert!(count > 350, "the suites have more cases than {count}");
    let failed: BTreeMap<&str, &str> = outcomes
        .iter()
        .filter_map(|(name, outcome)| Some((name.as_str(), outcome.as_ref().err()?.as_str())))
        .collect();
    let named = DEVIATIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let named: Vec<&str> = named.collect();
    let unnamed: Vec<String> = failed
        .iter()
        .filter(|(name, _)| !named.contains(name))
        .map(|(name, what)| format!("{name}: {what}"))
        .collect();
    assert!(unnamed.is_empty(), "{} of {count}:\n{}", unnamed.len(), unnamed.join("\n"));
    let gone: Vec<&&str> = named.iter().filter(|name| !failed.contains_key(**name)).collect();
    assert!(gone.is_empty(), "these pass by now: {gone:?}");
}
