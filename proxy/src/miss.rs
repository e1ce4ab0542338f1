//! Why one attempt gave no answer.

use bytes::Bytes;
use http::StatusCode;
use sidestep_dialect::{Dialect, ErrorClass, Failure};
use sidestep_table::{Class, Fault, ModelId};

/// Why one attempt gave no answer.
#[derive(Debug)]
pub enum Miss {
    /// The target's verdict changed after the plan was made.
    Closed,
    /// The target has no room.
    Full,
    /// The request cannot be said in the target's dialect after all.
    Untranslatable(&'static str),
    /// The target was asked and failed.
    Failed(Box<Failed>),
}

/// An exchange that failed before anything meaningful came.
#[derive(Debug)]
pub struct Failed {
    /// What the table is told.
    pub class: Class,
    /// The vendor's own classification, when the vendor answered.
    pub failure: Option<Failure>,
    /// The vendor's error answer, for failures that are the application's own.
    pub answer: Option<Box<VendorAnswer>>,
}

/// An error answer as the vendor gave it. It may quote the request, so it goes to the application or nowhere.
pub struct VendorAnswer {
    /// Whose it is.
    pub model: ModelId,
    /// What it means.
    pub class: ErrorClass,
    /// In which dialect it is.
    pub dialect: Dialect,
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
}

impl Failed {
    /// A failure that the vendor did not put into words.
    #[must_use]
    pub fn fault(fault: Fault) -> Failed {
        Failed::of(Class::Hard(fault))
    }

    /// A failure of `class` of which there is no more to say.
    #[must_use]
    pub fn of(class: Class) -> Failed {
        Failed { class, failure: None, answer: None }
    }

    /// The vendor's own classification.
    #[must_use]
    pub fn vendor_class(&self) -> Option<ErrorClass> {
        self.failure.as_ref().map(|failure| failure.class)
    }

    /// The value of the `sidestep-fallback-reason` header and of the metrics' `reason` label.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self.vendor_class() {
            Some(ErrorClass::ContextLength | ErrorClass::TooLarge) => "context_length",
            Some(ErrorClass::HistorySignature) => "capability",
            // It was given up before it had the time that it should have had.
            _ if matches!(self.class, Class::Slow | Class::Cancel) => "late",
            _ => self.class.as_str(),
        }
    }

    /// True when the cause is in the request itself.
    #[must_use]
    pub fn is_the_callers(&self) -> bool {
        self.class == Class::Client
    }

    /// True when the cause is in the request itself and another target would say the same.
    #[must_use]
    pub fn is_final(&self) -> bool {
        let elsewhere =
            [ErrorClass::ContextLength, ErrorClass::TooLarge, ErrorClass::HistorySignature].map(Some);
        self.is_the_callers() && !elsewhere.contains(&self.vendor_class())
    }
}

impl From<Failed> for Miss {
    fn from(failed: Failed) -> Miss {
        Miss::Failed(Box::new(failed))
    }
}

impl std::fmt::Debug for VendorAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The body may quote a prompt.
        f.debug_struct("VendorAnswer").field("status", &self.status).finish_non_exhaustive()
    }
}
