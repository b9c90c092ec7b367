//! What nobody measured, with a way to change it.

use clap::Args;

/// What nobody measured.
#[derive(Debug, Clone, Args)]
pub struct Assumptions {
    /// Messages a second to be held.
    #[arg(long, default_value_t = 1_000.0)]
    pub(super) rate: f64,
    /// Bytes of a message: the order and the properties around it.
    #[arg(long, default_value_t = 1_500.0)]
    pub(super) bytes: f64,
    /// What Blob Storage takes for a PUT, TLS and network included, in milliseconds.
    #[arg(long, default_value_t = 10.0)]
    pub(super) store_ms: f64,
    /// CPU time of the Functions host per message, in microseconds: AMQP, JSON twice, HTTP.
    #[arg(long, default_value_t = 1_000.0)]
    pub(super) host_cpu_us: f64,
    /// Share of messages whose session this instance has not seen last: PUT, HEAD and PUT instead of one PUT.
    #[arg(long, default_value_t = 0.1)]
    pub(super) cold: f64,
    /// Credits per message: sent, received, completed. The documentation names the first two only.
    #[arg(long, default_value_t = 3.0)]
    pub(super) credits: f64,
    /// Messages at a time on an instance: `maxConcurrentCalls` of host.json.
    #[arg(long, default_value_t = 64.0)]
    pub(super) in_flight: f64,
    /// Instances at the most: `maximumInstanceCount` of infra/.
    #[arg(long, default_value_t = 40.0)]
    pub(super) instances: f64,
    /// Actions of one run of the workflow: as many as its definition in infra/logicapp has on the way to a mail.
    #[arg(long, default_value_t = 17.0)]
    pub(super) actions: f64,
    /// Share of messages that have to be mailed.
    #[arg(long, default_value_t = 0.0)]
    pub(super) mailed: f64,
}
