//! What a configuration lacks without being wrong.

use crate::config::{Config, RouteConfig};

/// A sentence for each provider and model that nothing uses, and for each route with nothing to fail over to.
pub(super) fn gaps(config: &Config) -> Vec<String> {
    let unused_provider = |(at, _): &(usize, _)| !config.models.iter().any(|model| model.provider == *at);
    let targets = |route: &RouteConfig, at: usize| route.targets.iter().any(|target| target.model == at);
    let unused_model = |(at, _): &(usize, _)| !config.routes.iter().any(|route| targets(route, *at));
    let providers = config.providers.iter().enumerate().filter(unused_provider);
    let models = config.models.iter().enumerate().filter(unused_model);
    let providers = providers.map(|(_, provider)| format!("providers.{}: has no model", provider.id));
    let models = models.map(|(_, model)| format!("models.{}: is in no route", model.id));
    providers.chain(models).chain(config.routes.iter().filter_map(|route| lonely(config, route))).collect()
}

/// What is said of a route that has fewer than two providers to go to.
fn lonely(config: &Config, route: &RouteConfig) -> Option<String> {
    let mut usable: Vec<usize> =
        route.targets.iter().map(|target| config.models[target.model].provider).collect();
    usable.retain(|provider| config.providers[*provider].has_credential());
    usable.sort_unstable();
    usable.dedup();
    match usable[..] {
        [] => Some(format!("route `{}`: no target has a key", route.pattern)),
        [only] => {
            let only = &config.providers[only].id;
            Some(format!(
                "route `{}`: there is nothing to fail over to, {only} alone can be called",
                route.pattern
            ))
        }
        _ => None,
    }
}
