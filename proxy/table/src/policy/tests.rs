use super::*;

#[test]
fn the_default_threshold_gives_the_reference_weights() {
    let weights = Policy::default().rates(0.02).weights();
    assert!((weights.failure - 1.897).abs() < 1e-3, "{weights:?}");
    assert!((weights.success + 0.193).abs() < 1e-3, "{weights:?}");
    assert_eq!(Policy::from_knobs(&Knobs::default()), Ok(Policy::default()));
}

#[test]
fn a_rate_far_below_the_threshold_never_adds_up_and_the_threshold_always_does() {
    for percent in 5..=90_u32 {
        let threshold = f64::from(percent) / 100.0;
        let knobs = Knobs { failure_rate_threshold: Some(threshold), ..Knobs::default() };
        let policy = Policy::from_knobs(&knobs).expect("in range");
        let weights = policy.rates(policy.expected_baseline()).weights();
        let drift = |rate: f64| rate * weights.failure + (1.0 - rate) * weights.success;
        assert!(drift(threshold / 5.0) < 0.0, "{threshold}: {weights:?}");
        assert!(drift(threshold) > 0.0, "{threshold}: {weights:?}");
    }
}

#[test]
fn nonsense_is_refused_with_its_range() {
    let zero = Some(Duration::ZERO);
    let second = Some(Duration::from_secs(1));
    for (knobs, words) in [
        (Knobs { failure_rate_threshold: Some(25.0), ..Knobs::default() }, "write 0.25 for 25 %"),
        (Knobs { failure_rate_threshold: Some(f64::NAN), ..Knobs::default() }, "between 0.05 and 0.9"),
        (Knobs { consecutive_failures: Some(0), ..Knobs::default() }, "between 1 and 100"),
        (Knobs { cooldown: zero, ..Knobs::default() }, "cooldown is 0ns"),
        (Knobs { slow_start: zero, ..Knobs::default() }, "slow_start is 0ns"),
        (Knobs { probe_gap: Some(Duration::MAX), ..Knobs::default() }, "probe_gap"),
        (Knobs { max_cooldown: second, ..Knobs::default() }, "longer than max_cooldown"),
    ] {
        let error = Policy::from_knobs(&knobs).expect_err("must be refused").to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_long_cooldown_alone_raises_the_longest_with_it() {
    let long = Some(Duration::from_secs(900));
    let policy = Policy::from_knobs(&Knobs { cooldown: long, ..Knobs::default() });
    assert_eq!(policy.map(|policy| policy.max_cooldown()), Ok(Duration::from_secs(900)));
}
