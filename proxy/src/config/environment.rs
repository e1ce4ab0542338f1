//! A configuration out of nothing but provider keys, in the environment or in a folder.
//!
//! It is written as YAML and read like a file, so that what is printed is what is used.

use std::{fmt::Write as _, fs, path::Path};

use super::{
    ConfigError, Source, Variables,
    preset::{PRESETS, Preset, Tiers},
};

/// A provider whose key is there.
struct Present {
    name: &'static str,
    variable: &'static str,
    /// What the configuration says of where it is.
    key: String,
    tiers: Tiers,
}

/// The size of model that a pattern asks for.
#[derive(Clone, Copy, PartialEq)]
enum Tier {
    Big,
    Small,
}

/// Which names belong to which provider, and which size they are of. An exact name goes before a pattern and a
/// longer pattern before a shorter one, whatever the order here.
const FAMILIES: [(&str, &[(&str, Tier)]); 5] = [
    ("anthropic", &[("claude-haiku-*", Tier::Small), ("claude-*", Tier::Big)]),
    (
        "openai",
        &[
            ("gpt-*-luna", Tier::Small),
            ("gpt-*-mini", Tier::Small),
            ("gpt-*-nano", Tier::Small),
            ("gpt-*", Tier::Big),
            ("o*", Tier::Big),
        ],
    ),
    ("xai", &[("grok-*-mini", Tier::Small), ("grok-*-non-reasoning", Tier::Small), ("grok-*", Tier::Big)]),
    ("mistral", &[("mistral-small-*", Tier::Small), ("mistral-*", Tier::Big)]),
    ("deepseek", &[("deepseek-*", Tier::Big)]),
];

/// The YAML for the keys in `variables`.
///
/// # Errors
/// [`ConfigError::NoKeys`] if there is none.
pub fn compose(variables: &Variables) -> Result<String, ConfigError> {
    let key = |variable: &str| variables.get(variable).map(|_| format!("{{ env: {variable} }}"));
    composed(key).ok_or_else(|| ConfigError::NoKeys { variables: names() })
}

/// The YAML for the keys in `folder`: files that are called like the variables, as in a mounted Secret.
///
/// # Errors
/// [`ConfigError::NoKeyFiles`] if there is none, or none that holds anything.
pub fn compose_from(folder: &Path) -> Result<String, ConfigError> {
    let key = |variable: &str| {
        let path = folder.join(variable);
        let filled = fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() > 0);
        // As JSON, and so as YAML, whatever is in the path.
        filled.then(|| format!("{{ file: {} }}", serde_json::Value::from(path.to_string_lossy())))
    };
    composed(key).ok_or_else(|| ConfigError::NoKeyFiles { folder: folder.to_owned(), files: names() })
}

/// The YAML that `source` stands for, if it is none that somebody wrote.
///
/// # Errors
/// Those of [`compose`] and [`compose_from`].
pub fn composed_for(source: &Source, variables: &Variables) -> Result<Option<String>, ConfigError> {
    match source {
        Source::Environment => compose(variables).map(Some),
        Source::Keys(folder) => compose_from(folder).map(Some),
        Source::File(_) | Source::Builtin(_) => Ok(None),
    }
}

fn known() -> impl Iterator<Item = &'static Preset> {
    PRESETS.iter().filter(|preset| preset.tiers.is_some())
}

fn names() -> Vec<&'static str> {
    known().map(|preset| preset.variable).collect()
}

/// `None` if `key` finds none.
fn composed(key: impl Fn(&str) -> Option<String>) -> Option<String> {
    let present: Vec<Present> = known().filter_map(|preset| Present::find(preset, &key)).collect();
    let mut yaml = String::new();
    // Writing into a String cannot fail.
    let _ = write(&mut yaml, &present);
    (!present.is_empty()).then_some(yaml)
}

fn write(yaml: &mut String, present: &[Present]) -> std::fmt::Result {
    let names: Vec<&str> = present.iter().map(|provider| provider.variable).collect();
    writeln!(yaml, "# Built from {}.", names.join(", "))?;
    if let [only] = present {
        writeln!(yaml, "# There is nothing to fail over to: {} is the only provider with a key.", only.name)?;
    }
    writeln!(yaml, "providers:")?;
    for Present { name, key, .. } in present {
        writeln!(yaml, "  {name}: {{ api_key: {key} }}")?;
    }
    writeln!(yaml, "\nmodels:")?;
    for provider in present {
        provider.write_models(yaml, present)?;
    }
    writeln!(yaml, "\nroutes:")?;
    for provider in present {
        provider.write_routes(yaml, present)?;
    }
    Ok(())
}

// === impl Present ===

impl Present {
    fn find(preset: &Preset, key: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let Preset { name, variable, tiers, .. } = preset;
        Some(Self { name, variable, key: key(variable)?, tiers: (*tiers)? })
    }

    /// The patterns that are answered by this provider first.
    fn patterns(&self) -> Vec<(String, Tier)> {
        let family = FAMILIES.iter().find(|(name, _)| *name == self.name);
        match family {
            Some((_, patterns)) => {
                patterns.iter().map(|(pattern, tier)| ((*pattern).to_owned(), *tier)).collect()
            }
            // One that sells the models of others is asked for its own two by name.
            None => {
                let Tiers { big, small } = self.tiers;
                let both = [(big.to_owned(), Tier::Big), (small.to_owned(), Tier::Small)];
                both.into_iter().take(if big == small { 1 } else { 2 }).collect()
            }
        }
    }

    /// The model that stands in for others of `tier`, by its name in the configuration.
    fn stand_in(&self, tier: Tier) -> String {
        let Tiers { big, small } = self.tiers;
        let size = if tier == Tier::Small && big != small { "small" } else { "big" };
        format!("{}-{size}", self.name)
    }

    fn write_models(&self, yaml: &mut String, present: &[Self]) -> std::fmt::Result {
        let Self { name, tiers: Tiers { big, small }, .. } = self;
        writeln!(yaml, "  {name}: {{ provider: {name}, model: \"*\", probe: \"{small}\" }}")?;
        let others = present.iter().filter(|other| other.name != self.name);
        let wanted: Vec<String> =
            others.flat_map(Self::patterns).map(|(_, tier)| self.stand_in(tier)).collect();
        for (tier, model) in [(Tier::Big, big), (Tier::Small, small)] {
            let id = self.stand_in(tier);
            // One that is big and small in one is written once.
            if wanted.contains(&id) && (tier == Tier::Big || big != small) {
                writeln!(yaml, "  {id}: {{ provider: {name}, model: \"{model}\" }}")?;
            }
        }
        Ok(())
    }

    fn write_routes(&self, yaml: &mut String, present: &[Self]) -> std::fmt::Result {
        for (pattern, tier) in self.patterns() {
            let others = present.iter().filter(|other| other.name != self.name);
            let spares: String = others.map(|other| format!(", {}", other.stand_in(tier))).collect();
            writeln!(yaml, "  - match: \"{pattern}\"\n    targets: [{}{spares}]", self.name)?;
            if spares.is_empty() {
                writeln!(yaml, "    single_provider: true")?;
            }
        }
        Ok(())
    }
}
