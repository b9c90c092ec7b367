//! One connection: the socket and the clock, and within them the machine that knows neither: it
//! takes frames and makes frames.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fe2o3_amqp_types::definitions::{AmqpError, ConnectionError, Error, ErrorCondition};
use fe2o3_amqp_types::performatives::{ChannelMax, Close, MaxFrameSize, Open, Performative};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use super::access::Access;
use super::frame::{FRAME_MAX, Frame, Layer, put_frame, put_heartbeat};
use super::handshake::shake_hands;
use super::nesting::split_value;
use super::refusal::AmqpRefusal;
use super::session::{Session, SessionContext, SessionStop};
use super::shared::AmqpShared;
use super::wire::{Broken, Wire};

/// A client that has not opened its connection by then is hung up on.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Announced to the client, which says something at least that often; twice as long is waited for.
const IDLE: Duration = Duration::from_secs(60);

/// A client may ask for signs of life, but not more often.
const HEARTBEAT_MIN: Duration = Duration::from_millis(500);

/// Channels 0 to this one: Microsoft's clients use two sessions.
const CHANNEL_MAX: u16 = 15;

/// Serves one client until it leaves.
pub(super) async fn serve(stream: TcpStream, shared: Arc<AmqpShared>) {
    let mut wire = Wire::new(stream);
    // Broken connections are ordinary here: clients end without a word, and others speak no AMQP.
    converse(&mut wire, shared).await.ok();
    timeout(PATIENCE, wire.close()).await.ok();
}

async fn converse(wire: &mut Wire<TcpStream>, shared: Arc<AmqpShared>) -> Result<(), Broken> {
    let opening = Instant::now() + PATIENCE;
    let shaken = timeout(PATIENCE, shake_hands(wire, &shared)).await;
    let access = shaken.map_err(|_| Broken::Silent)??;
    let mut connection = ConnectionState::new(shared, access);
    let mut heard = Instant::now();
    let mut said = Instant::now();
    while !connection.over {
        let deadline = if connection.client.is_some() {
            heard + 2 * IDLE
        } else {
            opening
        };
        tokio::select! {
            frame = wire.frame() => {
                connection.take(&frame?);
                heard = Instant::now();
            }
            () = sleep_until(said + connection.heartbeat()) => put_heartbeat(&mut connection.out),
            () = sleep_until(deadline) => return Err(Broken::Silent),
        }
        if !connection.out.is_empty() {
            // A client that does not read would hold its answers in memory.
            let sent = timeout(PATIENCE, wire.send(&connection.out)).await;
            sent.map_err(|_| Broken::Silent)??;
            connection.out.clear();
            said = Instant::now();
        }
    }
    Ok(())
}

/// The connection as a machine: [`ConnectionState::take`] a frame, and send what is in `out`.
#[derive(Debug)]
struct ConnectionState {
    shared: Arc<AmqpShared>,
    access: Access,
    /// Once it has opened the connection.
    client: Option<Client>,
    channels: BTreeMap<u16, Channel>,
    out: Vec<u8>,
    /// Nothing is to be taken or sent any more.
    over: bool,
}

#[derive(Debug)]
struct Client {
    heartbeat: Option<Duration>,
}

/// What a channel is in use for.
#[derive(Debug)]
enum Channel {
    Session(Session),
    /// We have ended the session for an error. What the client sent before it heard of that is
    /// discarded until its own end; only then is the channel free again.
    Discarding,
}

impl ConnectionState {
    fn new(shared: Arc<AmqpShared>, access: Access) -> Self {
        Self {
            shared,
            access,
            client: None,
            channels: BTreeMap::new(),
            out: Vec::new(),
            over: false,
        }
    }

    /// How long nothing may be sent.
    fn heartbeat(&self) -> Duration {
        let asked = self.client.as_ref().and_then(|client| client.heartbeat);
        asked.unwrap_or(10 * IDLE)
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
            _ if channel > CHANNEL_MAX => {
                let problem = format!("channel {channel}: channel-max is {CHANNEL_MAX}");
                self.close(ConnectionError::FramingError, &problem);
            }
            // The links of its session would be gone with what is under way on them, and the client
            // told nothing.
            Performative::Begin(_) if self.channels.contains_key(&channel) => {
                let problem = format!("a begin on channel {channel}, which is in use");
                self.close(AmqpError::IllegalState, &problem);
            }
            Performative::Begin(begin) => {
                let session = Session::begin(channel, &begin, &mut self.out);
                self.channels.insert(channel, Channel::Session(session));
            }
            other => self.act_on_channel(channel, other, payload),
        }
    }

    fn act_on_channel(&mut self, channel: u16, performative: Performative, payload: &[u8]) {
        match (self.channels.get_mut(&channel), performative) {
            // Service Bus lets these pass too: a client that waited in vain for an answer takes
            // leave once more.
            (None, Performative::End(_) | Performative::Detach(_)) => {}
            (None, _) => {
                let problem = format!("channel {channel} has no session");
                self.close(AmqpError::NotFound, &problem);
            }
            (Some(Channel::Discarding), Performative::End(_)) => {
                self.channels.remove(&channel);
            }
            (Some(Channel::Discarding), _) => {}
            (Some(Channel::Session(session)), performative) => {
                let mut context = SessionContext {
                    access: &mut self.access,
                    shared: &self.shared,
                    out: &mut self.out,
                };
                match session.take(performative, payload, &mut context) {
                    Ok(()) => {}
                    Err(SessionStop::Ended) => drop(self.channels.remove(&channel)),
                    Err(SessionStop::Refused) => {
                        self.channels.insert(channel, Channel::Discarding);
                    }
                    Err(SessionStop::HungUp) => {
                        self.out.clear();
                        self.over = true;
                    }
                    Err(SessionStop::Fatal(refusal)) => self.say_close(Some(refusal.into_error())),
                }
            }
        }
    }

    fn open(&mut self, open: &Open) {
        if self.client.is_some() {
            return self.close(AmqpError::IllegalState, "open twice");
        }
        // "The value in idle-time-out SHOULD be half the peer's actual timeout": once in half of it
        // is often enough.
        let heartbeat = open.idle_time_out.filter(|asked| *asked > 0);
        self.client = Some(Client {
            heartbeat: heartbeat
                .map(|asked| (Duration::from_millis(asked.into()) / 2).max(HEARTBEAT_MIN)),
        });
        let answer = Open {
            container_id: "local-stack".to_owned(),
            hostname: None,
            max_frame_size: MaxFrameSize(FRAME_MAX),
            channel_max: ChannelMax(CHANNEL_MAX),
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
        self.say_close(Some(AmqpRefusal::new(condition, problem).into_error()));
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
