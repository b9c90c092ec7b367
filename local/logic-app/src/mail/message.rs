//! The request of `emails:send`: the properties that the workflow sends. Others are refused by
//! name.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// An e-mail, as it is handed to the service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Email {
    pub sender_address: String,
    pub recipients: Recipients,
    pub content: Content,
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// Whether opening it is not to be tracked.
    #[serde(default)]
    pub user_engagement_tracking_disabled: bool,
}

/// Who gets an e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipients {
    /// At least one.
    pub to: Vec<Recipient>,
}

/// One who gets an e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Recipient {
    pub address: String,
    pub display_name: Option<String>,
}

/// What an e-mail says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Content {
    pub subject: String,
    /// The text without mark-up.
    pub plain_text: Option<String>,
    /// The same as HTML.
    pub html: Option<String>,
}

/// A file that goes with an e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Attachment {
    pub name: String,
    pub content_type: String,
    #[serde(rename = "contentInBase64", deserialize_with = "base64")]
    pub content: Vec<u8>,
}

impl Attachment {
    /// The type follows from the name, as the service's list has it.
    pub(super) fn named(name: &str, content: &[u8]) -> Self {
        let mut types = ATTACHMENT_TYPES.iter();
        let known = types.find(|(ending, _)| name.ends_with(ending));
        let content_type = known.map_or("application/octet-stream", |(_, known)| known);
        Self {
            name: name.to_owned(),
            content_type: content_type.to_owned(),
            content: content.to_vec(),
        }
    }
}

fn base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    STANDARD.decode(text.as_ref()).map_err(D::Error::custom)
}

/// The types of the service's list that are used here, by the ending of the file's name. The
/// service refuses a file whose ending is not of its type.
const ATTACHMENT_TYPES: [(&str, &str); 2] = [(".json", "application/json"), (".txt", "text/plain")];

/// The most recipients of one e-mail.
const RECIPIENTS_MAX: usize = 50;

impl Email {
    /// Reads a request's body, or says what is wrong with it.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let email: Self = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| format!("{}: {}", error.path(), error.inner()))?;
        json.end().map_err(|error| error.to_string())?;
        let recipients = &email.recipients.to;
        if !(1..=RECIPIENTS_MAX).contains(&recipients.len()) {
            return Err(format!(
                "recipients.to: expected 1 to {RECIPIENTS_MAX}, not {}",
                recipients.len()
            ));
        }
        let addresses = recipients.iter().map(|recipient| &recipient.address);
        for address in addresses.chain([&email.sender_address]) {
            if !is_address(address) {
                return Err(format!("{address:?} is not an address"));
            }
        }
        for Attachment {
            name, content_type, ..
        } in &email.attachments
        {
            let mut types = ATTACHMENT_TYPES.iter();
            if !types.any(|(ending, legal)| name.ends_with(ending) && content_type == legal) {
                return Err(format!("attachments: {name:?} is no {content_type}"));
            }
        }
        if email.content.plain_text.is_none() && email.content.html.is_none() {
            return Err("content: expected plainText or html".to_owned());
        }
        Ok(email)
    }

    /// The addresses of those who get it, for people.
    #[must_use]
    pub fn to(&self) -> String {
        let all = self.recipients.to.iter();
        let addresses: Vec<&str> = all.map(|one| one.address.as_str()).collect();
        addresses.join(", ")
    }
}

/// Enough to keep line ends and lists out of the headers.
fn is_address(text: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',');
    let parts = text.split_once('@');
    parts.is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty())
        && !text.contains(is_odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(recipients: &str, content: &str) -> Result<Email, String> {
        let body = format!(
            r#"{{"senderAddress":"a@b","recipients":{{"to":[{recipients}]}},"content":{content}}}"#
        );
        Email::read(body.as_bytes())
    }

    #[test]
    fn attachments_are_read_byte_for_byte() {
        let read = |name: &str, content: &str| {
            let file = format!(
                r#"{{"name":"{name}","contentType":"application/json","contentInBase64":"{content}"}}"#
            );
            let body = format!(
                r#"{{"senderAddress":"a@b","recipients":{{"to":[{{"address":"c@d"}}]}},"content":{{"subject":"s","html":"h"}},"attachments":[{file}]}}"#
            );
            Email::read(body.as_bytes())
        };
        let email = read("a.json", "AP8=").unwrap();
        assert_eq!(email.attachments[0].content, [0, 255]);
        assert!(
            read("a.exe", "AP8=")
                .unwrap_err()
                .contains("\"a.exe\" is no application/json")
        );
        assert!(read("a.json", "{}").unwrap_err().contains("attachments[0]"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let (to, content) = (r#"{"address":"c@d"}"#, r#"{"subject":"s","html":"h"}"#);
        assert_eq!(
            read(to, content).map(|email| email.to()).as_deref(),
            Ok("c@d")
        );
        for (to, content, words) in [
            ("", content, "recipients.to: expected 1 to 50, not 0"),
            (r#"{"address":"c"}"#, content, "\"c\" is not an address"),
            (
                r#"{"address":"c@d\r\nBcc: e@f"}"#,
                content,
                "is not an address",
            ),
            (
                r#"{"address":"c@d","x":1}"#,
                content,
                "recipients.to[0].x: unknown field",
            ),
            (to, r#"{"subject":"s"}"#, "expected plainText or html"),
            (to, r#"{"html":"h"}"#, "missing field `subject`"),
        ] {
            let wrong = read(to, content).expect_err(words);
            assert!(wrong.contains(words), "{wrong}");
        }
    }
}
