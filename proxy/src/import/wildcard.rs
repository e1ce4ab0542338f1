//! Names with `*` in them.

use super::names;

/// What a model is asked for by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Always this name.
    Exact(String),
    /// The name that the application asked for, without this in front.
    AsAsked(String),
}

// === impl Asked ===

impl Asked {
    /// What a deployment of the group `group` is asked for by, whose model is called `name` by its provider.
    ///
    /// LiteLLM puts what the star of the group stands for into that of the name. That can be said here if the name is
    /// what was asked for, less something in front.
    pub(super) fn of(group: &str, name: &str) -> Result<Self, &'static str> {
        let stars = |text: &str| text.matches('*').count();
        match (stars(group), stars(name)) {
            (_, 0) if names::is_upstream(name) => Ok(Self::Exact(name.to_owned())),
            (_, 0) => Err("its name holds blanks."),
            (1, 1) => {
                let halves = group.split_once('*').zip(name.split_once('*'));
                let prefix = halves.and_then(|((before, after), (start, end))| {
                    before.strip_suffix(start).filter(|_| after == end)
                });
                let prefix =
                    prefix.ok_or("only a part in front of the name can be taken off, not put there.")?;
                Ok(Self::AsAsked(prefix.to_owned()))
            }
            _ => Err("Sidestep puts what a star stands for into no other name."),
        }
    }

    /// The name that is sent for `requested`.
    pub(super) fn sent(&self, requested: &str) -> String {
        match self {
            Self::Exact(name) => name.clone(),
            Self::AsAsked(prefix) => requested.strip_prefix(prefix.as_str()).unwrap_or(requested).to_owned(),
        }
    }
}

/// Whether `name` is one that the group's name `pattern`, with at most one star, stands for.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => {
            name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
        }
    }
}
