//! The configuration in force as YAML: every default filled in, every secret left out.

use super::{
    Config, Credential, Dialect, HttpVersion, LogFormat, ModelConfig, OnLossy, ProbeBudget, ProbesConfig,
    ProviderConfig, RetryBudget, RouteConfig, SecretSource, TelemetryConfig, UpstreamName,
    schema::{
        AccessSchema, Address, AdminSchema, BudgetSchema, DialectWord, DrainSchema, FaultsSchema, FileSchema,
        FormatWord, HealthSchema, HttpWord, LimitsSchema, LogSchema, LossyWord, ModelSchema, Named,
        OneOrMany, Period, PriceSchema, ProbesSchema, ProviderSchema, RetryBudgetSchema, RouteSchema,
        SecretSchema, Size, TargetSchema, TelemetrySchema,
    },
};

impl Config {
    /// This configuration as YAML, with all defaults. Secrets are shown by the place that they come from.
    pub fn to_yaml(&self) -> String {
        // Every value is a name, a number or a list or mapping of such, all of which YAML can write.
        serde_yaml::to_string(&self.schema()).unwrap_or_default()
    }

    fn schema(&self) -> FileSchema {
        FileSchema {
            listen: Some(Address(self.listen)),
            admin: Some(AdminSchema {
                listen: Some(Address(self.admin.listen)),
                token: self.admin.token.as_ref().map(secret),
            }),
            limits: Some(self.limits_schema()),
            providers: Named(self.providers.iter().map(|one| (one.id.clone(), provider(one))).collect()),
            models: Named(self.models.iter().map(|one| (one.id.clone(), self.model(one))).collect()),
            routes: self.routes.iter().map(|one| self.route(one)).collect(),
            // Each model shows its own, with this laid under it already.
            health: None,
            probes: Some(probes(&self.probes)),
            faults: Some(FaultsSchema {
                allow: Some(self.faults.allow),
                max_rate: Some(self.faults.max_rate),
                max_duration: Some(Period(self.faults.max_duration)),
            }),
            notify: self.notify.schema(),
            drain: Some(DrainSchema {
                grace: Some(Period(self.drain.grace)),
                timeout: Some(Period(self.drain.timeout)),
            }),
            state: self.state.clone(),
            log: Some(LogSchema {
                level: Some(self.log.level.clone()),
                format: Some(match self.log.format {
                    LogFormat::Text => FormatWord::Text,
                    LogFormat::Json => FormatWord::Json,
                }),
                access: self
                    .log
                    .access
                    .map(|access| AccessSchema { sample: Some(access.sample), errors: Some(access.errors) }),
            }),
            telemetry: self.telemetry.as_ref().map(telemetry),
        }
    }

    fn limits_schema(&self) -> LimitsSchema {
        LimitsSchema {
            body_bytes: Some(Size(self.limits.body_bytes)),
            header_bytes: Some(Size(self.limits.header_bytes)),
            uri_bytes: Some(Size(self.limits.uri_bytes)),
            header_timeout: Some(Period(self.limits.header_timeout)),
            connections: Some(self.limits.connections),
            event_bytes: Some(Size(self.limits.event_bytes)),
            answer_bytes: Some(Size(self.limits.answer_bytes)),
        }
    }

    fn model(&self, model: &ModelConfig) -> ModelSchema {
        let (name, probe, strip_prefix) = match &model.model {
            UpstreamName::Exact(name) => (name.clone(), None, None),
            UpstreamName::AsAsked { probe, prefix } => {
                let prefix = Some(prefix.clone()).filter(|prefix| !prefix.is_empty());
                ("*".to_owned(), Some(probe.clone()), prefix)
            }
        };
        ModelSchema {
            provider: self.providers[model.provider].id.clone(),
            model: name,
            probe,
            strip_prefix,
            max_concurrency: Some(model.max_concurrency),
            // Both are among the capabilities.
            context_window: None,
            max_output_tokens: None,
            capabilities: Some(model.capabilities.clone()).filter(|known| *known != Default::default()),
            price: model.price.map(|price| PriceSchema {
                input_usd_per_million: price.input_usd_per_million,
                output_usd_per_million: price.output_usd_per_million,
            }),
            health: Some(HealthSchema {
                failure_rate_threshold: Some(model.policy.failure_rate_threshold()),
                consecutive_failures: Some(model.policy.consecutive_failures()),
                cooldown: Some(Period(model.policy.cooldown())),
                max_cooldown: Some(Period(model.policy.max_cooldown())),
                slow_start: Some(Period(model.policy.slow_start())),
            }),
        }
    }

    fn route(&self, route: &RouteConfig) -> RouteSchema {
        let targets = route.targets.iter().map(|target| TargetSchema {
            model: self.models[target.model].id.clone(),
            weight: target.weight,
        });
        RouteSchema {
            pattern: route.pattern.clone(),
            targets: targets.collect(),
            deadline: Some(Period(route.deadline)),
            first_token_timeout: Some(Period(route.first_token_timeout)),
            stall_timeout: Some(Period(route.stall_timeout)),
            hold: Some(Period(route.hold)),
            max_attempts: Some(route.max_attempts),
            retry_budget: Some(budget(route.retry_budget)),
            retry_after_wait: Some(Period(route.retry_after_wait)),
            retry: Some(route.retry),
            hedge: Some(route.hedge),
            hedge_budget: Some(budget(route.hedge_budget)),
            rescue: Some(route.rescue),
            single_provider: Some(route.single_provider),
            on_lossy: Some(match route.on_lossy {
                OnLossy::Drop => LossyWord::Drop,
                OnLossy::Skip => LossyWord::Skip,
            }),
        }
    }
}

fn provider(provider: &ProviderConfig) -> ProviderSchema {
    let dialects = provider.dialects.iter().map(|dialect| match dialect {
        Dialect::Anthropic => DialectWord::Anthropic,
        Dialect::OpenAi => DialectWord::OpenAi,
        Dialect::Responses => DialectWord::Responses,
    });
    let headers = provider.headers.iter().map(|(name, value)| (name.to_string(), secret(value)));
    ProviderSchema {
        preset: provider.preset.map(str::to_owned),
        dialect: Some(OneOrMany(dialects.collect())),
        base_url: Some(provider.base_url.to_string()),
        api_key: provider.api_key.as_ref().map(secret),
        ca_file: provider.ca_file.clone(),
        http: Some(match provider.http {
            HttpVersion::Auto => HttpWord::Auto,
            HttpVersion::Http1 => HttpWord::Http1,
            HttpVersion::Http2 => HttpWord::Http2,
        }),
        headers: Named(headers.collect()),
        connect_timeout: Some(Period(provider.connect_timeout)),
    }
}

fn telemetry(told: &TelemetryConfig) -> TelemetrySchema {
    let headers = told.headers.iter().map(|(name, value)| (name.to_string(), secret(value)));
    TelemetrySchema {
        endpoint: Some(told.endpoint.to_string()),
        headers: Named(headers.collect()),
        sample: Some(told.sample),
        service_name: Some(told.service_name.clone()),
        resource: Named(told.resource.clone()),
        timeout: Some(Period(told.timeout)),
        propagate: Some(told.propagate),
    }
}

fn budget(budget: RetryBudget) -> RetryBudgetSchema {
    RetryBudgetSchema { ratio: Some(budget.ratio), reserve_per_second: Some(budget.reserve_per_second) }
}

fn probes(probes: &ProbesConfig) -> ProbesSchema {
    let (usd_per_day, tokens_per_day) = match probes.budget {
        ProbeBudget::UsdPerDay(usd) => (Some(usd), None),
        ProbeBudget::TokensPerDay(tokens) => (None, Some(tokens)),
    };
    ProbesSchema {
        enabled: Some(probes.enabled),
        interval: Some(Period(probes.interval)),
        suspect_interval: Some(Period(probes.suspect_interval)),
        timeout: Some(Period(probes.timeout)),
        budget: Some(BudgetSchema { usd_per_day, tokens_per_day }),
    }
}

pub(super) fn secret(credential: &Credential) -> SecretSchema {
    match credential.source() {
        SecretSource::Env(name) => SecretSchema::Env(name.clone()),
        SecretSource::File(path) => SecretSchema::File(path.clone()),
        // Written as what stands for a secret, whatever is in here.
        SecretSource::Inline => SecretSchema::Text(String::new()),
    }
}
