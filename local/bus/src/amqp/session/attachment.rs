//! Links come and go: attach, detach, and the detach of our own.

use fe2o3_amqp_types::definitions::{Handle, Role, SessionError};
use fe2o3_amqp_types::performatives::{Attach, Detach, Performative};

use super::links::{Link, answer_to};
use super::{Desk, Ended, LAST_HANDLE, Session};
use crate::amqp::refusal::Refusal;

impl Session {
    /// Answers an attach, and cuts the link when it is not offered.
    pub(super) fn attach(&mut self, attach: Attach, desk: &mut Desk<'_>) -> Result<(), Ended> {
        let handle = attach.handle.0;
        if handle > LAST_HANDLE || self.links.contains_key(&handle) {
            let problem = format!("handle {handle} is in use, or above handle-max {LAST_HANDLE}");
            return self.end(Some(Refusal::new(SessionError::HandleInUse, problem)), desk);
        }
        let link = match attach.role {
            Role::Sender => Link::incoming(&attach, desk.access, desk.shared),
            Role::Receiver => Link::outgoing(&attach),
        };
        let accepted = link.is_ok();
        desk.put(
            self.channel,
            &Performative::Attach(answer_to(attach, accepted)),
        );
        match link {
            Ok(link) => {
                let sends = matches!(link, Link::Queue(..) | Link::Requests(..));
                self.links.insert(handle, link);
                if sends {
                    self.grant(handle, desk);
                }
            }
            Err(refusal) => self.cut(handle, refusal, desk),
        }
        Ok(())
    }

    /// Answers a detach.
    pub(super) fn detached(&mut self, detach: &Detach, desk: &mut Desk<'_>) {
        match self.links.remove(&detach.handle.0) {
            // Our own detach was first, or there was nothing.
            Some(Link::Leaving) | None => {}
            Some(_) => {
                let answer = Detach {
                    handle: detach.handle.clone(),
                    closed: detach.closed,
                    error: None,
                };
                desk.put(self.channel, &Performative::Detach(answer));
            }
        }
    }

    /// Detaches a link for this reason.
    pub(super) fn cut(&mut self, handle: u32, refusal: Refusal, desk: &mut Desk<'_>) {
        self.links.insert(handle, Link::Leaving);
        let detach = Detach {
            handle: Handle(handle),
            closed: true,
            error: Some(refusal.into_error()),
        };
        desk.put(self.channel, &Performative::Detach(detach));
    }
}
