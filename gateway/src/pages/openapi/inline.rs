//! Schemas of bodies that are used once are written where they are used: a name for them
//! would be another one for the operation.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

const SCHEMAS: &str = "#/components/schemas/";

/// Writes them there.
pub fn once_used(document: &mut Json) {
    let mut uses = HashMap::new();
    count(document, &mut uses);
    let Some(Json::Object(mut schemas)) = document["components"].get_mut("schemas").map(Json::take) else {
        return;
    };
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in paths.filter_map(Json::as_object_mut).flat_map(Map::values_mut) {
        let answers = operation.get_mut("responses").and_then(Json::as_object_mut);
        answers.into_iter().flat_map(Map::values_mut).for_each(|one| put(one, &uses, &mut schemas));
        if let Some(body) = operation.get_mut("requestBody") {
            put(body, &uses, &mut schemas);
        }
    }
    document["components"]["schemas"] = schemas.into();
}

fn put(within: &mut Json, uses: &HashMap<String, usize>, schemas: &mut Map<String, Json>) {
    let content = within.get_mut("content").and_then(Json::as_object_mut);
    for media in content.into_iter().flat_map(Map::values_mut) {
        let Some(name) = media["schema"]["$ref"].as_str().filter(|name| uses.get(*name) == Some(&1)) else {
            continue;
        };
        let name = name.trim_start_matches(SCHEMAS).to_owned();
        if let Some(schema) = schemas.remove(&name) {
            media["schema"] = schema;
        }
    }
}

fn count(value: &Json, uses: &mut HashMap<String, usize>) {
    match value {
        Json::Object(members) => {
            if let Some(Json::String(name)) = members.get("$ref") {
                *uses.entry(name.clone()).or_default() += 1;
            }
            members.values().for_each(|member| count(member, uses));
        }
        Json::Array(items) => items.iter().for_each(|item| count(item, uses)),
        _ => {}
    }
}
