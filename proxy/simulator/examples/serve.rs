//! Simulated providers on fixed ports, to try clients against by hand.
//!
//! `cargo run -p sidestep-simulator --example serve -- 127.0.0.1:9100`: control on 9100, Anthropic on 9101,
//! OpenAI on 9102, xAI on 9103, a self-hosted server on 9104.

use std::error::Error;
use std::io::Write;

use sidestep_simulator::{Fault, Maker, Stage, Vendor};

fn main() -> Result<(), Box<dyn Error>> {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9100".to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stage = Stage::bind(listen.parse()?, Maker::ALL.map(Vendor::of).to_vec()).await?;
        let mut out = std::io::stdout();
        writeln!(out, "control   http://{}/__simulate/", stage.control())?;
        for simulator in stage.simulators() {
            writeln!(out, "{:<9} {}", simulator.provider().vendor().name, simulator.url())?;
        }
        for (name, example, line) in Fault::catalogue() {
            writeln!(out, "{name:<20} {line}\n{:<20} {example}", "")?;
        }
        tokio::signal::ctrl_c().await?;
        stage.shutdown().await;
        Ok(())
    })
}
