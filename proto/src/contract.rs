//! What the options of a method and of a field say, read for the OpenAPI
//! document, the generator of the checks and the tests. While calls are served
//! only the sentence of a format is taken from here, for a refusal. Nothing reads
//! comments.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{ExtensionDescriptor, FieldDescriptor, MethodDescriptor, Value};

use crate::limits::Limits;
use crate::reasons::v1::Occasion;
use crate::rest::v1::{FieldRule, Form, Format, MethodContract as Declared};
use crate::{Aal, ErrorReason, Rule, StepUp, descriptors};

/// Longest `Idempotency-Key`, of a method that takes one, in characters.
pub const MAX_IDEMPOTENCY_KEY: usize = 255;

/// What a caller has to know of a method.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodContract {
    /// Who may call it.
    pub rule: Option<Rule>,
    /// What its user must have proved.
    pub step_up: StepUp,
    /// Whether it takes an `Idempotency-Key`.
    pub idempotency_key: bool,
    /// Whether it takes `If-Match`: a field of its request says the same.
    pub if_match: bool,
    /// The field of the answer with the resource that it creates.
    pub created: Option<String>,
    /// Content types of its body over REST; empty when that is JSON.
    pub body_types: Vec<String>,
    /// Whether it changes anything.
    pub changes: bool,
    declared: Vec<ErrorReason>,
    name: String,
    /// How many fields its request has.
    fields: usize,
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
        let Declared { reasons, idempotency_key, created, body_types } =
            extension(method.parent_pool().get_extension_by_name("frontdesk.rest.v1.method"), &options)
                .unwrap_or_default();
        Self {
            rule: Rule::of(method),
            step_up: StepUp::of(method),
            idempotency_key,
            if_match: method
                .input()
                .fields()
                .any(|field| FieldContract::of(&field).header.as_deref() == Some("if-match")),
            created: Some(created).filter(|created| !created.is_empty()),
            body_types,
            // NO_SIDE_EFFECTS
            changes: level.and_then(|level| level.as_enum_number()) != Some(1),
            declared: reasons.into_iter().filter_map(|reason| ErrorReason::try_from(reason).ok()).collect(),
            name: method.name().to_owned(),
            fields: method.input().fields().len(),
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
            .filter(|reason| self.declared.contains(reason) || self.has_undeclared(*reason, with_body))
            .collect()
    }

    /// Whether its calls may have a reason by what is said of the reason itself.
    fn has_undeclared(&self, reason: ErrorReason, with_body: bool) -> bool {
        reason.method() == Some(&self.name)
            || reason.occasions().any(|occasion| self.has(occasion, with_body))
    }

    fn has(&self, occasion: Occasion, with_body: bool) -> bool {
        match occasion {
            Occasion::Unspecified => false,
            Occasion::Any => true,
            Occasion::Body => with_body,
            Occasion::Credential => self.rule.as_ref().is_some_and(|rule| *rule != Rule::Public),
            Occasion::User => self.rule == Some(Rule::SignedIn) || self.step_up.aal == Aal::Aal2,
            Occasion::Scope => self.rule.as_ref().is_some_and(|rule| !rule.scopes().is_empty()),
            Occasion::Tenant => self.rule.as_ref().is_some_and(Rule::needs_tenant),
            Occasion::ApiKey => matches!(self.rule, Some(Rule::Scoped { api_key_required: true, .. })),
            Occasion::Field => self.fields > 0,
            Occasion::Change => self.changes,
            Occasion::StepUp => self.step_up.asks(),
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
        let FieldRule {
            required,
            min_length,
            max_length,
            min,
            max,
            header,
            cursor,
            max_bytes,
            max_items,
            ..
        } = rule;
        Self {
            limits: Limits {
                required,
                format,
                min_length,
                max_length,
                min,
                max,
                missing,
                max_bytes,
                max_items,
            },
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use prost_reflect::{Kind, MessageDescriptor};

    use super::*;

    fn methods() -> Vec<MethodDescriptor> {
        descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
    }

    fn method(name: &str) -> MethodContract {
        MethodContract::of(&methods().into_iter().find(|method| method.name() == name).unwrap())
    }

    #[test]
    fn what_a_method_names_exists_and_is_not_said_twice() {
        for of in methods() {
            let (contract, name) = (MethodContract::of(&of), of.full_name());
            let mut seen = HashSet::new();
            for reason in contract.declared() {
                assert!(seen.insert(*reason), "{name} declares {} twice", reason.name());
                let anyway = contract.has_undeclared(*reason, true);
                assert!(!anyway, "{name} declares {}, which its calls may have anyway", reason.name());
            }
            if let Some(created) = &contract.created {
                assert!(of.output().get_field_by_name(created).is_some(), "{name} creates `{created}`");
                assert!(contract.changes, "{name}");
            }
            assert!(!contract.idempotency_key || contract.changes, "{name}");
            let raw = |field: FieldDescriptor| matches!(field.kind(), Kind::Message(of) if of.full_name() == "google.api.HttpBody");
            assert_eq!(of.input().fields().any(raw), !contract.body_types.is_empty(), "{name}");
            let etag = of.input().get_field_by_name("etag");
            let header = etag.and_then(|etag| FieldContract::of(&etag).header);
            let mismatch = seen.contains(&ErrorReason::EtagMismatch);
            assert_eq!(mismatch, header.as_deref() == Some("if-match"), "{name}");
            let cursors = [of.input(), of.output()]
                .map(|message| message.fields().filter(|field| FieldContract::of(field).cursor).count());
            // A stream both ways is an exchange, no feed that somebody goes on with; and that of
            // marks is for services, which go on by its positions.
            let is_for_services = name.starts_with("frontdesk.identity.v1.RevocationService.");
            let feed = of.is_server_streaming() && !of.is_client_streaming() && !is_for_services;
            assert_eq!(cursors, [usize::from(feed); 2], "{name}");
        }
    }

    #[test]
    fn a_reason_that_one_method_has_names_it() {
        let mut declared: HashMap<ErrorReason, usize> = HashMap::new();
        for method in methods() {
            for reason in MethodContract::of(&method).declared() {
                *declared.entry(*reason).or_default() += 1;
            }
        }
        for reason in ErrorReason::all().filter(|reason| reason.occasions().next().is_none()) {
            let times = declared.get(&reason).copied().unwrap_or_default();
            match reason.method() {
                Some(name) => assert!(methods().iter().any(|one| one.name() == name), "{name}"),
                None => assert_ne!(times, 1, "{}: say so by `method` of the reason", reason.name()),
            }
        }
    }

    #[test]
    fn every_reason_can_occur() {
        // Calls that are no method's.
        let mut left: HashSet<ErrorReason> = ErrorReason::all().collect();
        for nowhere in [ErrorReason::RouteNotFound, ErrorReason::MethodNotAllowed] {
            assert!(left.remove(&nowhere));
        }
        for of in methods() {
            for reason in MethodContract::of(&of).reasons(true) {
                left.remove(&reason);
            }
        }
        assert!(left.is_empty(), "no method may have {left:?}");
    }

    #[test]
    fn a_call_may_have_the_reasons_of_its_kind() {
        let (jwks, me, approve, customers) = (
            method("GetJwks").reasons(false),
            method("GetMe").reasons(false),
            method("ApproveBookingRequest").reasons(true),
            method("ListCustomers").reasons(false),
        );
        assert!(jwks.contains(&ErrorReason::Internal) && !jwks.contains(&ErrorReason::TokenInvalid));
        assert!(!jwks.contains(&ErrorReason::InvalidField) && !jwks.contains(&ErrorReason::OutcomeUnknown));
        assert!(me.contains(&ErrorReason::SignInRequired) && !me.contains(&ErrorReason::ScopeMissing));
        assert!(
            approve.contains(&ErrorReason::BookingOverlap) && approve.contains(&ErrorReason::OutcomeUnknown)
        );
        assert!(
            approve.contains(&ErrorReason::PayloadTooLarge) && approve.contains(&ErrorReason::TenantRequired)
        );
        assert!(!approve.contains(&ErrorReason::ApiKeyRequired));
        assert!(customers.contains(&ErrorReason::ApiKeyRequired));
        assert!(!customers.contains(&ErrorReason::PayloadTooLarge));
        let platform = method("ListUsers").reasons(false);
        assert!(
            platform.contains(&ErrorReason::ScopeMissing) && !platform.contains(&ErrorReason::TenantRequired)
        );
    }

    #[test]
    fn the_names_of_methods_are_told_apart() {
        let names: HashSet<String> = methods().iter().map(|method| method.name().to_owned()).collect();
        assert_eq!(names.len(), methods().len(), "the OpenAPI document names operations by them");
    }

    #[test]
    fn limits_fit_the_kind_of_their_field() {
        for message in descriptors().all_messages().filter(|one| one.full_name().starts_with("frontdesk.")) {
            for field in message.fields() {
                let Limits { format, min_length, max_length, max_bytes, max_items, min, max, .. } =
                    FieldContract::of(&field).limits;
                let of_text =
                    format != Format::Unspecified || min_length > 0 || max_length > 0 || max_bytes > 0;
                let of_number = min.is_some() || max.is_some();
                assert!(!of_text || field.kind() == Kind::String, "{}", field.full_name());
                assert!(!of_number || field.kind() == Kind::Int32, "{}", field.full_name());
                assert!(max_length == 0 || min_length <= max_length, "{}", field.full_name());
                assert!(max_items == 0 || field.is_list(), "{}", field.full_name());
            }
        }
    }

    /// Tokens, and the epoch of a feed, whose length is looked at by whoever reads them, so
    /// that one that is too long gets the same answer as any other that is wrong.
    const OPAQUE: [&str; 5] = ["after", "epoch", "page_token", "refresh", "token"];

    /// Texts that are longer than others, and their most bytes: signed ones, what a browser says of
    /// a passkey, lists of words, and what somebody explains.
    const LONG: [(&str, usize); 5] = [
        ("client_assertion", 4096),
        ("credential", 32_768),
        ("reason", 2000),
        ("scope", 2000),
        ("subject_token", 4096),
    ];

    /// The fields of a message, and of our messages within it.
    fn fields(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
        let within = |field: FieldDescriptor| {
            let inner = match field.kind() {
                Kind::Message(of) if of.full_name().starts_with("frontdesk.") => fields(&of),
                _ => Vec::new(),
            };
            inner.into_iter().chain([field])
        };
        message.fields().flat_map(within).collect()
    }

    #[test]
    fn every_text_that_identity_is_sent_has_a_limit_in_bytes_and_every_list_one_in_entries() {
        let identity = descriptors().services().filter(|one| one.package_name() == "frontdesk.identity.v1");
        let mut seen = 0;
        for method in identity.flat_map(|service| service.methods().collect::<Vec<_>>()) {
            for field in fields(&method.input()) {
                let limits = FieldContract::of(&field).limits;
                let name = field.full_name();
                assert!(!matches!(field.kind(), Kind::Bytes), "{name}: bytes have no limit yet");
                assert!(!field.is_list() || limits.max_items > 0, "{name} has no limit of entries");
                if field.kind() == Kind::String && !OPAQUE.contains(&field.name()) {
                    let long = LONG.iter().find(|(long, _)| *long == field.name());
                    let longest = long.map_or(1024, |(_, most)| *most);
                    assert!(limits.most_bytes().is_some_and(|most| most <= longest), "{name} has no limit");
                    seen += 1;
                }
            }
        }
        assert!(seen > 30, "{seen} texts");
    }
}
