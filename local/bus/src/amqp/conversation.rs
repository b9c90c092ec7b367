//! What is said on one connection, as a machine: a frame is taken, and answers are in `out`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fe2o3_amqp_types::definitions::{AmqpError, ConnectionError, Error, ErrorCondition};
use fe2o3_amqp_types::performatives::{ChannelMax, Close, MaxFrameSize, Open, Performative};

use super::access::Access;
use super::frame::{Frame, LARGEST_FRAME, Layer, put_frame};
use super::nesting::split_value;
use super::refusal::Refusal;
use super::session::{Ended, Session};
use super::shared::Shared;

/// Announced to the client, which says something at least that often; twice as long is waited for.
pub(super) const IDLE: Duration = Duration::from_secs(60);

/// A client may ask for signs of life, but not more often.
const FASTEST_HEARTBEAT: Duration = Duration::from_millis(500);

/// Channels 0 to this one: Microsoft's clients use two sessions.
const LAST_CHANNEL: u16 = 15;

/// What the client said when it opened.
#[derive(Debug)]
struct Client {
    heartbeat: Option<Duration>,
}

/// The connection as a machine: [`Conversation::take`] a frame, and send what is in `out`.
#[derive(Debug)]
pub(super) struct Conversation {
    shared: Arc<Shared>,
    access: Access,
    client: Option<Client>,
    sessions: BTreeMap<u16, Session>,
    /// What is to be sent.
    pub(super) out: Vec<u8>,
    /// Nothing is to be taken or sent any more.
    pub(super) over: bool,
}

impl Conversation {
    pub(super) fn new(shared: Arc<Shared>, access: Access) -> Self {
        Self {
            shared,
            access,
            client: None,
            sessions: BTreeMap::new(),
            out: Vec::new(),
            over: false,
        }
    }

    /// Whether the client has opened the connection.
    pub(super) fn is_open(&self) -> bool {
        self.client.is_some()
    }

    /// How long nothing may be sent.
    pub(super) fn heartbeat(&self) -> Duration {
        let asked = self.client.as_ref().and_then(|client| client.heartbeat);
        asked.unwrap_or(10 * IDLE)
    }

    /// Takes a frame.
    pub(super) fn take(&mut self, frame: &Frame) {
        if frame.layer == Layer::Sasl {
            self.close(
                ConnectionError::FramingError,
                "a SASL frame after SASL has ended",
            );
        } else if !frame.body.is_empty() {
            match decode(&frame.body) {
                Ok((performative, payload)) => self.act(frame.channel, performative, &payload),
                Err(problem) => self.close(AmqpError::DecodeError, &problem),
            }
        }
    }

    fn act(&mut self, channel: u16, performative: Performative, payload: &[u8]) {
        match performative {
            Performative::Open(open) => self.open(&open),
            Performative::Close(_) => self.say_close(None),
            _ if self.client.is_none() => {
                self.close(AmqpError::IllegalState, "expected open first");
            }
            Performative::Begin(_) if channel > LAST_CHANNEL => {
                let problem = format!("channel {channel}: channel-max is {LAST_CHANNEL}");
                self.close(ConnectionError::FramingError, &problem);
            }
            Performative::Begin(begin) => {
                let session = Session::begin(channel, &begin, &mut self.out);
                self.sessions.insert(channel, session);
            }
            other => self.act_on_session(channel, other, payload),
        }
    }

    fn act_on_session(&mut self, channel: u16, performative: Performative, payload: &[u8]) {
        let Some(session) = self.sessions.get_mut(&channel) else {
            // The rest of what was under way when a session was ended.
            return;
        };
        let (access, shared) = (&mut self.access, &self.shared);
        if let Err(Ended) = session.take(performative, payload, access, shared, &mut self.out) {
            self.sessions.remove(&channel);
        }
    }

    fn open(&mut self, open: &Open) {
        if self.client.is_some() {
            return self.close(AmqpError::IllegalState, "open twice");
        }
        // "The value in idle-time-out SHOULD be half the peer's actual timeout": once in half of it is often enough.
        let heartbeat = open.idle_time_out.filter(|asked| *asked > 0);
        self.client = Some(Client {
            heartbeat: heartbeat
                .map(|asked| (Duration::from_millis(asked.into()) / 2).max(FASTEST_HEARTBEAT)),
        });
        let answer = Open {
            container_id: "local-stack".to_owned(),
            hostname: None,
            max_frame_size: MaxFrameSize(LARGEST_FRAME),
            channel_max: ChannelMax(LAST_CHANNEL),
            idle_time_out: Some(u32::try_from(IDLE.as_millis()).unwrap_or(u32::MAX)),
            outgoing_locales: None,
            incoming_locales: None,
            offered_capabilities: None,
            desired_capabilities: None,
            properties: None,
        };
        put_frame(&mut self.out, 0, &Performative::Open(answer), &[]);
    }

    fn close(&mut self, condition: impl Into<ErrorCondition>, problem: &str) {
        self.say_close(Some(Refusal::new(condition, problem).into_error()));
    }

    fn say_close(&mut self, error: Option<Error>) {
        put_frame(&mut self.out, 0, &Performative::Close(Close { error }), &[]);
        self.over = true;
    }
}

/// Divides a frame into its performative and the payload behind it.
fn decode(body: &Bytes) -> Result<(Performative, Bytes), String> {
    let (head, _) = split_value(body).map_err(|malformed| malformed.to_string())?;
    let performative = serde_amqp::from_slice(head).map_err(|error| error.to_string())?;
    Ok((performative, body.slice(head.len()..)))
}
