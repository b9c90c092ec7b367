//! Bodies that were published as an AMQP value, and not as data: a `TextMessage` of JMS, a string
//! of a client that gives the body no bytes. The Functions host cannot bind them, so that they die
//! after ten deliveries and the function never sees them.
//!
//! How the REST interface hands such a body out is not documented, and nobody of us has seen it.
//! Two forms are known of others who read these messages without AMQP: the value as AMQP encodes it
//! (OASIS AMQP 1.0, part 1, §1.6; Azure/amqpnetlite #117), and .NET's XML for a string or bytes.
//! Where the text itself is handed out there is nothing to do. Neither form can be JSON, so no
//! order is taken for one of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use quick_xml::escape::unescape;

/// What .NET's serialisers put around a string or bytes.
const NAMESPACE: &str = "http://schemas.microsoft.com/2003/10/Serialization/";

/// The section "amqp-value", before the value (part 3, §3.2.8), in its short and its long form.
const SECTION: [&[u8]; 2] = [&[0, 0x53, 0x77], &[0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x77]];

/// The string or the bytes within, and how they were wrapped; `None` for any other body.
pub(super) fn value_within(body: &Bytes) -> Option<(Bytes, &'static str)> {
    amqp(body).or_else(|| xml(body))
}

fn amqp(body: &Bytes) -> Option<(Bytes, &'static str)> {
    let section = SECTION.iter().find(|section| body.starts_with(section));
    let value = body.slice(section.map_or(0, |section| section.len())..);
    let (code, form, wide) = match value.first()? {
        0xa0 => (1, "bytes in an AMQP value", false),
        0xb0 => (1, "bytes in an AMQP value", true),
        0xa1 => (1, "a string in an AMQP value", false),
        0xb1 => (1, "a string in an AMQP value", true),
        _ => return None,
    };
    let (length, start) = if wide {
        let length = value.get(code..code + 4)?.try_into().ok()?;
        (usize::try_from(u32::from_be_bytes(length)).ok()?, code + 4)
    } else {
        (usize::from(*value.get(code)?), code + 1)
    };
    // To the last byte, or it is something else that begins alike.
    (value.len() == start + length).then(|| (value.slice(start..), form))
}

fn xml(body: &Bytes) -> Option<(Bytes, &'static str)> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let text = text.trim_start_matches('\u{feff}');
    let text = match text.strip_prefix("<?xml") {
        Some(declaration) => declaration.split_once("?>")?.1.trim_start(),
        None => text,
    };
    let (start, rest) = text.strip_prefix('<')?.split_once('>')?;
    let name = start.split([' ', '\n']).next()?;
    if !start.contains(NAMESPACE) {
        return None;
    }
    let inner = rest.strip_suffix(&format!("</{name}>"))?;
    if inner.contains('<') {
        return None;
    }
    let inner = unescape(inner).ok()?.into_owned();
    match name {
        "string" => Some((inner.into(), "a string in .NET's XML")),
        "base64Binary" => {
            let bytes = STANDARD.decode(inner.trim()).ok()?;
            Some((bytes.into(), "bytes in .NET's XML"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = r#"{"id":"S & <Z>","products":[]}"#;

    fn encoded(head: &[u8], order: &str) -> Bytes {
        [head, order.as_bytes()].concat().into()
    }

    #[test]
    fn a_value_is_taken_out_of_each_form() {
        let short = u8::try_from(ORDER.len()).unwrap();
        let long = u32::try_from(ORDER.len()).unwrap().to_be_bytes();
        let escaped = ORDER.replace('&', "&amp;").replace('<', "&lt;");
        let string = format!(r#"<string xmlns="{NAMESPACE}">{escaped}</string>"#);
        let binary = STANDARD.encode(ORDER);
        let binary = format!(r#"<base64Binary xmlns="{NAMESPACE}">{binary}</base64Binary>"#);
        for (body, form) in [
            (encoded(&[0xa1, short], ORDER), "a string in an AMQP value"),
            (encoded(&[0xa0, short], ORDER), "bytes in an AMQP value"),
            (
                encoded(&[&[0xb1], &long[..]].concat(), ORDER),
                "a string in an AMQP value",
            ),
            (
                encoded(&[&[0xb0], &long[..]].concat(), ORDER),
                "bytes in an AMQP value",
            ),
            (
                encoded(&[0, 0x53, 0x77, 0xa1, short], ORDER),
                "a string in an AMQP value",
            ),
            (
                encoded(&[0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x77, 0xa1, short], ORDER),
                "a string in an AMQP value",
            ),
            (string.clone().into(), "a string in .NET's XML"),
            (
                format!("\u{feff}<?xml version=\"1.0\"?>\r\n{string}\n").into(),
                "a string in .NET's XML",
            ),
            (binary.into(), "bytes in .NET's XML"),
        ] {
            assert_eq!(value_within(&body), Some((ORDER.into(), form)), "{body:?}");
        }
    }

    #[test]
    fn anything_else_is_left_as_it_is() {
        for body in [
            Bytes::new(),
            ORDER.into(),
            encoded(&[0xa1, 3], ORDER),
            encoded(&[0xa1, 200], ORDER),
            encoded(&[0xb1, 0, 0], ""),
            encoded(&[0xa1], ""),
            encoded(&[0, 0x53, 0x75, 0xa0, 2], "{}"),
            encoded(&[0, 0x53, 0x77], ""),
            "<string>{}</string>".into(),
            format!(r#"<string xmlns="{NAMESPACE}">{{}}"#).into(),
            format!(r#"<string xmlns="{NAMESPACE}"><b/></string>"#).into(),
            format!(r#"<string xmlns="{NAMESPACE}">&bad;</string>"#).into(),
            format!(r#"<int xmlns="{NAMESPACE}">5</int>"#).into(),
            format!(r#"<base64Binary xmlns="{NAMESPACE}">*</base64Binary>"#).into(),
        ] {
            assert_eq!(value_within(&body), None, "{body:?}");
        }
    }
}
