//! The model, told what the parts would tell.

mod bounds;
mod ends;
mod wire;

use std::sync::Arc;

use serde_json::{Value, json};
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use ::host::{Delivered, DeliveryOutcome, Event, InvocationFailure};
use bus::{Accepted, DeadLetterReason, Message as Sent};
use logic_app::Received;
use logic_app::mail::Mail;
use stand_in::{Method, Moment, Seen, StatusCode};

const NOW: OffsetDateTime = datetime!(2026-05-04 09:30 UTC);
const PATH: &str = "/devstoreaccount1/orders/S.json";

/// A model, and the parts' words to it.
#[derive(Default)]
struct World(Model);

impl World {
    fn accepted(&mut self, sequence: u64) {
        let cart = r#"{"id":"S","products":[{"id":8,"name":"Scratcher","quantity":2}]}"#;
        let accepted = Accepted {
            sequence,
            enqueued: NOW,
            expires: NOW,
            message: Sent::new(cart)
                .with_session("S")
                .with_id(format!("m{sequence}")),
        };
        self.queue(&Transition::Accepted(Arc::new(accepted)));
    }

    fn queue(&mut self, transition: &Transition) {
        self.0.transition(transition, NOW);
    }

    fn locked(&mut self, sequence: u64, delivery_count: u32) {
        self.queue(&Transition::Locked {
            sequence,
            delivery_count,
            lock_token: Uuid::nil(),
        });
    }

    fn wire(&mut self, number: u64, of: Option<u64>, method: Method, moment: Moment) {
        let metadata = of.map(|of| ("sequence".to_owned(), of.to_string()));
        self.0.seen(&Seen {
            number,
            at: NOW,
            method,
            path: PATH.to_owned(),
            metadata: metadata.into_iter().collect(),
            moment,
        });
    }

    fn log(&mut self, line: &Value) {
        let event = Event::LogLine {
            level: Level::Information,
            text: line.to_string(),
        };
        self.0.event(&event, NOW);
    }

    fn outcome(&mut self, sequence: u64, delivery_count: u32, outcome: &str) {
        self.log(&json!({ "sequence_number": sequence, "delivery_count": delivery_count, "outcome": outcome, "message": outcome }));
    }

    fn whole(&self, sequence: u64) -> Value {
        json!(self.0.message(sequence).unwrap().whole())
    }
}

fn handed_over(operation: Uuid, sequence: u64) -> Received {
    let body = json!({ "operationId": operation.to_string(), "failure": { "sequenceNumber": sequence, "reason": "503 ServerBusy" } });
    Received {
        at: NOW,
        workflow: "w".to_owned(),
        operation_id: operation.to_string(),
        headers: std::collections::BTreeMap::new(),
        body: body.to_string().into(),
    }
}

fn mail(number: u64, operation_id: Uuid) -> Mail {
    let email = json!({ "senderAddress": "a@b", "recipients": { "to": [] }, "content": { "subject": "s" } });
    Mail {
        number,
        at: NOW,
        operation_id,
        email: serde_json::from_value(email).unwrap(),
        eml: Vec::new(),
    }
}
