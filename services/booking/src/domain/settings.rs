//! How a tenant wants booking requests to be treated.

use jiff::Timestamp;

/// The settings of a tenant; the default is what a tenant has that never set any.
#[derive(Debug, Default, Hash)]
pub struct Settings {
    pub auto_decline: bool,
    pub updated_at: Option<Timestamp>,
}
