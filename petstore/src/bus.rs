//! The bus: Service Bus's REST send interface, one message a request.
//!
//! Spec: "Send message" of the Service Bus REST API. One attempt here; when to try again is the
//! [`crate::outbox`]'s to say.

use std::time::Duration;

use azure_app::http_client::root_cause;
use azure_app::trace;
use azure_app::trace::{Span, SpanKind, TraceContext};
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use service_bus::{Queue, RequestError, TokenError, Tokens, retry_after};
use url::Url;

use crate::record::OwedOrder;

/// Takes messages to the bus.
pub trait Publisher: Send + Sync + 'static {
    /// Sends the order's message once; an answer without an error is the bus's clear yes, to this
    /// try or to an earlier one.
    ///
    /// # Errors
    /// [`SendError`]; the bus may have it all the same.
    fn publish(&self, order: &OwedOrder) -> impl Future<Output = Result<(), SendError>> + Send;
}

/// The bus did not say that it has the message.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It may take it later, or have it: busy, broken, or not to be reached.
    #[error("{problem}")]
    Later {
        /// What happened.
        problem: String,
        /// How long it asked us to wait.
        retry_after: Option<Duration>,
    },
    /// It will not, until a person changes something.
    #[error("{problem}")]
    Refused {
        /// What it said, and what to look at.
        problem: String,
        /// Whether it is about this one message, and not about who sends or where to.
        of_message: bool,
    },
}

/// Both may go better later: an identity that answers badly, and a bus that does not.
impl From<RequestError> for SendError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Token(error) => Self::later(error.to_string()),
            RequestError::Http(error) => Self::later(root_cause(&error)),
        }
    }
}

impl SendError {
    pub(crate) fn later(problem: impl Into<String>) -> Self {
        Self::Later {
            problem: problem.into(),
            retry_after: None,
        }
    }
}

/// One queue of the bus, and the right to send to it.
#[derive(Debug)]
pub struct Bus {
    queue: Queue,
    messages: Url,
    tokens: Tokens,
    client: reqwest::Client,
    timeout: Duration,
}

impl Bus {
    /// Fetches no token yet, and connects to nobody.
    ///
    /// # Errors
    /// When this machine offers no such identity.
    pub fn new(
        queue: Queue,
        client: reqwest::Client,
        timeout: Duration,
    ) -> Result<Self, TokenError> {
        Ok(Self {
            messages: queue.url(&["messages"]),
            tokens: Tokens::new(&client, &queue)?,
            queue,
            client,
            timeout,
        })
    }

    /// Where messages go, for the log.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.messages.as_str()
    }

    async fn post(&self, order: &OwedOrder) -> Result<(), SendError> {
        // Nothing but hexadecimal digits and hyphens goes in, so this is ASCII as a header must be.
        let properties = json!({
            "SessionId": order.session.as_str(),
            "MessageId": order.message,
            "CorrelationId": order.traceparent,
            "Label": "CartUpdated",
        });
        let properties = properties.to_string();
        // A property of ours is a header each; a text stands in quotes there.
        let trace = format!("\"{}\"", order.traceparent);
        let request = || {
            self.client
                .post(self.messages.clone())
                .header(CONTENT_TYPE, "application/json")
                .header("BrokerProperties", &properties)
                .header("Diagnostic-Id", &trace)
                .header("traceparent", &trace)
                .body(order.order.clone())
        };
        // After a 401 once more, with a new token.
        let answer = self.tokens.send(request).await?;
        let status = answer.status();
        trace::note(|span| span.answered(status.as_u16()));
        let busy = matches!(status.as_u16(), 408 | 429) || status.is_server_error();
        if busy {
            return Err(SendError::Later {
                problem: format!("the bus answers {status}"),
                retry_after: retry_after(answer.headers()),
            });
        }
        self.verdict(status)
    }

    /// Anything else is for a person to settle, so it says what to look at.
    fn verdict(&self, status: StatusCode) -> Result<(), SendError> {
        let hint = match status.as_u16() {
            200..=299 => return Ok(()),
            400 => "it does not accept our properties",
            401 => "it does not accept our key or token: see ServiceBusConnection",
            403 => "no right to send (role Azure Service Bus Data Sender), or its quota is used up",
            404 | 410 => "it has no such queue: see ORDERS_QUEUE_NAME",
            413 => "the message is too large",
            _ => "unexpected",
        };
        let queue = &self.queue.name;
        Err(SendError::Refused {
            problem: format!("the bus answers {status} for queue {queue}: {hint}"),
            of_message: matches!(status.as_u16(), 400 | 413),
        })
    }

    /// The span of one try, where spans are exported. Its trace is the message's: the click's.
    fn span(&self, order: &OwedOrder) -> Option<Span> {
        let name = || format!("send {}", self.queue.name).into();
        let click = TraceContext::parse(&order.traceparent);
        let mut span = Span::begin(SpanKind::Client, name, click)?;
        span.set("messaging.system", "servicebus");
        span.set("messaging.operation.name", "send");
        span.set("messaging.operation.type", "send");
        span.set("messaging.destination.name", self.queue.name.clone());
        span.set("messaging.message.id", order.message.clone());
        span.set("session.id", order.session.as_str().to_owned());
        span.asks(&self.messages);
        Some(span)
    }

    /// Reaches the bus without sending: any answer will do. Fetches a token where one is needed.
    ///
    /// # Errors
    /// In words.
    pub async fn reach(&self) -> Result<String, String> {
        self.tokens.get().await.map_err(|error| error.to_string())?;
        let origin = self.queue.connection.base.as_str();
        let request = self.client.get(origin).send();
        match tokio::time::timeout(self.timeout, request).await {
            Ok(Ok(_)) => Ok(format!("{origin} answers; queue {}", self.queue.name)),
            Ok(Err(error)) => Err(format!("{origin}: {}", root_cause(&error))),
            Err(_) => Err(format!("{origin}: no answer within {:?}", self.timeout)),
        }
    }
}

impl Publisher for Bus {
    async fn publish(&self, order: &OwedOrder) -> Result<(), SendError> {
        let sent = trace::within(self.span(order), async {
            let sent = self.post(order).await;
            trace::note(|span| settle(span, &sent));
            sent
        });
        match tokio::time::timeout(self.timeout, sent).await {
            Ok(outcome) => outcome,
            Err(_) => Err(SendError::later(format!(
                "no answer within {:?}",
                self.timeout
            ))),
        }
    }
}

fn settle(span: &mut Span, sent: &Result<(), SendError>) {
    match sent {
        Ok(()) => span.done(),
        Err(error) => {
            // Of an answer its status; else there was none.
            let status = span.status().map(|status| status.to_string());
            let kind = status.unwrap_or_else(|| "unreachable".to_owned());
            span.failed(kind, error.to_string());
        }
    }
}
