//! The webhook as a service, over real sockets and real TLS, against a stand-in for the API server.
#![cfg(test)]

mod api_server;
mod caller;
mod certificates;
mod leadership;
mod replica;
mod requests;
mod store;
