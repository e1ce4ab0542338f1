//! The webhook's certificate: what is served, where it is kept, and who renews it.
//!
//! Each certificate comes with an authority of its own, whose key is thrown away once it has signed: there is
//! one way of renewal only, and no key anywhere with which more could be signed. What makes that go without
//! one failed call is the order: an authority is published, and known to be, before anything that it vouches
//! for is served, and it stays published until nothing that it vouches for can be valid any more.

mod file;
mod identity;
mod issue;
mod keeper;
mod serving;
mod vault;

pub use self::file::follow_files;
pub(crate) use self::identity::provider;
pub use self::identity::{Authority, Identity, IdentityError};
pub use self::keeper::{Keeper, KeeperError, Names, Terms};
pub use self::serving::Serving;
