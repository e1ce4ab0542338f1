//! What `/metrics` said at one time.

use std::collections::BTreeMap;

/// One scrape: every sample's value by its name and labels, as written.
#[derive(Clone, Debug)]
pub struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    /// Reads the Prometheus text format.
    pub fn parse(text: &str) -> Scrape {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let samples = samples.filter_map(|line| line.rsplit_once(' '));
        Scrape(samples.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect())
    }

    /// The sum of all samples of `family` whose labels contain each of `labels`, as in `outcome="failed"`.
    pub fn sum(&self, family: &str, labels: &[&str]) -> f64 {
        let of_family = |name: &str| {
            name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('{'))
        };
        let wanted = |name: &&String| of_family(name) && labels.iter().all(|label| name.contains(label));
        self.0.iter().filter(|(name, _)| wanted(name)).map(|(_, value)| value).sum()
    }
}
