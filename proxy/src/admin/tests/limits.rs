use super::*;
use crate::admin::body::BODY;

#[tokio::test]
async fn a_huge_body_is_cut_short_whether_announced_or_not() {
    let rig = Rig::start(None).await;
    let got = rig.ask("POST", "/switches", &[], &"x".repeat(BODY + 1)).await;
    assert_eq!(got.status, 413, "{}", got.body);
    let mut chunked =
        b"POST /switches HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..64 {
        chunked.extend_from_slice(b"1000\r\n");
        chunked.extend_from_slice(&[b' '; 0x1000]);
        chunked.extend_from_slice(b"\r\n");
    }
    assert_eq!(rig.send(&chunked).await.status, 413);
    assert_eq!(rig.get("/livez").await.status, 200);
    rig.stop().await;
}

#[tokio::test]
async fn a_huge_head_is_refused() {
    let rig = Rig::start(None).await;
    let header = format!("x-long: {}", "x".repeat(64 * 1024));
    assert_eq!(rig.ask("GET", "/livez", &[&header], "").await.status, 431);
    let path = format!("/{}", "x".repeat(64 * 1024));
    assert!([414, 431].contains(&rig.get(&path).await.status));
    let many: Vec<_> = (0..200).map(|number| format!("x-{number}: 1")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(rig.ask("GET", "/livez", &many, "").await.status, 431);
    assert_eq!(rig.get("/livez").await.status, 200);
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_head_or_a_body_that_never_ends_is_given_up() {
    let rig = Rig::start(None).await;
    let began = tokio::time::Instant::now();
    rig.send(b"GET /livez HTTP/1.1\r\nhost: ").await;
    assert!(began.elapsed() < Duration::from_secs(60), "the connection was closed");
    let got = rig.send(b"POST /switches HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{").await;
    assert_eq!(got.status, 408);
    // Nor does an idle connection stay for ever.
    let idle = TcpStream::connect(rig.addr).await.unwrap();
    Got::read(idle).await;
    assert!(began.elapsed() < Duration::from_secs(120));
    rig.stop().await;
}

#[tokio::test]
async fn no_garbage_brings_it_down() {
    let rig = Rig::start(None).await;
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\0\0\0\0",
        b"GET\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(rig.addr).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        stream.shutdown().await.unwrap();
        Got::read(stream).await;
    }
    assert_eq!(rig.get("/livez").await.status, 200);
    rig.stop().await;
}

#[tokio::test]
async fn the_end_waits_for_no_idle_connection() {
    let rig = Rig::start(None).await;
    let mut stream = TcpStream::connect(rig.addr).await.unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    rig.stop().await;
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
}
