//! A link on which the client receives: its credit, what it holds, and the session it has locked.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use fe2o3_amqp_types::performatives::Flow;

use super::source::{HandedOut, Source};
use crate::queue::{Registration, SessionLock, SessionLost, Taker};

/// Messages that a receiver may hold and not settle: more is not handed out, whatever its credit.
const UNSETTLED_MAX: u32 = 5_000;

/// A receiver that has given a message back unseen gets none for so long, unless it asks anew.
///
/// .NET's client leaves credit behind after a call for several messages, and gives back what comes
/// before its next call: the same message would go to and fro hundreds of times.
const REST: Duration = Duration::SECOND;

#[derive(Debug)]
pub(super) struct ReceiverLink {
    pub(super) source: Source,
    pub(super) taker: Taker,
    pub(super) session: Option<SessionLock>,
    registration: Registration,
    /// The link's delivery-count.
    pub(super) count: u32,
    pub(super) credit: u32,
    drain: bool,
    unsettled: u32,
    rests_until: Option<OffsetDateTime>,
}

impl ReceiverLink {
    pub(super) fn new(
        source: Source,
        taker: Taker,
        session: Option<SessionLock>,
        registration: Registration,
    ) -> Self {
        let held = session.as_ref().map(|lock| lock.session_id.clone());
        registration.update(|receiver| {
            receiver.session = held;
            receiver.waits_for_session = false;
        });
        Self {
            source,
            taker,
            session,
            registration,
            count: 0,
            credit: 0,
            drain: false,
            unsettled: 0,
            rests_until: None,
        }
    }

    pub(super) fn session_token(&self) -> Option<Uuid> {
        self.session.as_ref().map(|lock| lock.token)
    }

    /// The client's credit, given when it had seen so many deliveries.
    pub(super) fn flow(&mut self, flow: &Flow) {
        let seen = flow.delivery_count.unwrap_or_default();
        let end = seen.wrapping_add(flow.link_credit.unwrap_or_default());
        let left = end.wrapping_sub(self.count);
        // What is under way may be more than the client still wants.
        self.credit = if left > u32::MAX / 2 { 0 } else { left };
        self.drain = flow.drain;
        self.rests_until = None;
        self.show();
    }

    /// Whether it would take a message now.
    pub(super) fn wants(&self, now: OffsetDateTime) -> bool {
        self.credit > 0
            && self.unsettled < UNSETTLED_MAX
            && self.rests_until.is_none_or(|until| until <= now)
    }

    /// When it wants again, if it only rests.
    pub(super) fn wakes(&self) -> Option<OffsetDateTime> {
        self.rests_until.filter(|_| self.credit > 0)
    }

    /// Takes the next message, if it wants one and one waits.
    pub(super) fn next(&mut self, now: OffsetDateTime) -> Result<Option<HandedOut>, SessionLost> {
        if !self.wants(now) {
            return Ok(None);
        }
        let handed_out = self.source.next(self.session_token(), self.taker)?;
        if handed_out.is_some() {
            self.count = self.count.wrapping_add(1);
            self.credit -= 1;
            self.unsettled += u32::from(!self.taker.deletes);
        }
        Ok(handed_out)
    }

    /// Gives up the credit that the client wants to have used up; says whether it does.
    pub(super) fn drained(&mut self) -> bool {
        if !std::mem::take(&mut self.drain) {
            return false;
        }
        self.count = self.count.wrapping_add(self.credit);
        self.credit = 0;
        true
    }

    pub(super) fn settled(&mut self, given_back: bool, now: OffsetDateTime) {
        self.unsettled = self.unsettled.saturating_sub(1);
        if given_back {
            self.rests_until = Some(now + REST);
        }
    }

    /// Tells people how it stands.
    pub(super) fn show(&self) {
        self.registration.update(|receiver| {
            receiver.credit = self.credit;
            receiver.unsettled = self.unsettled as usize;
        });
    }
}

impl Drop for ReceiverLink {
    /// A session is given back with its link, however that ends; a message lock of a queue without
    /// sessions goes on to its end, as in Azure: .NET's client settles over its next connection.
    fn drop(&mut self) {
        if let Some(lock) = &self.session {
            self.source.queue.close_session(lock.token);
        }
    }
}
