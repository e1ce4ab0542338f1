//! Providers over TLS: private authorities, both HTTP versions, connections that are used again, and handshakes
//! that fail.
#![cfg(test)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sidestep_simulator::{Provider, Vendor};
use sidestep_tests::{Application, Heard, Rig};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

const PATHS: [&str; 2] = ["/v1/messages", "/v1/chat/completions"];

/// A certificate authority that no system knows.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Authority { issuer: Issuer::new(params, key), folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn acceptor(&self, name: &str, protocols: &[&str]) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(
            tokio_rustls::rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A simulated Anthropic behind TLS. Remembers what each connection agreed on.
struct Encrypted {
    address: SocketAddr,
    agreed: Arc<Mutex<Vec<String>>>,
    _serving: DropGuard,
}

impl Encrypted {
    async fn behind(acceptor: TlsAcceptor) -> Encrypted {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (agreed, stop, tasks) =
            (Arc::<Mutex<Vec<String>>>::default(), CancellationToken::new(), TaskTracker::new());
        let provider = Provider::new(Vendor::anthropic());
        let (log, serving) = (agreed.clone(), stop.clone());
        tasks.clone().spawn(stop.clone().run_until_cancelled_owned(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, provider, log) = (acceptor.clone(), provider.clone(), log.clone());
                tasks.spawn(serving.clone().run_until_cancelled_owned(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let protocol = stream.get_ref().1.alpn_protocol().unwrap_or_default();
                    log.lock().unwrap().push(String::from_utf8_lossy(protocol).into_owned());
                    provider.serve_connection(stream).await;
                }));
            }
        }));
        Encrypted { address, agreed, _serving: stop.drop_guard() }
    }

    fn agreed(&self) -> Vec<String> {
        self.agreed.lock().unwrap().clone()
    }
}

/// Sidestep with `provider` as the first choice and a simulated OpenAI as the second.
async fn rig(provider: &str) -> Rig {
    let config = format!(
        r#"
listen: 127.0.0.1:0
admin: {{ listen: 127.0.0.1:0 }}
providers:
  anthropic: {{ api_key: test, connect_timeout: 1s, {provider} }}
  openai: {{ base_url: "{{openai}}/v1", api_key: test }}
models:
  opus: {{ provider: anthropic, model: claude-opus-5-5 }}
  gpt: {{ provider: openai, model: gpt-6.1-sol }}
routes:
  - {{ match: "claude-*", targets: [opus, gpt] }}
probes: {{ enabled: false }}
"#
    );
    Rig::builder().config(&config).start().await
}

async fn call(rig: &Rig, path: &str, stream: bool) -> Heard {
    let body = match path {
        "/v1/messages" => Application::messages("claude-opus-5-5", "Tell me of lighthouses.", stream),
        _ => Application::chat("claude-opus-5-5", "Tell me of lighthouses.", stream),
    };
    let heard = rig.application.post(path, &body).await;
    assert_eq!(heard.status, 200, "{}", heard.text);
    assert!(!stream || heard.is_ended(), "{}", heard.text);
    heard
}

#[tokio::test]
async fn both_versions_are_spoken_and_connections_are_used_again() {
    let authority = Authority::new();
    for (http, offered, expected) in [
        ("auto", &["h2", "http/1.1"][..], "h2"),
        ("auto", &["http/1.1"][..], "http/1.1"),
        ("auto", &[][..], ""),
        // Whoever speaks nothing newer does not need to say so.
        ("http1", &["h2", "http/1.1"][..], ""),
        ("http2", &["h2", "http/1.1"][..], "h2"),
    ] {
        let upstream = Encrypted::behind(authority.acceptor("127.0.0.1", offered)).await;
        let provider = format!(
            "base_url: \"https://{}/v1\", ca_file: {}, http: {http}",
            upstream.address,
            authority.file().display()
        );
        let rig = rig(&provider).await;
        for number in 0..24 {
            let heard = call(&rig, PATHS[number % 2], number % 3 == 0).await;
            assert_eq!(heard.header("sidestep-upstream"), "opus", "{http} {offered:?}");
        }
        assert_eq!(
            upstream.agreed(),
            [expected],
            "{http} {offered:?}: one connection for calls one after the other"
        );
        // Many at once: HTTP/2 needs no second connection, HTTP/1.1 one for each call, kept for the next wave.
        for _ in 0..3 {
            join_all((0..16).map(|number| call(&rig, PATHS[number % 2], number % 3 == 0))).await;
        }
        let most = if expected == "h2" { 1 } else { 16 };
        assert!(upstream.agreed().len() <= most, "{http} {offered:?}: {:?}", upstream.agreed());
        rig.stop().await;
    }
}

/// Whatever keeps the handshake from succeeding costs the application nothing but the time to find out.
#[tokio::test]
async fn a_handshake_that_fails_is_a_failover_and_no_wait() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let unknown = Encrypted::behind(stranger.acceptor("127.0.0.1", &["h2", "http/1.1"])).await;
    let misnamed = Encrypted::behind(authority.acceptor("elsewhere.test", &["http/1.1"])).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = Rig::start().await;
    let ca = authority.file();
    for (what, address, patience) in [
        ("an unknown authority", unknown.address, Duration::ZERO),
        ("another's name", misnamed.address, Duration::ZERO),
        ("no TLS at all", plain.anthropic.addr(), Duration::ZERO),
        ("no word at all", silent.local_addr().unwrap(), Duration::from_secs(1)),
    ] {
        let rig = rig(&format!("base_url: \"https://{address}/v1\", ca_file: {}", ca.display())).await;
        for path in PATHS {
            for stream in [false, true] {
                let began = Instant::now();
                let heard = call(&rig, path, stream).await;
                assert_eq!(heard.header("sidestep-upstream"), "gpt", "{what}");
                let reason = heard.header("sidestep-fallback-reason");
                assert!(["hard", "open", "provider_open"].contains(&reason), "{what}: {reason}");
                // Far below any other timer: the first token's is a minute.
                assert!(
                    began.elapsed() < patience * 2 + Duration::from_secs(8),
                    "{what}: {:?}",
                    began.elapsed()
                );
            }
        }
        let failed = rig.application.scrape().await.sum("sidestep_attempts_total", &["class=\"hard\""]);
        assert!(failed >= 1.0, "{what}: {failed} failed attempts");
        rig.stop().await;
    }
    plain.stop().await;
}
