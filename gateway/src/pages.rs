//! What the gateway answers by itself: the OpenAPI document, the page that
//! shows it, and whether the gateway and the services behind it are up.

pub mod docs;
pub mod health;
pub mod openapi;
