//! The start of a connection: protocol headers, and SASL when the client asks for it.

use bytes::BytesMut;
use fe2o3_amqp_types::primitives::{Array, Symbol};
use fe2o3_amqp_types::sasl::{SaslCode, SaslInit, SaslMechanisms, SaslOutcome};
use tokio::io::{AsyncRead, AsyncWrite};

use super::access::Access;
use super::frame::{Layer, put_sasl};
use super::nesting::split_value;
use super::shared::AmqpShared;
use super::wire::{Broken, PROTOCOL_HEADER, Wire};

const AMQP: [u8; PROTOCOL_HEADER] = *b"AMQP\x00\x01\x00\x00";
const SASL: [u8; PROTOCOL_HEADER] = *b"AMQP\x03\x01\x00\x00";

/// The first bytes of a client that begins with TLS.
pub(super) const TLS_HELLO: [u8; 2] = [0x16, 0x03];

/// MSSBCBS is Microsoft's name for: let me in, I bring tokens.
const MECHANISMS: [&str; 4] = ["MSSBCBS", "ANONYMOUS", "PLAIN", "EXTERNAL"];

/// Gets the client to the point where it opens its connection.
pub(super) async fn shake_hands<S>(
    wire: &mut Wire<S>,
    shared: &AmqpShared,
) -> Result<Access, Broken>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut access = Access::default();
    let mut header = wire.protocol_header().await?;
    if header == SASL {
        wire.send(&SASL).await?;
        access = authenticate(wire, shared).await?;
        header = wire.protocol_header().await?;
    }
    if header.starts_with(&TLS_HELLO) {
        shared.hint_about_tls();
    }
    // To a client that speaks something else it says what is spoken here.
    wire.send(&AMQP).await?;
    if header != AMQP {
        return Err(Broken::NotAmqp(format!(
            "a connection that starts with {header:?}"
        )));
    }
    Ok(access)
}

async fn authenticate<S>(wire: &mut Wire<S>, shared: &AmqpShared) -> Result<Access, Broken>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut out = BytesMut::new();
    let names: Vec<Symbol> = MECHANISMS.map(Symbol::from).into();
    let mechanisms = SaslMechanisms {
        sasl_server_mechanisms: Array::from(names),
    };
    put_sasl(&mut out, &mechanisms);
    wire.send(&out).await?;

    let frame = wire.frame().await?;
    let not_sasl = || Broken::NotAmqp("expected a sasl-init frame".to_owned());
    if frame.layer != Layer::Sasl {
        return Err(not_sasl());
    }
    let (value, _) = split_value(&frame.body).map_err(|_| not_sasl())?;
    let init: SaslInit = serde_amqp::from_slice(value).map_err(|_| not_sasl())?;
    let access = judge(&init, shared);
    let outcome = SaslOutcome {
        code: if access.is_some() {
            SaslCode::Ok
        } else {
            SaslCode::Auth
        },
        additional_data: None,
    };
    out.clear();
    put_sasl(&mut out, &outcome);
    wire.send(&out).await?;
    access.ok_or_else(|| Broken::NotAmqp("a wrong name or key by SASL PLAIN".to_owned()))
}

/// Name and key by PLAIN count for the namespace; whoever comes without brings tokens later.
fn judge(init: &SaslInit, shared: &AmqpShared) -> Option<Access> {
    let (Some(key), "PLAIN") = (&shared.options.key, init.mechanism.as_str()) else {
        return Some(Access::default());
    };
    let response = init.initial_response.as_ref()?;
    let mut parts = response.split(|byte| *byte == 0).skip(1);
    let good = parts.next()? == key.name.as_bytes() && parts.next()? == key.secret.as_bytes();
    good.then(Access::everything)
}
