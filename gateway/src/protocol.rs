//! How a call comes in: the protocols that clients of the API speak. Each turns a
//! request into one call and its answer into a response.

mod conditions;
pub mod connect;
pub mod grpc;
pub mod grpc_web;
pub mod kind;
mod raw;
pub mod rest;
mod stream;
pub mod strict;
