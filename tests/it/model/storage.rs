//! Blob Storage in memory: as much of it as the write protocol relies on, and a memory of all
//! that was ever written.

use bytes::Bytes;
use order_items_reserver::order::{Order, Position, SessionId};
use order_items_reserver::store::blob::{Condition, ETag, Head, PutReply};

/// One PUT on its way: all that the server will ever see of it, however late.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) session: SessionId,
    pub(crate) bytes: Bytes,
    pub(crate) position: Option<Position>,
    pub(crate) condition: Condition,
}

impl Upload {
    pub(crate) fn of(order: &Order, condition: &Condition) -> Self {
        Self {
            session: order.session.clone(),
            bytes: order.body.clone(),
            position: order.position,
            condition: condition.clone(),
        }
    }
}

/// What a blob holds, or held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) bytes: Bytes,
    pub(crate) position: Option<Position>,
}

#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) has_container: bool,
    heeds_conditions: bool,
    versions: u64,
    blobs: Vec<(SessionId, ETag, Content)>,
    history: Vec<(SessionId, Content)>,
}

impl Storage {
    pub(crate) fn new() -> Self {
        Self {
            has_container: true,
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
        let content = Content {
            bytes: upload.bytes.clone(),
            position: upload.position,
        };
        PutReply::Written(Some(self.overwrite(&upload.session, content)))
    }

    /// Whether the upload would apply now. What does not hold now never will: versions do not
    /// recur, and nobody deletes a session's blob meanwhile.
    pub(crate) fn applies(&self, upload: &Upload) -> bool {
        !self.heeds_conditions || self.holds(upload)
    }

    fn holds(&self, upload: &Upload) -> bool {
        match (&upload.condition, self.stored(&upload.session)) {
            (Condition::Absent, stored) => stored.is_none(),
            (Condition::Version(etag), Some((stored, _))) => etag == stored,
            (Condition::Version(_), None) => false,
        }
    }

    fn stored(&self, session: &SessionId) -> Option<(&ETag, &Content)> {
        let found = self.blobs.iter().find(|(of, ..)| of == session);
        found.map(|(_, etag, content)| (etag, content))
    }

    pub(crate) fn head(&self, session: &SessionId) -> Option<Head> {
        let (etag, content) = self.stored(session)?;
        Some(Head {
            etag: etag.clone(),
            position: content.position,
        })
    }

    /// A write of somebody who knows no conditions.
    pub(crate) fn overwrite(&mut self, session: &SessionId, content: Content) -> ETag {
        self.versions += 1;
        let etag = ETag(format!("\"{}\"", self.versions));
        self.history.push((session.clone(), content.clone()));
        self.delete(session);
        self.blobs.push((session.clone(), etag.clone(), content));
        etag
    }

    pub(crate) fn delete(&mut self, session: &SessionId) {
        self.blobs.retain(|(of, ..)| of != session);
    }

    pub(crate) fn content(&self, session: &SessionId) -> Option<&Content> {
        self.stored(session).map(|(_, content)| content)
    }

    /// Everything ever written to the session's blob, oldest first.
    pub(crate) fn history(&self, session: &SessionId) -> impl Iterator<Item = &Content> {
        self.history
            .iter()
            .filter(move |(of, _)| of == session)
            .map(|(_, content)| content)
    }
}
