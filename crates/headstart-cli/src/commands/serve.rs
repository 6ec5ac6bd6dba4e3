//! `headstart serve`.

use anyhow::Result;
use headstart::Error;
use headstart_web::{Access, Hosts, Limits, Service};

use crate::cli::ServeArguments;

/// Uploads a minute from one client of a server that others can reach.
const RATE: u32 = 600;

pub fn run(arguments: &ServeArguments) -> Result<()> {
    let access = access(arguments)?;
    let is_loopback = arguments.address.ip().is_loopback();
    let service = Service {
        models: arguments.models.clone(),
        address: arguments.address,
        access,
        hosts: Hosts::of(arguments.address.ip(), &arguments.allow_host),
        limits: Limits {
            uploads_per_minute: arguments.rate_limit.or((!is_loopback).then_some(RATE)),
            ..Limits::default()
        },
    };
    let names: Vec<String> = arguments.models.iter().map(|model| model.display().to_string()).collect();
    let ready = |address| println!("serving {} on http://{address} (Ctrl-C ends it)", names.join(", "));
    Ok(headstart_web::run(service, ready)?)
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
