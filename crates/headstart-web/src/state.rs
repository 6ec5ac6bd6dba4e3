//! The app's state, and the part of it that each handler takes.

use std::sync::Arc;

use axum::extract::FromRef;

use crate::access::{Access, Guard};
use crate::hosts::Hosts;
use crate::intake::Intake;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::rate::Rate;
use crate::serving::Serving;

/// What every request shares. Cloning it is cheap.
#[derive(Clone)]
pub struct AppState {
    pub(crate) serving: Serving,
    pub(crate) intake: Intake,
    pub(crate) guard: Guard,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) rate: Option<Arc<Rate>>,
    pub(crate) metrics: Arc<Metrics>,
}

impl AppState {
    /// Serves one model or several within these limits, to anybody, under any host name.
    pub fn new(models: impl Into<Models>, limits: Limits) -> Self {
        let metrics = Arc::new(Metrics::default());
        Self {
            serving: Serving::new(models.into()),
            guard: Guard::new(Access::Open, limits.guesses_per_minute),
            hosts: Arc::new(Hosts::Any),
            rate: limits.uploads_per_minute.map(|uploads| Arc::new(Rate::new(uploads))),
            intake: Intake::new(limits, Arc::clone(&metrics)),
            metrics,
        }
    }

    /// The same, only to those who have access.
    pub fn guarded_by(mut self, access: Access) -> Self {
        self.guard.access = Arc::new(access);
        self
    }

    /// The same, only under these host names.
    pub fn named(mut self, hosts: Hosts) -> Self {
        self.hosts = Arc::new(hosts);
        self
    }

    /// Puts other models in the place of these. Requests under way end with the models that they began with.
    pub fn replace(&self, models: impl Into<Models>) {
        self.serving.replace(models.into());
    }
}

impl FromRef<AppState> for Serving {
    fn from_ref(state: &AppState) -> Self {
        state.serving.clone()
    }
}

impl FromRef<AppState> for Intake {
    fn from_ref(state: &AppState) -> Self {
        state.intake.clone()
    }
}

impl FromRef<AppState> for Arc<Metrics> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.metrics)
    }
}
