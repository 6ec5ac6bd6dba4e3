//! `headstart serve`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use headstart::Error;
use headstart::image;
use headstart_web::{Access, Hosts, Limits, Service};

use crate::cli::ServeArguments;
use crate::print::{out, warning};

/// Uploads a minute from one client of a server that others can reach.
const RATE: u32 = 600;
/// What is said of a token or password that could be guessed.
const WEAK: &str = "the token or password is so short or so plain that it can be guessed: take at least 16 random \
    letters and digits";

pub fn run(arguments: &ServeArguments) -> Result<()> {
    let access = access(arguments)?;
    let models: Vec<PathBuf> =
        arguments.models.iter().map(|given| super::model_file(given)).collect::<Result<_>>()?;
    let service = Service {
        models,
        device: super::device(&arguments.device)?,
        address: arguments.address,
        access,
        hosts: Hosts::of(arguments.address.ip(), &arguments.allow_host),
        limits: limits(arguments),
    };
    if service.access.is_weak() {
        warning(WEAK);
    }
    // Quoted: a name may hold blanks, or characters that a terminal obeys.
    let names: Vec<String> = arguments.models.iter().map(|model| format!("{model:?}")).collect();
    let ready = |address| out!("serving {} on http://{address} (Ctrl-C ends it)", names.join(", "));
    Ok(headstart_web::run(service, ready)?)
}

fn limits(arguments: &ServeArguments) -> Limits {
    let usual = Limits::default();
    let is_loopback = arguments.address.ip().is_loopback();
    Limits {
        uploads_per_minute: arguments.rate_limit.or((!is_loopback).then_some(RATE)),
        image: image::Limits {
            max_memory: arguments.image_memory << 20,
            max_seconds: arguments.image_seconds,
            ..usual.image
        },
        drain: Duration::from_secs(arguments.drain),
        ..usual
    }
}

/// Nobody serves the world by accident.
fn access(arguments: &ServeArguments) -> Result<Access, Error> {
    let usage = |why: &str| Err(Error::Usage(why.to_owned()));
    match (&arguments.token, &arguments.basic_auth) {
        (Some(token), _) if token.is_empty() => usage("--token is empty"),
        (Some(token), _) => Ok(Access::Token(token.clone())),
        (None, Some(pair)) if !pair.contains(':') => usage("--basic-auth takes NAME:PASSWORD"),
        (None, Some(pair)) => Ok(Access::Password(pair.clone())),
        (None, None) if arguments.public || arguments.address.ip().is_loopback() => Ok(Access::Open),
        (None, None) => usage(&format!(
            "{} can be reached from other machines: protect it with --token or --basic-auth, or say --public",
            arguments.address
        )),
    }
}
