//! How many messages a queue holds, out of the management interface's Atom XML.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::BusError;

/// How many messages are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Wait, or are being handled.
    pub active: u64,
    /// In the dead-letter queue.
    pub dead_lettered: u64,
    /// Not due yet.
    pub scheduled: u64,
}

/// Why there are no counts.
#[derive(Debug, thiserror::Error)]
pub enum CountsError {
    /// 401 or 403: receiving is allowed to more people than managing is.
    #[error(
        "reading the counts needs Manage rights: the role Azure Service Bus Data Owner, or a key with the right Manage"
    )]
    NotAllowed,
    /// Anything else.
    #[error(transparent)]
    Bus(BusError),
    /// Something else than a queue's description.
    #[error("the queue's description cannot be read: {0}")]
    Xml(String),
}

impl From<BusError> for CountsError {
    fn from(error: BusError) -> Self {
        match error {
            BusError::Unauthorized(_) | BusError::Forbidden(_) => Self::NotAllowed,
            error => Self::Bus(error),
        }
    }
}

/// The counts of one queue, as programs read them.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CountsOf<'a> {
    queue: &'a str,
    active: u64,
    dead_lettered: u64,
    scheduled: u64,
}

impl Counts {
    /// Those of `queue`.
    #[must_use]
    pub fn of(self, queue: &str) -> CountsOf<'_> {
        CountsOf {
            queue,
            active: self.active,
            dead_lettered: self.dead_lettered,
            scheduled: self.scheduled,
        }
    }

    /// Reads `CountDetails` of a queue's description, whatever prefix its names have.
    ///
    /// # Errors
    /// When it is not there, or not XML.
    pub(super) fn read(xml: &[u8]) -> Result<Self, CountsError> {
        let text = std::str::from_utf8(xml).map_err(|error| CountsError::Xml(error.to_string()))?;
        let mut reader = Reader::from_str(text);
        let (mut active, mut dead, mut scheduled) = (None, None, None);
        let mut element = Vec::new();
        loop {
            let event = reader.read_event();
            match event.map_err(|error| CountsError::Xml(error.to_string()))? {
                Event::Start(start) => element = start.local_name().as_ref().to_vec(),
                Event::End(_) => element.clear(),
                Event::Text(text) => {
                    let count = || std::str::from_utf8(&text).ok()?.trim().parse().ok();
                    match element.as_slice() {
                        b"ActiveMessageCount" => active = count(),
                        b"DeadLetterMessageCount" => dead = count(),
                        b"ScheduledMessageCount" => scheduled = count(),
                        _ => {}
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        match (active, dead) {
            (Some(active), Some(dead_lettered)) => Ok(Self {
                active,
                dead_lettered,
                scheduled: scheduled.unwrap_or(0),
            }),
            _ => Err(CountsError::Xml("it has no counts".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_found_under_any_prefix() {
        for prefix in ["d2p1:", "d3p1:", ""] {
            let xml = format!(
                "<entry xmlns='http://www.w3.org/2005/Atom'><content><QueueDescription>\
                 <MessageCount>12</MessageCount><CountDetails>\
                 <{prefix}ActiveMessageCount>7</{prefix}ActiveMessageCount>\
                 <{prefix}DeadLetterMessageCount> 4 </{prefix}DeadLetterMessageCount>\
                 <{prefix}ScheduledMessageCount>1</{prefix}ScheduledMessageCount>\
                 </CountDetails></QueueDescription></content></entry>"
            );
            let expected = Counts {
                active: 7,
                dead_lettered: 4,
                scheduled: 1,
            };
            assert_eq!(Counts::read(xml.as_bytes()).unwrap(), expected);
        }
    }

    #[test]
    fn a_feed_or_anything_else_is_no_description() {
        for xml in [
            "",
            "<feed/>",
            "{}",
            "<a",
            "<ActiveMessageCount>x</ActiveMessageCount>",
        ] {
            assert!(Counts::read(xml.as_bytes()).is_err(), "{xml}");
        }
    }
}
