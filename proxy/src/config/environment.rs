//! A configuration out of nothing but the provider keys in the environment.
//!
//! It is written as YAML and read like a file, so that what is printed is what is used.

use std::{fmt::Write as _, path::Path};

use super::{
    ConfigError, Variables,
    preset::{PRESETS, Preset, Tiers},
};

/// A provider whose key is there.
#[derive(Clone, Copy)]
struct Present {
    name: &'static str,
    variable: &'static str,
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
    let known: Vec<&Preset> = PRESETS.iter().filter(|preset| preset.tiers.is_some()).collect();
    let present: Vec<Present> = known.iter().filter_map(|preset| Present::find(preset, variables)).collect();
    if present.is_empty() {
        let names = known.iter().map(|preset| preset.variable).collect();
        let folder = variables.folder().map(Path::to_owned);
        return Err(ConfigError::NoKeys { variables: names, folder });
    }
    let mut yaml = String::new();
    // Writing into a String cannot fail.
    let _ = write(&mut yaml, &present);
    Ok(yaml)
}

fn write(yaml: &mut String, present: &[Present]) -> std::fmt::Result {
    let names: Vec<&str> = present.iter().map(|provider| provider.variable).collect();
    writeln!(yaml, "# Built from {}.", names.join(", "))?;
    if let [only] = present {
        writeln!(yaml, "# There is nothing to fail over to: {} is the only provider with a key.", only.name)?;
    }
    writeln!(yaml, "providers:")?;
    for Present { name, variable, .. } in present {
        writeln!(yaml, "  {name}: {{ api_key: {{ env: {variable} }} }}")?;
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
    fn find(preset: &Preset, variables: &Variables) -> Option<Self> {
        variables.get(preset.variable)?;
        Some(Self { name: preset.name, variable: preset.variable, tiers: preset.tiers? })
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
