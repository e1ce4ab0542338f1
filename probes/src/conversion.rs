//! From what a wire said to what the table weighs. Traffic and probes share the first table; a probe's own
//! request is known to be valid, so an answer that blames the request counts against the model.

use sidestep_dialect::error::{ErrorClass, Failure};
use sidestep_table::{Class, Fault};

/// What a failed transport says of the model behind it.
///
/// Implemented by the error of the service that carries probes, and of its response body.
pub trait Blame {
    /// [`Class::Hard`] with connect, TLS or broken for the upstream's doing, [`Class::Local`] for our own.
    fn class(&self) -> Class;
}

/// The class of a vendor's error for *traffic*: whatever blames the request stays the application's affair.
#[must_use]
pub fn class_of(failure: &Failure) -> Class {
    match failure.class {
        ErrorClass::Hard => Class::Hard(fault_of(failure)),
        ErrorClass::Overload => Class::Overload,
        ErrorClass::Rate => Class::Rate,
        ErrorClass::Quota => Class::Quota,
        ErrorClass::Auth => Class::Auth,
        ErrorClass::ModelMissing => Class::ModelMissing,
        ErrorClass::ContextLength
        | ErrorClass::ContentFilter
        | ErrorClass::TooLarge
        | ErrorClass::Client
        | ErrorClass::HistorySignature => Class::Client,
    }
}

/// The class of a vendor's error for a *probe*. The request was valid yesterday and is valid at every other
/// model of its kind, so "your request is wrong" and "no such model" are failures of the model; limits,
/// quotas and credentials remain what they are.
#[must_use]
pub fn probe_class_of(failure: &Failure) -> Class {
    match class_of(failure) {
        Class::Client | Class::ModelMissing => Class::Hard(fault_of(failure)),
        class => class,
    }
}

/// A failure with a status came instead of an answer; one without came inside it.
fn fault_of(failure: &Failure) -> Fault {
    if failure.status.is_some() { Fault::Status } else { Fault::InBand }
}

#[cfg(test)]
mod tests;
