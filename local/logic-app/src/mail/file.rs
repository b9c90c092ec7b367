//! A mail as a file that any mail program opens (RFC 5322), and read again from it.

use std::io;

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::raw::Raw;
use mail_parser::{MessageParser, MimeHeaders, PartType};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};
use uuid::Uuid;

use super::message::{Attachment, Content, Email, Recipient, Recipients};

const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second].[subsecond digits:3]Z");

const ENDING: &str = ".eml";

/// What the name of a file says: `{time}-{number}-{operation}.eml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileName {
    pub(super) at: OffsetDateTime,
    pub(super) number: u64,
    pub(super) operation_id: Uuid,
}

impl FileName {
    pub(super) fn to_text(self) -> io::Result<String> {
        let time = self.at.format(TIME).map_err(io::Error::other)?;
        Ok(format!(
            "{time}-{}-{}{ENDING}",
            self.number, self.operation_id
        ))
    }

    /// `None` for a name that is none of ours.
    pub(super) fn read(name: &str) -> Option<Self> {
        let (time, rest) = name.strip_suffix(ENDING)?.split_once('-')?;
        let (number, operation) = rest.split_once('-')?;
        Some(Self {
            at: PrimitiveDateTime::parse(time, TIME).ok()?.assume_utc(),
            number: number.parse().ok()?,
            operation_id: operation.parse().ok()?,
        })
    }
}

/// Headers, and the text and the HTML as alternatives.
pub(super) fn eml(email: &Email, name: &FileName) -> io::Result<Vec<u8>> {
    let FileName {
        at,
        number,
        operation_id,
    } = name;
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

/// What [`eml`] was made of, as far as a person sees it, and the file; `None` when it is no mail.
pub(super) fn read_eml(file: Vec<u8>) -> Option<(Email, Vec<u8>)> {
    let message = MessageParser::default().parse(&file)?;
    let sender = message.from()?.first()?.address()?.to_owned();
    let to = message.to()?.iter().filter_map(|to| {
        Some(Recipient {
            address: to.address()?.to_owned(),
            display_name: to.name().map(str::to_owned),
        })
    });
    let recipients = Recipients { to: to.collect() };
    let body = |ids: &[mail_parser::MessagePartId], wanted: fn(&PartType<'_>) -> Option<String>| {
        let mut parts = ids.iter().filter_map(|id| message.part(*id));
        parts.find_map(|part| wanted(&part.body))
    };
    let text = |part: &PartType<'_>| match part {
        // A mail's lines end so on their way.
        PartType::Text(text) => Some(text.replace("\r\n", "\n")),
        _ => None,
    };
    let html = |part: &PartType<'_>| match part {
        PartType::Html(html) => Some(html.to_string()),
        _ => None,
    };
    let attachments = message.attachments().map(|part| {
        let name = part.attachment_name().unwrap_or_default();
        Attachment::named(name, part.contents())
    });
    let email = Email {
        sender_address: sender,
        recipients,
        content: Content {
            subject: message.subject().unwrap_or_default().to_owned(),
            plain_text: body(&message.text_body, text),
            html: body(&message.html_body, html),
        },
        attachments: attachments.collect(),
        user_engagement_tracking_disabled: false,
    };
    Some((email, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_the_same_again_from_its_file() {
        let name = FileName {
            at: time::macros::datetime!(2026-05-04 09:30:10.125 UTC),
            number: 7,
            operation_id: Uuid::from_u128(0x1234),
        };
        let text = name.to_text().expect("a name");
        assert_eq!(FileName::read(&text), Some(name), "{text}");
        let email = Email {
            sender_address: "a@example.com".to_owned(),
            recipients: Recipients {
                to: vec![Recipient {
                    address: "ops@example.com".to_owned(),
                    display_name: Some("Ops, Zoë".to_owned()),
                }],
            },
            content: Content {
                subject: "Bürste <b> 🐕".to_owned(),
                plain_text: Some("a text ü\nof two lines\n".to_owned()),
                html: Some("<p>html ü</p>".to_owned()),
            },
            attachments: vec![Attachment::named("S.json", b"{\"id\":\"\xff\"}\n")],
            user_engagement_tracking_disabled: false,
        };
        let file = eml(&email, &name).expect("a file");
        let (read, same) = read_eml(file.clone()).expect("a mail");
        assert_eq!(read, email);
        assert_eq!(same, file);
    }

    #[test]
    fn a_name_of_another_kind_is_none_of_ours() {
        for name in [
            "note.eml",
            "20260504T093010.125Z-7-x.eml",
            "20260504T093010.125Z-7-00000000-0000-0000-0000-000000001234.txt",
        ] {
            assert_eq!(FileName::read(name), None, "{name}");
        }
    }
}
