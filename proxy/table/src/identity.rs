//! Names of providers and models, and their positions inside one topology.

use std::{borrow::Borrow, fmt, ops::Deref, sync::Arc};

use serde::{Serialize, Serializer};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(Arc::from(name))
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(Arc::from(name))
            }
        }

        impl From<Arc<str>> for $name {
            fn from(name: Arc<str>) -> Self {
                Self(name)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

macro_rules! position {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(usize);

        impl $name {
            /// The position `index`; only the topology that counted it can say whether it exists.
            #[must_use]
            pub const fn new(index: usize) -> Self {
                Self(index)
            }

            /// The position as a plain number.
            #[must_use]
            pub const fn get(self) -> usize {
                self.0
            }
        }
    };
}

name! {
    /// A model's configured name, e.g. `opus`: unique in one configuration, stable over reloads.
    ModelId
}
name! {
    /// A provider's configured name, e.g. `anthropic`.
    ProviderId
}
position! {
    /// Where a model stands in one [`Topology`](crate::Topology); meaningless in another.
    ModelIndex
}
position! {
    /// Where a provider stands in one [`Topology`](crate::Topology); meaningless in another.
    ProviderIndex
}
position! {
    /// Where a route stands in one [`Topology`](crate::Topology); meaningless in another.
    RouteIndex
}
