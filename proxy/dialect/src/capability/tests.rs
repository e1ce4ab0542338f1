use super::*;

fn claude(model: &str) -> Capabilities {
    Capabilities::preset(Flavor::Anthropic, model)
}

fn gpt(model: &str) -> Capabilities {
    Capabilities::preset(Flavor::OpenAi, model)
}

#[test]
fn claude_models_by_generation() {
    for name in ["claude-opus-4-5-20251101", "claude-haiku-4-5", "claude-sonnet-4-5-20250929"] {
        let old = claude(name);
        assert!(old.prefill && old.forced_tools && !old.system_mid && old.json_schema, "{name}");
        assert_eq!((old.temperature_max, old.reasoning), (Some(1.0), Reasoning::Budget), "{name}");
    }
    let between = claude("claude-opus-4-6");
    assert!(!between.prefill && between.forced_tools && between.temperature_max.is_some());
    for name in ["claude-opus-4-7", "claude-sonnet-5", "claude-haiku-5-5", "claude-opus-5-5"] {
        let new = claude(name);
        assert!(new.temperature_max.is_none() && !new.top_p && !new.top_k && !new.prefill, "{name}");
        assert_eq!(new.reasoning, Reasoning::Adaptive, "{name}");
    }
    for name in
        ["claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1", "anthropic.claude-mythos-5-1-v1:0"]
    {
        assert!(!claude(name).forced_tools, "{name}");
    }
    assert!(claude("claude-opus-5").forced_tools && claude("claude-haiku-5-5").forced_tools);
    assert_eq!(claude("claude-opus-5-5").effort(Effort::None), Some(Effort::Low), "cannot stop thinking");
    assert_eq!(claude("claude-sonnet-5-5").effort(Effort::None), Some(Effort::None));
    assert_eq!(claude("claude-opus-4-20250514").max_output_tokens, Some(32_000), "a date is no version");
    assert_eq!(claude("claude-3-5-sonnet-20241022").max_output_tokens, Some(8192));
}

#[test]
fn gpt_models_by_generation() {
    for name in ["gpt-5", "gpt-5-mini", "gpt-6.1-sol", "o3", "o4-mini", "gpt-5.4"] {
        let reasoning = gpt(name);
        assert!(reasoning.temperature_max.is_none() && reasoning.stop_sequences == 0, "{name}");
        assert_eq!(reasoning.reasoning, Reasoning::Effort, "{name}");
        assert!(reasoning.developer_role, "{name}");
    }
    for name in ["gpt-4o", "gpt-4.1-mini", "gpt-5-chat-latest"] {
        let talking = gpt(name);
        assert_eq!((talking.temperature_max, talking.stop_sequences), (Some(2.0), 4), "{name}");
        assert_eq!(talking.effort(Effort::High), None, "{name}");
    }
    assert_eq!(gpt("gpt-5").effort(Effort::None), Some(Effort::Minimal));
    assert_eq!(gpt("gpt-5.1").effort(Effort::None), Some(Effort::None));
    assert_eq!(gpt("gpt-5.1").effort(Effort::Max), Some(Effort::High));
    assert_eq!(gpt("gpt-6.1-sol").effort(Effort::None), Some(Effort::Low));
}

#[test]
fn an_operator_knows_better() {
    let overrides: CapabilityOverrides =
        serde_json::from_str(r#"{"images":true,"efforts":["low","max"],"reasoning":"effort"}"#).unwrap();
    let known = Capabilities::preset(Flavor::Generic, "qwen4").with(&overrides);
    assert!(known.images && !known.documents);
    assert_eq!(known.effort(Effort::High), Some(Effort::Low));
    assert!(serde_json::from_str::<CapabilityOverrides>(r#"{"imagse":true}"#).is_err());
}
