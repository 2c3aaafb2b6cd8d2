//! The settings of a process as it goes by them, for operators. Of a secret it says that
//! it is set, and never what it is.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::Setting;

/// What a process has read.
#[derive(Debug, Clone, Default)]
pub struct InForce(Arc<Vec<One>>);

/// A setting with its value.
#[derive(Debug, Clone)]
pub(super) struct One {
    pub setting: &'static Setting,
    pub origin: Origin,
    /// Not of a secret.
    pub value: Option<String>,
}

/// Where a value is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Environment,
    File,
    Default,
    /// There is none.
    Unset,
}

impl One {
    pub fn new(setting: &'static Setting, origin: Origin, value: Option<&str>) -> Self {
        Self { setting, origin, value: value.filter(|_| !setting.secret).map(without_user) }
    }
}

/// An address without what may be secret in it: whatever is before its host, and its query.
/// Of one that is written in no known form rather too much is left out.
fn without_user(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    let from_host = rest.rsplit('@').next().unwrap_or_default();
    let shown = from_host.split(['?', '#']).next().unwrap_or_default();
    format!("{scheme}://{shown}")
}

impl InForce {
    pub(super) fn of(all: &[One]) -> Self {
        Self(Arc::new(all.to_vec()))
    }

    /// As the operator port answers it.
    pub fn json(&self) -> Json {
        let one = |One { setting, origin, value }: &One| {
            let from = match origin {
                Origin::Environment => "environment",
                Origin::File => "file",
                Origin::Default => "default",
                Origin::Unset => "unset",
            };
            json!({"name": setting.name, "from": from, "secret": setting.secret, "value": value})
        };
        self.0.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Form, Settings, Trimmed, Unset};
    use super::*;

    static OPEN: Setting = Setting {
        name: "OPEN",
        form: Form::Text,
        unset: Unset::Default("as it is"),
        example: "x",
        meaning: "Anything.",
        secret: false,
    };
    static CLOSED: Setting = Setting { name: "CLOSED", unset: Unset::Means("none"), secret: true, ..OPEN };

    #[test]
    fn what_is_secret_is_said_to_be_set_and_not_shown() {
        let read = |given: &[(&str, &str)]| {
            let mut settings = Settings::of(given.iter().copied());
            settings.text(&OPEN);
            settings.if_set::<Trimmed>(&CLOSED);
            settings.in_force().json()
        };
        assert_eq!(
            read(&[]),
            json!([
                {"name": "OPEN", "from": "default", "secret": false, "value": "as it is"},
                {"name": "CLOSED", "from": "unset", "secret": true, "value": null},
            ])
        );
        for secret in ["http://me:hush@there:1/x", "http://me:h@/?u@there:1/x", "http://there:1/x?token=hush"]
        {
            assert_eq!(read(&[("OPEN", secret)])[0]["value"], "http://there:1/x", "{secret}");
        }
        assert_eq!(
            read(&[("OPEN", " so "), ("CLOSED", "hush")]),
            json!([
                {"name": "OPEN", "from": "environment", "secret": false, "value": "so"},
                {"name": "CLOSED", "from": "environment", "secret": true, "value": null},
            ])
        );
    }
}
