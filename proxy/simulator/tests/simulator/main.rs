//! The simulator, tried over sockets and in memory.

#[cfg(test)]
mod client;
#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod grammar;
#[cfg(test)]
mod streams;
