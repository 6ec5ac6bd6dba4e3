//! The models that answer now, and whether the app still takes requests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::models::Models;

/// The models, which can be replaced while requests run. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Serving {
    models: Arc<RwLock<Arc<Models>>>,
    stopping: Arc<AtomicBool>,
}

impl Serving {
    pub(crate) fn new(models: Models) -> Self {
        Self { models: Arc::new(RwLock::new(Arc::new(models))), stopping: Arc::default() }
    }

    /// Puts other models in the place of these. Requests under way end with the models that they began with.
    pub(crate) fn replace(&self, models: Models) {
        *self.models.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(models);
    }

    pub(crate) fn models(&self) -> Arc<Models> {
        Arc::clone(&self.models.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on the app is not ready for more.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
