//! How a call goes up: whether there is room for it, which service has the method, what
//! crosses with it and how long it may take. In which protocol the call came in is not known here.

pub mod body;
pub mod cut;
pub mod deadline;
pub mod ending;
pub mod headers;
pub mod identity;
pub mod limits;
pub mod own;
pub mod retries;
pub mod shape;
pub mod tarpit;
pub mod throttle;
pub mod unary;
pub mod upload;
pub mod upstreams;
