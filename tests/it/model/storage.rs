//! Blob Storage in memory: as much of it as the write protocol relies on, and a memory of all
//! that ever happened to it.

use bytes::Bytes;
use order_items_reserver::order::{Order, Position, SessionId};
use order_items_reserver::store::blob::{Condition, ETag, Head, PutReply};
use order_items_reserver::store::{Origin, Stored};

use super::messages::second;

/// One PUT on its way: all that the server will ever see of it, however late.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) session: SessionId,
    pub(crate) content: Content,
    pub(crate) condition: Condition,
}

impl Upload {
    pub(crate) fn of(order: &Order, condition: &Condition) -> Self {
        Self {
            session: order.session.clone(),
            content: Content {
                bytes: order.body.clone(),
                origin: origin(order.position, order.message_id.as_deref()),
            },
            condition: condition.clone(),
        }
    }
}

/// What the metadata says that goes with an order of ours.
pub(crate) fn origin(position: Option<Position>, message_id: Option<&str>) -> Origin {
    match position {
        Some(position) => Origin::Placed {
            position,
            message_id: message_id.map(str::to_owned),
        },
        None => Origin::Unplaced,
    }
}

/// What a blob holds, or held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) bytes: Bytes,
    pub(crate) origin: Origin,
}

/// What happened to a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Written(Content),
    Deleted,
}

#[derive(Debug)]
struct Blob {
    session: SessionId,
    etag: ETag,
    modified: i64,
    content: Content,
}

#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) has_container: bool,
    /// The server's time, as [`second`] counts it.
    pub(crate) clock: i64,
    heeds_conditions: bool,
    versions: u64,
    blobs: Vec<Blob>,
    history: Vec<(SessionId, Event)>,
}

impl Storage {
    pub(crate) fn new() -> Self {
        Self {
            has_container: true,
            clock: 0,
            heeds_conditions: true,
            versions: 0,
            blobs: Vec::new(),
            history: Vec::new(),
        }
    }

    /// For negative controls: every PUT applies, whatever its condition.
    pub(crate) fn heedless() -> Self {
        Self {
            heeds_conditions: false,
            ..Self::new()
        }
    }

    pub(crate) fn put(&mut self, upload: &Upload) -> PutReply {
        if !self.has_container {
            return PutReply::NoContainer;
        }
        if !self.applies(upload) {
            return PutReply::Conflict;
        }
        PutReply::Written(Some(
            self.overwrite(&upload.session, upload.content.clone()),
        ))
    }

    /// Whether the upload would apply now. What does not hold now never will, unless somebody
    /// deletes the blob: versions do not recur.
    pub(crate) fn applies(&self, upload: &Upload) -> bool {
        !self.heeds_conditions || self.holds(upload)
    }

    fn holds(&self, upload: &Upload) -> bool {
        match (&upload.condition, self.blob(&upload.session)) {
            (Condition::Absent, stored) => stored.is_none(),
            (Condition::Version(etag), Some(stored)) => *etag == stored.etag,
            (Condition::Version(_), None) => false,
        }
    }

    fn blob(&self, session: &SessionId) -> Option<&Blob> {
        self.blobs.iter().find(|blob| blob.session == *session)
    }

    pub(crate) fn head(&self, session: &SessionId) -> Option<Head> {
        let blob = self.blob(session)?;
        Some(Head {
            etag: blob.etag.clone(),
            stored: Stored {
                origin: blob.content.origin.clone(),
                modified: Some(second(blob.modified)),
            },
        })
    }

    /// A write of somebody who knows no conditions.
    pub(crate) fn overwrite(&mut self, session: &SessionId, content: Content) -> ETag {
        self.versions += 1;
        let etag = ETag(format!("\"{}\"", self.versions));
        self.blobs.retain(|blob| blob.session != *session);
        self.history
            .push((session.clone(), Event::Written(content.clone())));
        self.blobs.push(Blob {
            session: session.clone(),
            etag: etag.clone(),
            modified: self.clock,
            content,
        });
        etag
    }

    pub(crate) fn delete(&mut self, session: &SessionId) {
        if self.blob(session).is_some() {
            self.blobs.retain(|blob| blob.session != *session);
            self.history.push((session.clone(), Event::Deleted));
        }
    }

    pub(crate) fn content(&self, session: &SessionId) -> Option<&Content> {
        self.blob(session).map(|blob| &blob.content)
    }

    /// All that ever happened to the session's blob, in its order.
    pub(crate) fn history(&self, session: &SessionId) -> impl Iterator<Item = &Event> {
        let of_session = self.history.iter().filter(move |(of, _)| of == session);
        of_session.map(|(_, event)| event)
    }

    /// Everything ever written to the session's blob, oldest first.
    pub(crate) fn written(&self, session: &SessionId) -> impl Iterator<Item = &Content> {
        self.history(session).filter_map(|event| match event {
            Event::Written(content) => Some(content),
            Event::Deleted => None,
        })
    }
}
