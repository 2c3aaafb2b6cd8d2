//! The demo: two tenants, their people, and one booking request for every case
//! that approving knows. Storing it again changes nothing.
//!
//! Its people and keys are made by identity. Its bookings are rows in
//! `demo/bookings.sql`, a fixture of `frontdesk dev` and of the system tests and
//! of nobody else: most of them are states which no call leads to, such as a
//! request whose status was left behind, so booking has no way to make them.

use identity::operator::{ApiKeyId, NewApiKey, NewUser, Operator, TenantId, UserId, UserKind};
use identity::{MasterKey, PasswordCost, Policy};
use jiff::Timestamp;
use uuid::{Uuid, uuid};
use zeroize::Zeroizing;

use crate::Failure;

/// Password of every demo user. The demo is for loopback only.
pub const PASSWORD: &str = "demo-password";
/// The tenant that the demo is about.
pub const TENANT: Uuid = uuid!("0d000000-0000-7000-8000-00000000000a");
/// A tenant whose data nobody of the first may see.
pub const OTHER_TENANT: Uuid = uuid!("0d000000-0000-7000-8000-00000000000b");
/// Owner of [`TENANT`].
pub const OWNER: &str = "owner@alpine.example";
/// Manager in [`TENANT`].
pub const MANAGER: &str = "manager@alpine.example";
/// Viewer in [`TENANT`].
pub const VIEWER: &str = "viewer@alpine.example";
/// Owner of [`OTHER_TENANT`].
pub const OTHER_OWNER: &str = "owner@harbour.example";
/// Platform operator.
pub const OPERATOR: &str = "operator@frontdesk.example";

/// The booking requests by case.
pub const CASES: [(&str, Uuid); 11] = [
    ("REQUESTED", uuid!("0d000000-0000-7000-8000-000000000501")),
    ("UNDER_REVIEW", uuid!("0d000000-0000-7000-8000-000000000502")),
    ("DECLINED", uuid!("0d000000-0000-7000-8000-000000000503")),
    ("CANCELLED", uuid!("0d000000-0000-7000-8000-000000000504")),
    ("CONFIRMED", uuid!("0d000000-0000-7000-8000-000000000505")),
    ("CONFIRMED_AT_SET", uuid!("0d000000-0000-7000-8000-000000000506")),
    ("APPROVED_BOOKING", uuid!("0d000000-0000-7000-8000-000000000507")),
    ("INVENTORY_ACTIVE", uuid!("0d000000-0000-7000-8000-000000000508")),
    ("RELATED_BOOKING", uuid!("0d000000-0000-7000-8000-000000000509")),
    ("OVERLAP_SAME_GUEST", uuid!("0d000000-0000-7000-8000-00000000050a")),
    ("OVERLAP_OTHER_GUEST", uuid!("0d000000-0000-7000-8000-00000000050b")),
];

const BOOKINGS: &str = include_str!("demo/bookings.sql");

struct Person {
    id: Uuid,
    email: &'static str,
    name: &'static str,
    member_of: Option<(Uuid, &'static str)>,
    operator: bool,
}

const PEOPLE: [Person; 5] = [
    Person {
        id: uuid!("0d000000-0000-7000-8000-000000000101"),
        email: OWNER,
        name: "Olga Owner",
        member_of: Some((TENANT, "owner")),
        operator: false,
    },
    Person {
        id: uuid!("0d000000-0000-7000-8000-000000000102"),
        email: MANAGER,
        name: "Max Manager",
        member_of: Some((TENANT, "manager")),
        operator: false,
    },
    Person {
        id: uuid!("0d000000-0000-7000-8000-000000000103"),
        email: VIEWER,
        name: "Vera Viewer",
        member_of: Some((TENANT, "viewer")),
        operator: false,
    },
    Person {
        id: uuid!("0d000000-0000-7000-8000-000000000104"),
        email: OTHER_OWNER,
        name: "Hanna Harbour",
        member_of: Some((OTHER_TENANT, "owner")),
        operator: false,
    },
    Person {
        id: uuid!("0d000000-0000-7000-8000-000000000105"),
        email: OPERATOR,
        name: "Otto Operator",
        member_of: None,
        operator: true,
    },
];

/// Stores what is missing of the demo in a migrated database. The URL must name
/// the schema's owner.
pub async fn seed(url: &str) -> Result<(), Failure> {
    Box::pin(seed_hashing_at(url, Policy::default().password_cost)).await
}

/// The same, with passwords at another cost.
pub async fn seed_hashing_at(url: &str, cost: PasswordCost) -> Result<(), Failure> {
    let admin = admin(url)?.hashing_at(cost).map_err(failed)?;
    for (id, slug, name) in [(TENANT, "alpine", "Alpine Stays"), (OTHER_TENANT, "harbour", "Harbour Homes")] {
        admin.ensure_tenant(TenantId(id), slug, name).await.map_err(|error| {
            Failure::new(format!(
                "{error} If a tenant of the demo was deleted, start over with --reset: it comes back with the rest."
            ))
        })?;
    }
    for Person { id, email, name, member_of, operator } in PEOPLE {
        let scopes: &[&str] = if operator { &identity::PLATFORM_SCOPES } else { &[] };
        let wanted = NewUser {
            id: UserId(id),
            email: email.to_owned(),
            display_name: name.to_owned(),
            kind: UserKind::Person,
            password: Some(Zeroizing::new(PASSWORD.to_owned())),
            platform_scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        };
        let made = admin.ensure_user(wanted).await.map_err(failed)?;
        if let Some((tenant, role)) = member_of.filter(|_| made.created) {
            admin.ensure_member(TenantId(tenant), email, role).await.map_err(failed)?;
        }
    }
    let owner = pg::connect(url).await.map_err(failed)?;
    owner.batch_execute(BOOKINGS).await.map_err(|error| failed(pg::Fault::from(error)))
}

/// Refuses a master key that the database was not made with; writes nothing.
pub(super) async fn compare_master_key(url: &str, master_key: &MasterKey) -> Result<(), Failure> {
    admin(url)?.compare_master_key(master_key, Timestamp::now()).await.map_err(Failure::new)
}

/// A new API key of a tenant, without scopes of its own.
pub async fn create_api_key(url: &str, tenant: Uuid) -> Result<String, Failure> {
    let new = NewApiKey {
        name: "demo".to_owned(),
        scopes: Vec::new(),
        expires_at: None,
        allowed_addresses: Vec::new(),
    };
    let (tenant, id) = (TenantId(tenant), ApiKeyId(Uuid::now_v7()));
    let created = admin(url)?.create_api_key(tenant, id, new, Timestamp::now()).await;
    Ok(created.map_err(failed)?.secret)
}

/// Whether a text is a live key of some tenant in this database.
pub async fn knows_api_key(url: &str, text: &str) -> Result<bool, Failure> {
    admin(url)?.knows_api_key(text, Timestamp::now()).await.map_err(failed)
}

fn admin(url: &str) -> Result<Operator, Failure> {
    let database = pg::Config { url: url.to_owned(), pool_size: 1 };
    Operator::new(&database.open(identity::ROLE, "frontdesk-demo").map_err(failed)?).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("the demo could not be stored: {error}"))
}
