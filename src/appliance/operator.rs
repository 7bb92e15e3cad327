//! What an operator asks for: his API (`/cloudbox/v1`), health and metrics.

use std::sync::{Arc, OnceLock};

use admin::{Admin, StatusSource};
use http_kit::app::Builder;
use http_kit::{App, Metering};
use kit::config::Config;

use super::authenticator::BusAuthenticator;
use super::health;
use super::insight::Insight;
use super::metrics::Metrics;

/// The operator's API and pages, once they are part of the APIs.
pub(super) struct Operator {
    /// The service behind the API.
    pub(super) admin: Arc<Admin>,
    metering: Arc<OnceLock<Metering>>,
}

impl Operator {
    /// Adds all of it to `app`, telling of what `insight` sees.
    pub(super) fn mount(app: Builder, insight: Insight, config: &Config) -> (Builder, Self) {
        let (store, clock, policies) = (insight.store.clone(), insight.clock.clone(), app.policies());
        let asked = insight.clone();
        let status: StatusSource = Arc::new(move || {
            let insight = asked.clone();
            Box::pin(async move { insight.status().await })
        });
        let admin = Admin::new(store.clone(), clock, config.audit.clone(), insight.host.as_str(), policies, status);
        let checks = Arc::new(BusAuthenticator::new(insight.bus.client("cloudbox-api")));
        let metering = Arc::<OnceLock<Metering>>::default();
        let ready = health::Ready::new(insight.health.clone());
        let metrics =
            Metrics::new(insight, config.metrics.access, admin.clone(), checks.clone(), Arc::clone(&metering));
        let app = app
            .auditor(admin.auditor())
            .mount(admin.rest().authenticator(checks))
            .raw("/healthz", Arc::new(health::Alive::new(store)))
            .raw("/readyz", Arc::new(ready))
            .raw("/metrics", Arc::new(metrics));
        (app, Self { admin, metering })
    }

    /// Says which `app` it has become part of: its requests are counted in the metrics.
    pub(super) fn mounted(&self, app: &App) {
        // It is said once; a second time would say the same.
        let _said_before = self.metering.set(app.metering());
    }
}
