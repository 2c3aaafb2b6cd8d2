//! What the options of a method and of a field say, read for the OpenAPI
//! document, the generator of the checks and the tests. Nothing here is looked at
//! while calls are served, and nothing reads comments.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{ExtensionDescriptor, FieldDescriptor, MethodDescriptor, Value};

use crate::check::Limits;
use crate::reasons::v1::Occasion;
use crate::rest::v1::{FieldRule, Form, Format, MethodContract as Declared};
use crate::{ErrorReason, Rule, descriptors};

/// What a caller has to know of a method.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodContract {
    /// Who may call it.
    pub rule: Option<Rule>,
    /// Whether it takes an `Idempotency-Key`.
    pub idempotency_key: bool,
    /// The field of the answer with the resource that it creates.
    pub created: Option<String>,
    /// Whether it changes anything.
    pub changes: bool,
    declared: Vec<ErrorReason>,
    has_fields: bool,
}

/// What is known of a field beside its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldContract {
    /// What it takes.
    pub limits: Limits,
    /// The header that says the same.
    pub header: Option<String>,
    /// Whether it is a position in a stream.
    pub cursor: bool,
}

impl MethodContract {
    /// The contract of a method.
    pub fn of(method: &MethodDescriptor) -> Self {
        let options = method.options();
        let level = options.get_field_by_name("idempotency_level");
        let Declared { reasons, idempotency_key, created } =
            extension(method.parent_pool().get_extension_by_name("frontdesk.rest.v1.method"), &options)
                .unwrap_or_default();
        Self {
            rule: Rule::of(method),
            idempotency_key,
            created: Some(created).filter(|created| !created.is_empty()),
            // NO_SIDE_EFFECTS
            changes: level.and_then(|level| level.as_enum_number()) != Some(1),
            declared: reasons.into_iter().filter_map(|reason| ErrorReason::try_from(reason).ok()).collect(),
            has_fields: method.input().fields().len() > 0,
        }
    }

    /// The reasons that its proto names.
    pub fn declared(&self) -> &[ErrorReason] {
        &self.declared
    }

    /// Every reason that a call may have, in the order of the proto of reasons;
    /// `with_body` says whether it is made with a body over REST.
    pub fn reasons(&self, with_body: bool) -> Vec<ErrorReason> {
        ErrorReason::all()
            .filter(|reason| {
                self.declared.contains(reason)
                    || reason.occasions().any(|occasion| self.has(occasion, with_body))
            })
            .collect()
    }

    fn has(&self, occasion: Occasion, with_body: bool) -> bool {
        match occasion {
            Occasion::Unspecified => false,
            Occasion::Any => true,
            Occasion::Body => with_body,
            Occasion::Credential => self.rule.as_ref().is_some_and(|rule| *rule != Rule::Public),
            Occasion::User => self.rule == Some(Rule::SignedIn),
            Occasion::Scope => self.rule.as_ref().is_some_and(|rule| !rule.scopes().is_empty()),
            Occasion::Tenant => self.rule.as_ref().is_some_and(Rule::needs_tenant),
            Occasion::ApiKey => matches!(self.rule, Some(Rule::Scoped { api_key_required: true, .. })),
            Occasion::Field => self.has_fields,
            Occasion::Change => self.changes,
        }
    }
}

impl FieldContract {
    /// The contract of a field.
    pub fn of(field: &FieldDescriptor) -> Self {
        let pool = field.parent_pool();
        let rule: FieldRule =
            extension(pool.get_extension_by_name("frontdesk.rest.v1.field"), &field.options())
                .unwrap_or_default();
        let (format, missing) = (rule.format(), rule.missing());
        let FieldRule { required, min_length, max_length, min, max, header, cursor, .. } = rule;
        Self {
            limits: Limits { required, format, min_length, max_length, min, max, missing },
            header: Some(header).filter(|header| !header.is_empty()),
            cursor,
        }
    }
}

impl Format {
    /// What documents and refusals say of the format.
    pub fn form(self) -> &'static Form {
        static FORMS: LazyLock<HashMap<i32, Form>> = LazyLock::new(|| {
            let formats = descriptors().get_enum_by_name("frontdesk.rest.v1.Format");
            let form = descriptors().get_extension_by_name("frontdesk.rest.v1.form");
            let values = formats.iter().flat_map(|formats| formats.values().collect::<Vec<_>>());
            values
                .filter_map(|value| Some((value.number(), extension(form.clone(), &value.options())?)))
                .collect()
        });
        static NONE: Form = Form { pattern: String::new(), example: String::new(), takes: String::new() };
        FORMS.get(&(self as i32)).unwrap_or(&NONE)
    }
}

/// The value of an option of ours, if it is set.
pub(crate) fn extension<M: Message + Default>(
    extension: Option<ExtensionDescriptor>,
    options: &prost_reflect::DynamicMessage,
) -> Option<M> {
    let extension = extension?;
    match &*options.get_extension(&extension) {
        Value::Message(option) if options.has_extension(&extension) => option.transcode_to().ok(),
        _ => None,
    }
}
