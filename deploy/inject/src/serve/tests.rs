//! Callers that say nothing, or stop in the middle, in paused time.

use std::path::PathBuf;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::Settings;
use crate::certificate::Identity;
use crate::cluster::{Access, Cluster};
use crate::sight::Sight;

const HOST: &str = "hook.sidestep.svc";

struct Bench {
    acceptor: TlsAcceptor,
    client: ClientConfig,
    webhook: Arc<Webhook>,
}

fn bench() -> Bench {
    let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
    let pem = made.cert.pem();
    let serving = Arc::new(Serving::default());
    serving.serve(Identity::unvouched((&pem, &made.signing_key.serialize_pem())).unwrap());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(provider()));
    let client = client.with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    let settings = "{ namespace: s, certificate: { mode: files, folder: /tls }, sidecar: { image: i } }";
    let nowhere = Access { origin: String::new(), token: PathBuf::new(), authorities: PathBuf::new() };
    let webhook = Webhook {
        settings: Arc::new(Settings::parse(settings).unwrap()),
        sight: Sight::new(Cluster::new(nowhere)),
        events: None,
        bodies: Bodies::default(),
        metrics: Metrics::new().unwrap(),
    };
    Bench { acceptor: TlsAcceptor::from(tls(serving).unwrap()), client, webhook: Arc::new(webhook) }
}

impl Bench {
    fn serve(&self) -> (DuplexStream, impl Future<Output = ()> + use<>) {
        let (caller, server) = duplex(64 * 1024);
        let (tls, webhook) = (self.acceptor.clone(), self.webhook.clone());
        (caller, connection(server, tls, webhook, CancellationToken::new()))
    }

    async fn shake(&self, caller: DuplexStream, http: &[u8]) -> TlsStream<DuplexStream> {
        let mut client = self.client.clone();
        client.alpn_protocols = vec![http.to_vec()];
        let name = ServerName::try_from(HOST).unwrap();
        TlsConnector::from(Arc::new(client)).connect(name, caller).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_to_come_in_time() {
    let (_caller, served) = bench().serve();
    let began = Instant::now();
    served.await;
    assert_eq!(began.elapsed(), HANDSHAKE);
}

#[tokio::test(start_paused = true)]
async fn silence_and_half_a_head_end_a_connection() {
    let bench = bench();
    for (http, said, limit) in [
        (&b"http/1.1"[..], &b""[..], HEAD_TIME),
        (b"http/1.1", b"POST /mutate/pod HTTP/1.1\r\nhost: x\r\n", HEAD_TIME),
        (b"h2", b"", SILENCE),
        (b"h2", b"PRI * HTTP/2.0\r\n\r\n", SILENCE),
    ] {
        let (caller, served) = bench.serve();
        let began = Instant::now();
        let dawdle = async {
            let mut caller = bench.shake(caller, http).await;
            caller.write_all(said).await.unwrap();
            caller.read_to_end(&mut Vec::new()).await.ok();
        };
        tokio::join!(served, dawdle);
        let lasted = began.elapsed();
        assert!(lasted >= limit && lasted <= limit + PING, "{said:?}: {lasted:?}");
    }
}
