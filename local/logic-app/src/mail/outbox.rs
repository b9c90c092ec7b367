//! The mails that were accepted: in memory, and as files when there is a folder for them.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::raw::Raw;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tokio::sync::broadcast;
use uuid::Uuid;

use super::message::Email;

/// Mails that stay in memory; of older ones only the files are left.
const MAILS_MAX: usize = 1_000;

const FILE_NAME: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second].[subsecond digits:3]Z");

/// A mail that was accepted.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Its number in this run, from 1 on.
    pub number: u64,
    pub at: OffsetDateTime,
    /// The `Operation-Id` of the request.
    pub operation_id: Uuid,
    pub email: Email,
    /// The same as a file.
    pub eml: Vec<u8>,
}

/// Where mails go.
#[derive(Debug)]
pub struct Outbox {
    folder: Option<PathBuf>,
    last: AtomicU64,
    operations: Mutex<HashSet<Uuid>>,
    mails: Mutex<VecDeque<Arc<Mail>>>,
    arrivals: broadcast::Sender<Arc<Mail>>,
}

impl Outbox {
    /// One that forgets everything in the end.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            folder: None,
            last: AtomicU64::new(0),
            operations: Mutex::default(),
            mails: Mutex::default(),
            arrivals: broadcast::Sender::new(256),
        }
    }

    /// One that writes each mail to a file in `folder` too; the first one makes the folder.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        let folder = Some(folder);
        Self {
            folder,
            ..Self::in_memory()
        }
    }

    /// Takes a mail: on return it is as safe as it gets here. A repeat of an operation is none
    /// more: the real service may take its id for the key of an idempotent request.
    pub(super) async fn take(&self, email: Email, operation_id: Uuid) -> io::Result<()> {
        if self.operations().contains(&operation_id) {
            return Ok(());
        }
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let at = OffsetDateTime::now_utc();
        let eml = eml(&email, operation_id, number, at)?;
        if let Some(folder) = &self.folder {
            let time = at.format(FILE_NAME).map_err(io::Error::other)?;
            let file = folder.join(format!("{time}-{number}-{operation_id}.eml"));
            tokio::fs::create_dir_all(folder).await?;
            tokio::fs::write(file, &eml).await?;
        }
        let mail = Arc::new(Mail {
            number,
            at,
            operation_id,
            email,
            eml,
        });
        if !self.operations().insert(operation_id) {
            return Ok(());
        }
        let mut mails = self.lock();
        if mails.len() == MAILS_MAX {
            mails.pop_front();
        }
        mails.push_back(Arc::clone(&mail));
        // An error means that nobody listens.
        self.arrivals.send(mail).ok();
        Ok(())
    }

    pub(super) fn mails(&self) -> Vec<Arc<Mail>> {
        self.lock().iter().cloned().collect()
    }

    pub(super) fn mail(&self, number: u64) -> Option<Arc<Mail>> {
        let mails = self.lock();
        mails.iter().find(|mail| mail.number == number).cloned()
    }

    /// Mails are numbered from 1.
    pub(super) fn last_number(&self) -> u64 {
        self.lock().back().map_or(0, |mail| mail.number)
    }

    pub(super) fn arrivals(&self) -> broadcast::Receiver<Arc<Mail>> {
        self.arrivals.subscribe()
    }

    fn operations(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.operations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Mail>>> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The mail as a file that any mail program opens (RFC 5322): headers, and the text and the HTML as
/// alternatives.
fn eml(email: &Email, operation_id: Uuid, number: u64, at: OffsetDateTime) -> io::Result<Vec<u8>> {
    let to = email.recipients.to.iter().map(|recipient| {
        let name = recipient.display_name.as_deref();
        Address::new_address(name, recipient.address.as_str())
    });
    let mut builder = MessageBuilder::new()
        .from(email.sender_address.as_str())
        .to(Address::new_list(to.collect()))
        .subject(email.content.subject.as_str())
        .date(at.unix_timestamp())
        .message_id(format!("{operation_id}.{number}@outbox.local"))
        .header("Operation-Id", Raw::new(operation_id.to_string()));
    if let Some(text) = &email.content.plain_text {
        builder = builder.text_body(text.as_str());
    }
    if let Some(html) = &email.content.html {
        builder = builder.html_body(html.as_str());
    }
    for file in &email.attachments {
        // As octets, for a text's line ends would be changed.
        builder = builder.attachment("application/octet-stream", &*file.name, &*file.content);
    }
    builder.write_to_vec()
}
