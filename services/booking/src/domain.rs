//! What booking decides by: facts in, verdict out. No clock, no new ids, no SQL,
//! no wire.

pub mod actor;
pub mod approval;
pub mod booking;
pub mod check;
pub mod customer;
pub mod decline;
pub mod event;
pub mod form;
pub mod fulfilment;
pub mod ids;
pub mod inconsistency;
pub mod judgement;
pub mod layout;
pub mod listing;
pub mod property;
pub mod request;
pub mod rules;
pub mod settings;
pub mod stay;
pub mod steps;
pub mod version;
