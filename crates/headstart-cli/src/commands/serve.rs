//! `headstart serve`.

use anyhow::{Context, Result};
use headstart::classifier::Classifier;

use crate::cli::ServeArguments;

pub fn run(arguments: &ServeArguments) -> Result<()> {
    let classifier = Classifier::load(&arguments.model)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the server")?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(arguments.address).await;
        let listener = listener.with_context(|| format!("cannot listen on {}", arguments.address))?;
        println!(
            "serving {} on http://{} (Ctrl-C ends it)",
            arguments.model.display(),
            listener.local_addr()?
        );
        let stop = async {
            // Without a signal handler the server runs until it is killed.
            let _ = tokio::signal::ctrl_c().await;
        };
        headstart_web::serve(listener, classifier, stop).await.context("the server failed")
    })
}
