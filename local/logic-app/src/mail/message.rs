//! The request of `emails:send`: the properties that the workflow sends. Others are refused by
//! name.

use serde::Deserialize;

/// An e-mail, as it is handed to the service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Email {
    pub sender_address: String,
    pub recipients: Recipients,
    pub content: Content,
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
