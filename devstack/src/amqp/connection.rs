//! One connection: frames in, frames out. Only [`serve`] touches the socket.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fe2o3_amqp_types::definitions::{AmqpError, ConnectionError, Error, ErrorCondition};
use fe2o3_amqp_types::performatives::{ChannelMax, Close, MaxFrameSize, Open, Performative};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use super::Shared;
use super::access::Access;
use super::handshake::shake_hands;
use super::nesting::split_value;
use super::refusal::Refusal;
use super::session::{Ended, Session};
use super::wire::{Broken, Frame, LARGEST_FRAME, Layer, Wire, put_frame, put_heartbeat};

/// A client that has not opened its connection by then is hung up on.
const PATIENCE: Duration = Duration::from_secs(30);

/// Announced to the client, which says something at least that often; twice as long is waited for.
const IDLE: Duration = Duration::from_secs(60);

/// A client may ask for signs of life, but not more often.
const FASTEST_HEARTBEAT: Duration = Duration::from_millis(500);

/// Channels 0 to this one: Microsoft's clients use two sessions.
const LAST_CHANNEL: u16 = 15;

/// Serves one client until it leaves.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut wire = Wire::new(stream);
    // Broken connections are ordinary here: clients end without a word, and strangers knock.
    converse(&mut wire, shared).await.ok();
    timeout(PATIENCE, wire.close()).await.ok();
}

async fn converse(wire: &mut Wire<TcpStream>, shared: Arc<Shared>) -> Result<(), Broken> {
    let opening = Instant::now() + PATIENCE;
    let shaken = timeout(PATIENCE, shake_hands(wire, &shared)).await;
    let access = shaken.map_err(|_| Broken::Silent)??;
    let mut conversation = Conversation::new(shared, access);
    let mut heard = Instant::now();
    let mut said = Instant::now();
    while !conversation.over {
        let deadline = match &conversation.client {
            Some(_) => heard + 2 * IDLE,
            None => opening,
        };
        tokio::select! {
            frame = wire.frame() => {
                conversation.take(&frame?);
                heard = Instant::now();
            }
            () = sleep_until(conversation.heartbeat_due(said)) => put_heartbeat(&mut conversation.out),
            () = sleep_until(deadline) => return Err(Broken::Silent),
        }
        if !conversation.out.is_empty() {
            // A client that does not read would hold its answers in memory.
            let sent = timeout(PATIENCE, wire.send(&conversation.out)).await;
            sent.map_err(|_| Broken::Silent)??;
            conversation.out.clear();
            said = Instant::now();
        }
    }
    Ok(())
}

/// What the client said when it opened.
#[derive(Debug)]
struct Client {
    heartbeat: Option<Duration>,
}

/// The connection as a machine: [`Conversation::take`] a frame, and send what is in `out`.
#[derive(Debug)]
struct Conversation {
    shared: Arc<Shared>,
    access: Access,
    client: Option<Client>,
    sessions: BTreeMap<u16, Session>,
    out: Vec<u8>,
    over: bool,
}

impl Conversation {
    fn new(shared: Arc<Shared>, access: Access) -> Self {
        Self {
            shared,
            access,
            client: None,
            sessions: BTreeMap::new(),
            out: Vec::new(),
            over: false,
        }
    }

    fn take(&mut self, frame: &Frame) {
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

    fn heartbeat_due(&self, said: Instant) -> Instant {
        let asked = self.client.as_ref().and_then(|client| client.heartbeat);
        said + asked.unwrap_or(10 * IDLE)
    }
}

/// Divides a frame into its performative and the payload behind it.
fn decode(body: &Bytes) -> Result<(Performative, Bytes), String> {
    let (head, _) = split_value(body).map_err(|malformed| malformed.to_string())?;
    let performative = serde_amqp::from_slice(head).map_err(|error| error.to_string())?;
    Ok((performative, body.slice(head.len()..)))
}
