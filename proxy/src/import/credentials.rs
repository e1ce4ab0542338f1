//! Keys by the variable that holds them; a key itself is never kept for longer than it takes to know it again.

use super::{
    document::{Document, Spot},
    finding::Findings,
    names,
    tree::Node,
};

/// How LiteLLM refers to an environment variable.
const ENVIRONMENT: &str = "os.environ/";

/// What is known of keys.
pub(super) struct Credentials<'a> {
    /// `credential_list:`, by name.
    named: Vec<(&'a str, &'a Node)>,
    /// Keys that stand in the file, with the variables that they shall be put into.
    literal: Vec<(&'a str, String)>,
}

/// What a value refers to.
pub(super) enum Reference<'a> {
    /// An environment variable.
    Variable(&'a str),
    /// The text itself.
    Literal(&'a str),
}

/// What `value` refers to; `None` if it is no text, or names no variable.
pub(super) fn reference(value: &Node) -> Option<Reference<'_>> {
    let text = value.text()?;
    match text.strip_prefix(ENVIRONMENT) {
        Some(name) => names::is_variable(name).then_some(Reference::Variable(name)),
        None => Some(Reference::Literal(text)),
    }
}

// === impl Credentials ===

impl<'a> Credentials<'a> {
    /// Those that the document lists.
    pub(super) fn of(document: &'a Document) -> Self {
        let mut named = Vec::new();
        for (_, list) in document.sections("credential_list") {
            for entry in list.items() {
                if let (Some(name), Some(values)) =
                    (entry.get("credential_name").and_then(Node::text), entry.get("credential_values"))
                {
                    named.push((name, values));
                }
            }
        }
        Self { named, literal: Vec::new() }
    }

    /// A value of a deployment: its own, or that of the credential that it names.
    pub(super) fn value(&self, params: &'a Node, name: &str) -> Option<&'a Node> {
        params.get(name).or_else(|| {
            let wanted = params.get("litellm_credential_name")?.text()?;
            self.named.iter().find(|(known, _)| *known == wanted)?.1.get(name)
        })
    }

    /// The variable with the key `value`; one that stands in the file shall be put into `usual`, or one like it.
    pub(super) fn variable(
        &mut self,
        value: &'a Node,
        usual: &str,
        spot: &Spot,
        findings: &mut Findings,
    ) -> Option<String> {
        let key = match reference(value) {
            Some(Reference::Variable(name)) => return Some(name.to_owned()),
            Some(Reference::Literal(key)) => key,
            // One that names no variable, or a number: as good as unknown.
            None => "",
        };
        let known = self.literal.iter().find(|(known, _)| *known == key).map(|(_, name)| name.clone());
        let variable = known.unwrap_or_else(|| {
            let taken = |name: &str| self.literal.iter().any(|(_, known)| *known == name.replace('-', "_"));
            let variable = names::free(usual, taken).replace('-', "_");
            self.literal.push((key, variable.clone()));
            variable
        });
        let instead = format!("put the key into the environment variable {variable}.");
        findings.lost(spot, "a key that stands in the file is not copied.", instead);
        Some(variable)
    }
}
