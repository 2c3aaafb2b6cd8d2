//! `frontdesk dev`: a whole system on this machine, from nothing, and
//! `frontdesk env`, which tells a shell about it.

mod address;
mod banner;
pub mod demo;
mod environment;
mod folder;
mod postgres;
mod run;

pub use self::banner::{EnvArgs, print_env};
pub use self::environment::Environment;
pub use self::run::{DevArgs, run};
