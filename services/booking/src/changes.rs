//! What calls change: one transaction each, but for plain approvals, which go together. A
//! change locks, asks the domain what comes of it, and runs one last statement. How it is
//! tried again is known in `store/attempts.rs`, and where its answer is kept in
//! `store/change.rs`.

mod approve;
mod approve_together;
mod block;
mod cancel;
mod create;
mod create_booking;
mod customer;
mod decline;
mod expire;
mod open_step;
mod property;
mod resolve;
mod review;
mod rules;
mod settings;
mod stay_step;
mod together;

pub use self::approve::Approve;
pub use self::approve_together::Approvals;
pub use self::block::{AddBlock, EndBlock};
pub use self::cancel::{CancelBooking, CancelRequest, Cancelled};
pub use self::create::Create;
pub use self::create_booking::CreateBooking;
pub use self::customer::{
    ArchiveCustomer, CreateCustomer, ImportCustomer, Imported, ImportedAs, MergeCustomers, Merged,
    UpdateCustomer,
};
pub use self::decline::Decline;
pub use self::expire::Expire;
pub use self::property::{CreateProperty, UpdateProperty};
pub use self::resolve::{Resolve, Resolved};
pub use self::review::StartReview;
pub use self::settings::UpdateSettings;
pub use self::stay_step::StepStay;
