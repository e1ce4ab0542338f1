//! Who is compared, and how each is told what to do.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::answers::{Wish, call};
use crate::ground::{Addresses, Ground, Started, installed, vacant};

/// Asked of a provider that speaks the caller's dialect.
pub(crate) const SAME: &str = "gpt-6.1-sol";
/// Asked of a provider that speaks another one.
pub(crate) const OTHER: &str = "claude-opus-5-5";

/// A proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contender {
    /// hyper and nothing else.
    Bare,
    /// Sidestep as it is by default.
    Sidestep,
    /// nginx.
    Nginx,
    /// HAProxy.
    Haproxy,
    /// Envoy.
    Envoy,
    /// LiteLLM's proxy.
    Litellm,
}

/// Which upstream a proxy has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upstream {
    /// No TLS.
    Plain,
    /// TLS, HTTP/1.1.
    Http1,
    /// TLS, HTTP/2.
    Http2,
}

impl Contender {
    /// All of them.
    pub(crate) const ALL: [Contender; 6] = [
        Contender::Bare,
        Contender::Sidestep,
        Contender::Nginx,
        Contender::Haproxy,
        Contender::Envoy,
        Contender::Litellm,
    ];

    /// What it is called in the results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Contender::Bare => "bare",
            Contender::Sidestep => "sidestep",
            Contender::Nginx => "nginx",
            Contender::Haproxy => "haproxy",
            Contender::Envoy => "envoy",
            Contender::Litellm => "litellm",
        }
    }

    /// Whether it can answer a call in another dialect than its provider's.
    pub(crate) fn translates(self) -> bool {
        matches!(self, Contender::Sidestep | Contender::Litellm)
    }

    /// Its program, if it is here.
    pub(crate) fn program(self, ground: &Ground) -> Option<PathBuf> {
        match self {
            Contender::Bare => Some(ground.bench.clone()),
            Contender::Sidestep => Some(ground.sidestep.clone()),
            other => installed(other.name()),
        }
    }

    /// Starts it with `upstream`, if it is here.
    pub(crate) async fn start(self, ground: &Ground, upstream: Upstream) -> anyhow::Result<Option<Started>> {
        let Some(program) = self.program(ground) else { return Ok(None) };
        let listen = vacant()?;
        let args = self.args(ground, listen, upstream)?;
        let name = format!("{}-{}", self.name(), listen.port());
        let request = call(SAME, Wish::WHOLE, (0, 0));
        ground.start(&name, (&program, args), listen, &request).await.map(Some)
    }

    fn args(self, ground: &Ground, listen: SocketAddr, upstream: Upstream) -> anyhow::Result<Vec<String>> {
        let (port, plain) = (listen.port(), ground.upstream.plain);
        let file =
            |kind: &str, content: &str| ground.file(&format!("{}-{port}.{kind}", self.name()), content);
        let args = |args: &[&str]| args.iter().map(ToString::to_string).collect();
        Ok(match self {
            Contender::Bare => bare(ground, listen, upstream),
            Contender::Sidestep => {
                let config = sidestep(listen, vacant()?, ground.upstream, upstream, ground.folder.path());
                args(&["run", &file("yaml", &config)?])
            }
            Contender::Nginx => args(&["-c", &file("conf", &nginx(port, plain, ground.folder.path()))?]),
            Contender::Haproxy => args(&["-db", "-f", &file("cfg", &haproxy(port, plain))?]),
            Contender::Envoy => {
                let config = file("yaml", &envoy(port, plain.port()))?;
                args(&["-c", &config, "--concurrency", "1", "--log-level", "error", "--use-dynamic-base-id"])
            }
            Contender::Litellm => {
                let config = file("yaml", &litellm(plain))?;
                args(&["--config", &config, "--host", "127.0.0.1", "--port", &port.to_string()])
            }
        })
    }
}

fn bare(ground: &Ground, listen: SocketAddr, upstream: Upstream) -> Vec<String> {
    let Addresses { plain, http1, http2 } = ground.upstream;
    let url = match upstream {
        Upstream::Plain => format!("http://{plain}"),
        Upstream::Http1 => format!("https://localhost:{}", http1.port()),
        Upstream::Http2 => format!("https://localhost:{}", http2.port()),
    };
    let mut args = vec!["bare".to_owned(), listen.to_string(), url];
    if upstream != Upstream::Plain {
        args.push(format!("--ca={}", ground.folder.path().join("ca.pem").display()));
    }
    if upstream == Upstream::Http2 {
        args.push("--http2".to_owned());
    }
    args
}

/// As the README has it: three providers, five models, two routes more than one target each. Everything else is as
/// it is by default, but for the limits that 1,000 streams and 10,000 connections exceed.
fn sidestep(
    listen: SocketAddr,
    admin: SocketAddr,
    at: Addresses,
    upstream: Upstream,
    folder: &Path,
) -> String {
    let ca = folder.join("ca.pem");
    let (url, more) = match upstream {
        Upstream::Plain => (format!("http://{}/v1", at.plain), String::new()),
        Upstream::Http1 => {
            let more = format!(", ca_file: {}, http: http1", ca.display());
            (format!("https://localhost:{}/v1", at.http1.port()), more)
        }
        Upstream::Http2 => {
            let more = format!(", ca_file: {}, http: http2", ca.display());
            (format!("https://localhost:{}/v1", at.http2.port()), more)
        }
    };
    format!(
        r#"listen: {listen}
admin: {{ listen: "{admin}" }}
limits: {{ connections: 12000 }}
providers:
  anthropic: {{ base_url: "{url}", api_key: bench{more} }}
  openai: {{ base_url: "{url}", api_key: bench{more} }}
  xai: {{ base_url: "{url}", api_key: bench{more} }}
models:
  opus: {{ provider: anthropic, model: claude-opus-5-5, max_concurrency: 2000 }}
  haiku: {{ provider: anthropic, model: claude-haiku-5-5 }}
  gpt: {{ provider: openai, model: gpt-6.1-sol, max_concurrency: 2000 }}
  luna: {{ provider: openai, model: gpt-6-luna }}
  grok: {{ provider: xai, model: grok-4.7 }}
routes:
  - match: "claude-opus-*"
    targets: [opus, gpt, grok]
  - match: "claude-haiku-*"
    targets: [haiku, luna, grok]
  - match: "gpt-*"
    targets: [gpt, opus, grok]
"#
    )
}

fn nginx(port: u16, upstream: SocketAddr, folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error;
events {{ worker_connections 16384; }}
http {{
  access_log off; client_max_body_size 64m; keepalive_requests 1000000000;
  client_body_temp_path {folder}/nginx-body; proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-f; uwsgi_temp_path {folder}/nginx-u; scgi_temp_path {folder}/nginx-s;
  upstream provider {{ server {upstream}; keepalive 2048; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffering off;
    }}
  }}
}}
"
    )
}

fn haproxy(port: u16, upstream: SocketAddr) -> String {
    format!(
        "global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
listen bench
  bind 127.0.0.1:{port}
  server provider {upstream}
"
    )
}

fn envoy(port: u16, upstream: u16) -> String {
    format!(
        r#"static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{{ match: {{ prefix: "/" }}, route: {{ cluster: provider, timeout: 0s }} }}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{ "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }}
  clusters:
  - name: provider
    connect_timeout: 5s
    circuit_breakers: {{ thresholds: [{{ max_connections: 20000, max_requests: 20000, max_pending_requests: 20000 }}] }}
    load_assignment:
      cluster_name: provider
      endpoints:
      - lb_endpoints:
        - endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {upstream} }} }} }}
"#
    )
}

fn litellm(upstream: SocketAddr) -> String {
    format!(
        "model_list:
  - model_name: {SAME}
    litellm_params: {{ model: openai/{SAME}, api_base: \"http://{upstream}/v1\", api_key: bench }}
  - model_name: {OTHER}
    litellm_params: {{ model: anthropic/{OTHER}, api_base: \"http://{upstream}\", api_key: bench }}
"
    )
}
