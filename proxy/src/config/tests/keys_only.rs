//! Configurations that are built from keys alone.

use std::collections::BTreeSet;

use sidestep_table::{BudgetPolicy, ModelShape, ProviderShape, RouteShape, Shape, TargetShape, Topology};

use crate::config::{
    Config, ConfigError, ModelConfig, ProviderConfig, RouteConfig, Source, TargetConfig, UpstreamName,
    Variables,
    preset::{PRESETS, Preset},
    reload::{Polled, Reload},
};

fn sellers() -> Vec<&'static Preset> {
    PRESETS.iter().filter(|preset| preset.tiers.is_some()).collect()
}

fn topology(config: &Config) -> Topology {
    let id = |model: usize| config.models[model].id.as_str().into();
    let provider = |one: &ProviderConfig| ProviderShape { id: one.id.as_str().into(), credentials: 1 };
    let model = |one: &ModelConfig| ModelShape {
        id: one.id.as_str().into(),
        provider: config.providers[one.provider].id.as_str().into(),
        policy: one.policy.clone(),
        max_concurrency: one.max_concurrency,
    };
    let target = |one: &TargetConfig| TargetShape { model: id(one.model), weight: one.weight };
    let route = |one: &RouteConfig| RouteShape {
        pattern: one.pattern.as_str().into(),
        targets: one.targets.iter().map(target).collect(),
        budget: BudgetPolicy::default(),
    };
    let shape = Shape {
        providers: config.providers.iter().map(provider).collect(),
        models: config.models.iter().map(model).collect(),
        routes: config.routes.iter().map(route).collect(),
    };
    Topology::build(shape, None).unwrap()
}

/// What a call for `name` would be answered by: pairs of provider and upstream name.
fn targets(config: &Config, name: &str) -> Vec<(String, String)> {
    let route = topology(config).route_for(name).unwrap();
    let models = config.routes[route.get()].targets.iter().map(|target| &config.models[target.model]);
    let named = |model: &ModelConfig| model.model.for_caller(name).to_owned();
    models.map(|model| (config.providers[model.provider].id.clone(), named(model))).collect()
}

#[test]
fn every_set_of_keys_makes_a_configuration_that_uses_all_of_them() {
    let sellers = sellers();
    for set in 0..1_u32 << sellers.len() {
        let present: Vec<&Preset> = sellers
            .iter()
            .enumerate()
            .filter(|(at, _)| set >> at & 1 == 1)
            .map(|(_, preset)| *preset)
            .collect();
        let variables: Variables = present.iter().map(|preset| (preset.variable, "hush")).collect();
        let config = match Config::load(&Source::Environment, &variables) {
            Ok(config) => config,
            Err(ConfigError::NoKeys { variables, .. }) if set == 0 => {
                assert_eq!(variables.len(), sellers.len());
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        let ids: Vec<&str> = config.providers.iter().map(|provider| provider.id.as_str()).collect();
        assert_eq!(ids, present.iter().map(|preset| preset.name).collect::<Vec<_>>());
        for route in &config.routes {
            let models: Vec<_> = route.targets.iter().map(|target| &config.models[target.model]).collect();
            let providers: BTreeSet<usize> = models.iter().map(|model| model.provider).collect();
            assert_eq!(providers.len(), present.len(), "{}", route.pattern);
            assert!(matches!(models[0].model, UpstreamName::AsAsked { .. }), "{}", route.pattern);
            assert_eq!(route.single_provider, present.len() == 1);
        }
        assert_eq!(config.warnings.is_empty(), present.len() > 1, "{:?}", config.warnings);
        assert!(!format!("{config:?}{}", config.to_yaml()).contains("hush"));
    }
}

#[test]
fn a_call_goes_to_its_own_vendor_under_its_own_name_and_then_to_equals() {
    let variables: Variables =
        ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "XAI_API_KEY"].iter().map(|name| (*name, "x")).collect();
    let config = Config::load(&Source::Environment, &variables).unwrap();
    let (big, small) = (
        ["claude-opus-5-5", "gpt-6.1-sol", "grok-4.7"],
        ["claude-haiku-5-5", "gpt-6-luna", "grok-4.20-non-reasoning"],
    );
    let vendors = ["anthropic", "openai", "xai"];
    for (name, vendor, size) in [
        ("claude-opus-4-1-20250805", 0, big),
        ("claude-sonnet-5-5", 0, big),
        ("claude-haiku-4-5", 0, small),
        ("gpt-6.1-sol", 1, big),
        ("gpt-6-luna", 1, small),
        ("gpt-5-mini", 1, small),
        ("gpt-5-nano", 1, small),
        ("o3", 1, big),
        ("grok-4.7", 2, big),
        ("grok-4.20-non-reasoning", 2, small),
    ] {
        let mut expected = vec![(vendors[vendor].to_owned(), name.to_owned())];
        for other in (0..3).filter(|other| *other != vendor) {
            expected.push((vendors[other].to_owned(), size[other].to_owned()));
        }
        assert_eq!(targets(&config, name), expected, "{name}");
    }
}

#[test]
fn a_folder_with_keys_is_as_good_as_an_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let variables = || Variables::default().with_folder(Some(folder.path().to_owned()));
    let load = || Config::load(&Source::Environment, &variables());
    file("not.a.variable", "x");
    file("OPENAI_API_KEY", "");
    let error = load().unwrap_err().to_string();
    assert!(error.contains(&format!("put one as a file into {}", folder.path().display())), "{error}");

    file("OPENAI_API_KEY", "hush\n");
    let one = load().unwrap();
    assert_eq!(one.providers[0].api_key.as_ref().unwrap().secret().unwrap().expose(), "hush");
    assert!(!format!("{one:?}{:?}{}", variables(), one.to_yaml()).contains("hush"));
    let mut reload = Reload::new(one, variables());
    assert!(matches!(reload.poll_once(), Polled::Unchanged));

    // A Secret that is given another key, and then an empty one.
    file("ANTHROPIC_API_KEY", "hush");
    let Polled::Changed { config, .. } = reload.poll_once() else { panic!() };
    let ids: Vec<&str> = config.providers.iter().map(|provider| provider.id.as_str()).collect();
    assert_eq!(ids, ["anthropic", "openai"]);
    assert_eq!(targets(&config, "claude-opus-5-5")[1].0, "openai");
    std::fs::remove_file(folder.path().join("ANTHROPIC_API_KEY")).unwrap();
    file("OPENAI_API_KEY", "");
    assert!(matches!(reload.poll_once(), Polled::Refused(ConfigError::NoKeys { .. })));
}

#[test]
fn a_configuration_that_names_variables_finds_them_in_the_folder_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("OPENAI_API_KEY"), "from the folder").unwrap();
    std::fs::write(folder.path().join("XAI_API_KEY"), "from the folder").unwrap();
    let set: Variables = [("OPENAI_API_KEY", "from the environment")].into_iter().collect();
    let variables = set.with_folder(Some(folder.path().to_owned()));
    let text = "providers: { openai: { api_key: { env: OPENAI_API_KEY } }, xai: { api_key: '${XAI_API_KEY}' } }\n\
                models: { gpt: { provider: openai, model: gpt-6.1-sol }, grok: { provider: xai, model: grok-4.7 } }\n\
                routes: [{ match: '*', targets: [gpt, grok] }]\n";
    let config = Config::parse(text, &Source::Builtin("test"), &variables).unwrap();
    let key =
        |at: usize| config.providers[at].api_key.as_ref().unwrap().secret().unwrap().expose().to_owned();
    assert_eq!([key(0), key(1)], ["from the environment", "from the folder"]);
}
