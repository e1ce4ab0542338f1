//! What a pod's annotations ask for in place of the settings.

use std::collections::BTreeSet;

use crate::names;
use crate::pod::Pod;
use crate::quantity::Quantity;

/// What a pod asks for; `None` is as the settings say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overrides {
    pub(crate) config: Option<String>,
    pub(crate) keys_secret: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) log_level: Option<String>,
    pub(crate) cpu: Amounts,
    pub(crate) memory: Amounts,
    /// The sidecar's own environment, in order.
    pub(crate) env: Vec<(String, String)>,
    /// Annotations that look as if they meant something.
    pub(crate) unknown: Vec<String>,
}

/// Of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    pub(crate) request: Option<Quantity>,
    pub(crate) limit: Option<Quantity>,
}

/// An annotation that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("annotation {annotation}: {why}")]
pub(crate) struct BadAnnotation {
    pub(crate) annotation: &'static str,
    pub(crate) why: String,
}

/// Longest value that is looked at, in bytes, for all but the environment.
const LONGEST: usize = 512;

// === impl Overrides ===

impl Overrides {
    pub(crate) fn of(pod: &Pod<'_>) -> Result<Self, BadAnnotation> {
        let mut overrides = Self::default();
        for (key, value) in pod.annotations().into_iter().flatten() {
            if key.starts_with(names::PREFIX) {
                // Texts only: the pod was read so.
                overrides.take(key, value.as_str().unwrap_or_default())?;
            }
        }
        Ok(overrides)
    }

    fn take(&mut self, key: &str, value: &str) -> Result<(), BadAnnotation> {
        let annotation = match names::ANNOTATIONS.iter().find(|known| **known == key) {
            Some(known) => *known,
            None if key == names::STATUS_ANNOTATION => return Ok(()),
            None => {
                self.unknown.push(key.to_owned());
                return Ok(());
            }
        };
        let bad = |why: String| BadAnnotation { annotation, why };
        let value = value.trim();
        if annotation != names::ENV_ANNOTATION && value.len() > LONGEST {
            return Err(bad(format!("longer than {LONGEST} bytes")));
        }
        let amount = || value.parse::<Quantity>().map(Some).map_err(|error| bad(error.to_string()));
        match annotation {
            names::CONFIG_ANNOTATION => self.config = Some(object_name(value).map_err(bad)?),
            names::KEYS_ANNOTATION => self.keys_secret = Some(object_name(value).map_err(bad)?),
            names::IMAGE_ANNOTATION => self.image = Some(image(value).map_err(bad)?),
            names::LOG_LEVEL_ANNOTATION => self.log_level = Some(log_level(value).map_err(bad)?),
            names::CPU_REQUEST_ANNOTATION => self.cpu.request = amount()?,
            names::CPU_LIMIT_ANNOTATION => self.cpu.limit = amount()?,
            names::MEMORY_REQUEST_ANNOTATION => self.memory.request = amount()?,
            names::MEMORY_LIMIT_ANNOTATION => self.memory.limit = amount()?,
            _ => self.env = environment(value).map_err(bad)?,
        }
        Ok(())
    }
}

/// A DNS subdomain (RFC 1123), as Kubernetes names objects.
pub(crate) fn object_name(name: &str) -> Result<String, String> {
    let end = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let part = |part: &str| {
        let bytes = part.as_bytes();
        bytes.iter().all(|byte| end(*byte) || *byte == b'-')
            && bytes.first().copied().is_some_and(end)
            && bytes.last().copied().is_some_and(end)
    };
    if name.len() <= 253 && name.split('.').all(part) {
        Ok(name.to_owned())
    } else {
        Err(format!("{:?} cannot be an object's name", short(name)))
    }
}

/// Only what the API server would refuse, and with it the pod, or what is surely a slip.
pub(crate) fn image(image: &str) -> Result<String, String> {
    let odd = |letter: char| !letter.is_ascii_graphic();
    if image.is_empty() || image.contains(odd) {
        return Err(format!("{:?} cannot be an image", short(image)));
    }
    Ok(image.to_owned())
}

/// Levels, for all or for a module each: a sidecar with any other does not start.
pub(crate) fn log_level(filter: &str) -> Result<String, String> {
    let is_level = |level: &str| {
        ["off", "error", "warn", "info", "debug", "trace"].iter().any(|one| one.eq_ignore_ascii_case(level))
    };
    let is_module = |module: &str| {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        module.split("::").all(|part| !part.is_empty() && part.chars().all(plain))
    };
    let is_directive = |directive: &str| match directive.split_once('=') {
        Some((module, level)) => is_module(module) && is_level(level),
        None => is_level(directive),
    };
    if filter.split(',').all(is_directive) {
        Ok(filter.to_owned())
    } else {
        Err(format!("{:?} is no log level such as `debug` or `info,sidestep::judge=debug`", short(filter)))
    }
}

/// `NAME=value`, one a line.
fn environment(lines: &str) -> Result<Vec<(String, String)>, String> {
    let mut seen = BTreeSet::new();
    let mut variables = Vec::new();
    for (number, line) in (1..).zip(lines.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        // Values may be secrets, though they should not be here: only the line is named.
        let (name, value) = line.split_once('=').ok_or(format!("line {number} is not NAME=value"))?;
        let name = name.trim();
        let letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if name.is_empty()
            || !name.chars().all(letter)
            || name.starts_with(|first: char| first.is_ascii_digit())
        {
            return Err(format!("line {number}: {:?} is no variable's name", short(name)));
        }
        if !seen.insert(name.to_owned()) {
            return Err(format!("line {number}: {name} is there twice"));
        }
        variables.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(variables)
}

/// Enough of a text to recognise it by.
pub(crate) fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(60).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
