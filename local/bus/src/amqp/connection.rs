//! One connection: the socket and the clock, and within them the machine that knows neither: it
//! takes frames and makes frames.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fe2o3_amqp_types::definitions::{AmqpError, ConnectionError, Error, ErrorCondition};
use fe2o3_amqp_types::performatives::{ChannelMax, Close, MaxFrameSize, Open, Performative};
use stand_in::Clock;
use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::access::Access;
use super::client::{Client, HeldSessions};
use super::context::SessionContext;
use super::frame::{FRAME_MAX, Frame, Layer, put_frame, put_heartbeat};
use super::handshake::shake_hands;
use super::nesting::{split_value, with_symbol_keys};
use super::refusal::AmqpRefusal;
use super::session::{Session, SessionStop};
use super::shared::AmqpShared;
use super::wire::{Broken, Progress, Wire};
use crate::queue::ID_MAX;

/// A client that has not opened its connection by then is hung up on.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Announced to the client, which says something at least that often; twice as long is waited for.
const IDLE: Duration = Duration::from_secs(60);

/// A client may ask for signs of life, but not more often.
const HEARTBEAT_MIN: Duration = Duration::from_millis(500);

/// Channels 0 to this one: .NET's client has a session for each link, and a processor of it a link
/// for each session of the queue that it serves.
const CHANNEL_MAX: u16 = 999;

/// Bytes that may wait for a client that does not read.
const OUT_MAX: usize = 4 * 1024 * 1024;

/// The smallest frame that a client has to take.
const FRAME_MIN: u32 = 512;

/// Serves one client until it leaves.
pub(super) async fn serve(stream: TcpStream, shared: Arc<AmqpShared>) {
    // The last of the messages for its credit would wait until the client acknowledges those before,
    // which it puts off for 40 ms. An error: it has left.
    stream.set_nodelay(true).ok();
    let mut wire = Wire::new(stream);
    // Broken connections are ordinary here: clients end without a word, and others speak no AMQP.
    converse(&mut wire, shared).await.ok();
    timeout(PATIENCE, wire.close()).await.ok();
}

async fn converse(wire: &mut Wire<TcpStream>, shared: Arc<AmqpShared>) -> Result<(), Broken> {
    let opening = Instant::now() + PATIENCE;
    let shaken = timeout(PATIENCE, shake_hands(wire, &shared)).await;
    let access = shaken.map_err(|_| Broken::Silent)??;
    let (mut changes, clock) = (shared.changes(), shared.clock());
    let mut connection = ConnectionState::new(shared, access, wire.peer());
    let cut = Arc::clone(&connection.client.cut);
    let (mut heard, mut said) = (Instant::now(), Instant::now());
    // When the client last took something, while something waits for it.
    let mut moved = None;
    loop {
        connection.pump(clock.now());
        if connection.over {
            break;
        }
        if connection.out.is_empty() {
            moved = None;
        }
        let stalled = *moved.get_or_insert_with(Instant::now) + 2 * IDLE;
        let deadline = if connection.is_open {
            heard + 2 * IDLE
        } else {
            opening
        };
        // Who does not read its answers is not listened to.
        let reads = connection.out.len() < OUT_MAX;
        let heartbeat = said + connection.heartbeat();
        let wants = connection.wants(clock.now());
        let wakes = connection.wakes();
        tokio::select! {
            progress = wire.frame_or_room(&mut connection.out, reads) => match progress? {
                Progress::Frame(frame) => {
                    connection.take(&frame, clock.now());
                    heard = Instant::now();
                }
                Progress::Bytes => {}
                Progress::Sent => {
                    said = Instant::now();
                    moved = Some(said);
                }
            },
            () = any_changed(&mut changes), if wants => {}
            () = sleep_to(clock, wakes) => {}
            () = sleep_until(heartbeat) => {
                put_heartbeat(&mut connection.out);
                said = Instant::now();
            }
            () = sleep_until(deadline) => return Err(Broken::Silent),
            () = sleep_until(stalled), if !connection.out.is_empty() => return Err(Broken::Silent),
            () = cut.notified() => return Err(Broken::Cut),
        }
    }
    let sent = timeout(PATIENCE, wire.send(&connection.out)).await;
    sent.map_err(|_| Broken::Silent)?
}

/// Waits until one of the queues has changed.
async fn any_changed(changes: &mut [watch::Receiver<()>]) {
    let mut changed: Vec<_> = changes
        .iter_mut()
        .map(|it| Box::pin(it.changed()))
        .collect();
    poll_fn(|context| {
        // An error means that the queue is gone, and nothing will change in it.
        let mut ready = changed.iter_mut().map(|it| it.as_mut().poll(context));
        if ready.any(|polled| matches!(polled, Poll::Ready(Ok(())))) {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
}

async fn sleep_to(clock: Clock, time: Option<OffsetDateTime>) {
    match time {
        Some(time) => clock.sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// The connection as a machine: [`ConnectionState::take`] a frame, [`ConnectionState::pump`] what
/// the queue has, and send what is in `out`.
#[derive(Debug)]
struct ConnectionState {
    shared: Arc<AmqpShared>,
    access: Access,
    /// It has opened the connection.
    is_open: bool,
    client: Client,
    held: HeldSessions,
    channels: BTreeMap<u16, Channel>,
    out: BytesMut,
    /// Nothing is to be taken or sent any more.
    over: bool,
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
    fn new(shared: Arc<AmqpShared>, access: Access, address: String) -> Self {
        Self {
            shared,
            access,
            is_open: false,
            client: Client {
                container: String::new(),
                address,
                frame_max: FRAME_MAX as usize,
                heartbeat: None,
                cut: Arc::default(),
            },
            held: HeldSessions::default(),
            channels: BTreeMap::new(),
            out: BytesMut::new(),
            over: false,
        }
    }

    /// How long nothing may be sent.
    fn heartbeat(&self) -> Duration {
        self.client.heartbeat.unwrap_or(10 * IDLE)
    }

    fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.channels.values().filter_map(|channel| match channel {
            Channel::Session(session) => Some(session),
            Channel::Discarding => None,
        })
    }

    /// Whether something that happens in a queue may be for this client.
    fn wants(&self, now: OffsetDateTime) -> bool {
        self.out.len() < OUT_MAX && self.sessions().any(|session| session.wants(now))
    }

    /// When to look again although nothing has happened.
    fn wakes(&self) -> Option<OffsetDateTime> {
        if self.out.len() >= OUT_MAX {
            return None;
        }
        let own = self.sessions().filter_map(Session::wakes);
        let queues = self.shared.options.queues.iter();
        let receives = self.sessions().any(Session::receives);
        let events = queues.filter_map(|queue| receives.then(|| queue.next_event())?);
        own.chain(events).min()
    }

    /// Takes from the queues what this client has asked for.
    fn pump(&mut self, now: OffsetDateTime) {
        for channel in self.channels.values_mut() {
            if let Channel::Session(session) = channel {
                session.pump(&mut SessionContext {
                    access: &mut self.access,
                    shared: &self.shared,
                    client: &self.client,
                    held: &mut self.held,
                    now,
                    out: &mut self.out,
                });
            }
        }
    }

    fn take(&mut self, frame: &Frame, now: OffsetDateTime) {
        if frame.layer == Layer::Sasl {
            self.close(
                ConnectionError::FramingError,
                "a SASL frame after SASL has ended",
            );
        } else if !frame.body.is_empty() {
            match decode(&frame.body) {
                Ok((performative, payload)) => {
                    self.act(frame.channel, performative, &payload, now);
                }
                Err(_) if is_transactional(&frame.body) => {
                    self.say_close(Some(AmqpRefusal::transactions().into_error()));
                }
                Err(problem) => self.close(AmqpError::DecodeError, &problem),
            }
        }
    }

    fn act(
        &mut self,
        channel: u16,
        performative: Performative,
        payload: &[u8],
        now: OffsetDateTime,
    ) {
        match performative {
            Performative::Open(open) => self.open(&open),
            Performative::Close(_) => self.say_close(None),
            _ if !self.is_open => {
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
                let session = Session::begin(channel, &begin, self.client.frame_max, &mut self.out);
                self.channels.insert(channel, Channel::Session(session));
            }
            other => self.act_on_channel(channel, other, payload, now),
        }
    }

    fn act_on_channel(
        &mut self,
        channel: u16,
        performative: Performative,
        payload: &[u8],
        now: OffsetDateTime,
    ) {
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
                    client: &self.client,
                    held: &mut self.held,
                    now,
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
        if self.is_open {
            return self.close(AmqpError::IllegalState, "open twice");
        }
        // "The value in idle-time-out SHOULD be half the peer's actual timeout": once in half of it
        // is often enough.
        let heartbeat = open.idle_time_out.filter(|asked| *asked > 0);
        self.client.heartbeat =
            heartbeat.map(|asked| (Duration::from_millis(asked.into()) / 2).max(HEARTBEAT_MIN));
        self.client.container = open.container_id.chars().take(ID_MAX).collect();
        // "A peer MUST NOT send frames larger than its partner can handle", which is 512 bytes at
        // least (2.7.1).
        let frame_max = open.max_frame_size.0.clamp(FRAME_MIN, FRAME_MAX);
        self.client.frame_max = frame_max as usize;
        self.is_open = true;
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
    let performative = serde_amqp::from_slice(head).or_else(|error| {
        // Node's client names the fields of an error's info by strings, which have to be symbols.
        let mended = with_symbol_keys(head).map_err(|_| error)?;
        serde_amqp::from_slice(&mended)
    });
    let performative = performative.map_err(|error| error.to_string())?;
    Ok((performative, body.slice(head.len()..)))
}

/// Whether a frame that cannot be read speaks of transactions, by the descriptors of their types
/// (part 4): a coordinator as a link's target, and states of deliveries.
fn is_transactional(body: &[u8]) -> bool {
    body.windows(3)
        .any(|window| matches!(window, [0x00, 0x53, 0x30 | 0x33 | 0x34]))
}
