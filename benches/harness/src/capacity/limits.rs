//! Azure's published limits; `docs/capacity.md` names the pages.

/// Credits of a Standard namespace per second (*Throttling operations on Azure Service Bus*).
pub(super) const CREDITS: f64 = 1_000.0;

/// Bytes per second that a messaging unit took in and gave out in Microsoft's benchmark (*Best practices for
/// performance improvements using Service Bus Messaging*).
pub(super) const MESSAGING_UNIT: f64 = 4e6;

/// Requests per second of a standard account (*Scalability and performance targets for standard storage accounts*).
pub(super) const ACCOUNT: f64 = 20_000.0;

/// Memory of all Flex Consumption instances of a subscription in a region, and of one (*Flex Consumption plan*), MB.
pub(super) const REGION_MB: f64 = 512_000.0;
pub(super) const INSTANCE_MB: f64 = 2_048.0;

/// Action executions of a Consumption workflow in five minutes (*Limits and configuration for Azure Logic Apps*).
pub(super) const ACTIONS: f64 = 100_000.0;

/// Mails an hour, from a domain that Azure manages and from one's own (*Service limits for Azure Communication
/// Services*); both can be raised by request.
pub(super) const MAILS: [f64; 2] = [10.0, 100.0];
