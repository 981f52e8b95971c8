//! `cargo run -p simulator -- [--port N] [--state FILE]`: the simulator on 127.0.0.1.

use simulator::http::{Served, serve};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: simulator [--port N (8788; 0 takes a free one)] [--state FILE]";

struct Options {
    port: u16,
    state: Option<PathBuf>,
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { port: 8788, state: None };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value\n{USAGE}"));
        match argument.as_str() {
            "--port" => {
                options.port = value()?.parse().map_err(|_| format!("--port takes a number\n{USAGE}"))?;
            }
            "--state" => options.state = Some(PathBuf::from(value()?)),
            _ => return Err(format!("{argument} is no option\n{USAGE}")),
        }
    }
    Ok(options)
}

async fn run() -> Result<(), String> {
    let options = options(std::env::args().skip(1))?;
    let file = options.state.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
    let served = Served::open(options.state)
        .map_err(|error| format!("{file} is no state of this version ({error}); delete it to begin anew"))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(|error| format!("port {} cannot be used: {error}", options.port))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    println!("simulator: WeChat is played at http://{address} (control: /_sim/)");
    tokio::select! {
        served = serve(listener, served) => served.map_err(|error| error.to_string()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("simulator: {message}");
            ExitCode::FAILURE
        }
    }
}
