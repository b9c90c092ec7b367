//! An e-mail as a file that any mail program opens (RFC 5322).

use std::io;

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::raw::Raw;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Email;

/// The whole file: headers, and the text and the HTML as alternatives.
pub(super) fn eml(
    email: &Email,
    operation_id: Uuid,
    number: u64,
    at: OffsetDateTime,
) -> io::Result<Vec<u8>> {
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
    builder.write_to_vec()
}
