//! Support of the end-to-end suites.
