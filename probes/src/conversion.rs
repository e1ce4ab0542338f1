//! From what a wire said to what the table weighs. Traffic and probes share the first table; a probe's own
//! request is known to be valid, so an answer that blames the request counts against the model.

use sidestep_dialect::{ErrorClass, Failure, StreamFault};
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
        | ErrorClass::HistorySignature
        | ErrorClass::Prefill => Class::Client,
    }
}

/// The class of a vendor's error for a *probe*. The request was valid yesterday and is valid at every other
/// model of its kind, so "your request is wrong" is a failure of the model, and so is a 404 that does not say
/// what it misses: a gateway's, not the vendor's. Limits, quotas, credentials and a name that the vendor says
/// it does not know remain what they are.
#[must_use]
pub fn probe_class_of(failure: &Failure) -> Class {
    match class_of(failure) {
        Class::Client => Class::Hard(fault_of(failure)),
        Class::ModelMissing if failure.code.is_none() => Class::Hard(fault_of(failure)),
        class => class,
    }
}

/// The class of a stream that is no answer, for traffic.
#[must_use]
pub fn class_of_stream(fault: &StreamFault) -> Class {
    match fault {
        StreamFault::InBand(failure) => class_of(failure),
        StreamFault::Truncated => Class::Hard(Fault::Truncated),
        // A success by status that says failure, or says it in a finish reason.
        StreamFault::Finish | StreamFault::NotAStream => Class::Hard(Fault::InBand),
        StreamFault::Sse(_)
        | StreamFault::Broken(_)
        | StreamFault::Spliced
        | StreamFault::ToolArguments
        | StreamFault::MissingTool
        | StreamFault::Empty => Class::Hard(Fault::Broken),
    }
}

/// As [`class_of_stream`], for a probe.
#[must_use]
pub fn probe_class_of_stream(fault: &StreamFault) -> Class {
    if let StreamFault::InBand(failure) = fault { probe_class_of(failure) } else { class_of_stream(fault) }
}

/// A failure with a status came instead of an answer; one without came inside it.
fn fault_of(failure: &Failure) -> Fault {
    if failure.status.is_some() { Fault::Status } else { Fault::InBand }
}

#[cfg(test)]
mod tests;
