//! What senders meet at either door while the bus is broken for them; receivers notice nothing.

use std::sync::Arc;

use stand_in::{FaultSwitch, ServerHandle};

/// The fault switch of whoever sends, shared by the doors.
#[derive(Debug, Clone)]
pub struct SenderFaults(Arc<FaultSwitch>);

impl Default for SenderFaults {
    /// Nothing is wrong. The doors' ports are receivers' too, so connections are never refused:
    /// what is sent is hung up on.
    fn default() -> Self {
        Self(Arc::new(FaultSwitch::sharing(ServerHandle::default())))
    }
}

impl SenderFaults {
    #[must_use]
    pub fn switch(&self) -> &FaultSwitch {
        &self.0
    }
}

/// What becomes of a delivery that met a fault.
#[cfg(feature = "amqp")]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Met<E> {
    Answered(Result<(), E>),
    Unanswered,
    /// The whole connection ends, without a word.
    HungUp,
}

#[cfg(feature = "amqp")]
impl SenderFaults {
    /// Takes a delivery through the fault that stands. One that comes late is taken at once: to wait
    /// would hold up all links of its connection, and their heartbeats.
    pub(crate) fn around<E>(
        &self,
        take: impl FnOnce() -> Result<(), E>,
        refuse: impl FnOnce(&str) -> E,
    ) -> Met<E> {
        use stand_in::Fault;

        match self.0.meet() {
            Fault::None | Fault::Delay(_) => Met::Answered(take()),
            Fault::Status { error_code, .. } => Met::Answered(Err(refuse(error_code))),
            Fault::Hang => Met::Unanswered,
            Fault::DropConnection => Met::HungUp,
            Fault::ApplyThenDropConnection => {
                // Whether it was taken or refused, its sender never learns.
                take().ok();
                Met::HungUp
            }
            Fault::ApplyThenStatus(_) => {
                take().ok();
                Met::Answered(Err(refuse("InternalError")))
            }
        }
    }
}
