//! What a POST does. The change is on the disk before the answer, and the answer leads back to the
//! cart: a reload repeats nothing.

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tracing::{error, info, warn};

use super::guard::PostRefused;
use super::views::{Visitor, cookie};
use super::{Shop, guard};
use crate::cart::{Step, StepRefused};
use crate::outbox::{Change, NotAccepted};
use crate::pages::Note;
use crate::session::{Visit, is_email};
use crate::{order, pages};

#[derive(Deserialize)]
pub(super) struct ChangeForm {
    #[serde(default)]
    token: String,
    step: String,
    product: u32,
}

pub(super) async fn change(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    form: Result<Form<ChangeForm>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else {
        return unreadable(shop, &headers);
    };
    let mut visit = match guard::post(&shop, &headers, &form.token) {
        Ok(visit) => visit,
        Err(refused) => return refuse(shop, &headers, refused),
    };
    let Some(step) = Step::of_word(&form.step) else {
        return unreadable(shop, &headers);
    };
    if step == Step::Add && visit.cart.is_complete() {
        visit = Visit::fresh();
    }
    if let Err(refused) = visit.cart.step(step, form.product) {
        return match Note::of_refused(refused) {
            Some(note) => to_cart(note, form.product).into_response(),
            None => Redirect::to("/cart").into_response(),
        };
    }
    let note = Note::of_step(step, visit.cart.quantity(form.product));
    match publish(&shop, &mut visit).await {
        Ok(()) => (cookie(&shop, &visit), to_cart(note, form.product)).into_response(),
        Err(reason) => turned_away(shop, &headers, reason),
    }
}

#[derive(Deserialize)]
pub(super) struct CompleteForm {
    #[serde(default)]
    token: String,
    #[serde(default)]
    email: String,
}

pub(super) async fn complete(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    form: Result<Form<CompleteForm>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else {
        return unreadable(shop, &headers);
    };
    let mut visit = match guard::post(&shop, &headers, &form.token) {
        Ok(visit) => visit,
        Err(refused) => return refuse(shop, &headers, refused),
    };
    let email = form.email.trim();
    if !email.is_empty() && !is_email(email) {
        return Visitor::new(shop, &headers).page(StatusCode::BAD_REQUEST, |frame| {
            let text = "The e-mail address needs a name, an @ and a host, and at most 255 characters. Your cart is as it was.";
            pages::problem(frame, "That address does not look right", text)
        });
    }
    match visit.cart.complete() {
        Ok(()) => {}
        Err(StepRefused::Complete) => return Redirect::to("/order").into_response(),
        Err(_) => return Redirect::to("/cart").into_response(),
    }
    visit.email = Some(email.to_owned()).filter(|email| !email.is_empty());
    match publish(&shop, &mut visit).await {
        Ok(()) => (cookie(&shop, &visit), Redirect::to("/order")).into_response(),
        Err(reason) => turned_away(shop, &headers, reason),
    }
}

/// The whole order, accepted by the outbox. On an error the shopper keeps the cookie they have.
async fn publish(shop: &Shop, visit: &mut Visit) -> Result<(), NotAccepted> {
    visit.revision += 1;
    let order = order::json(visit).and_then(|order| Change::new(visit, order));
    let change = order.map_err(|_| NotAccepted::Disk)?;
    info!(
        session = %visit.session,
        revision = visit.revision,
        message_id = change.message,
        pieces = visit.cart.pieces(),
        complete = visit.cart.is_complete(),
        "cart changed"
    );
    shop.outbox.accept(change).await
}

fn to_cart(note: Note, product: u32) -> Redirect {
    Redirect::to(&format!("/cart?note={}&product={product}", note.word()))
}

fn unreadable(shop: Arc<Shop>, headers: &HeaderMap) -> Response {
    Visitor::new(shop, headers).page(StatusCode::BAD_REQUEST, |frame| {
        pages::problem(
            frame,
            "That did not arrive whole",
            "Please go back and try again. Your cart is as it was.",
        )
    })
}

fn refuse(shop: Arc<Shop>, headers: &HeaderMap, refused: PostRefused) -> Response {
    warn!(?refused, "post refused");
    let (title, text) = match refused {
        PostRefused::CrossSite => (
            "Not from here",
            "This request came from another site, so nothing was changed.",
        ),
        PostRefused::NoSession => (
            "Your cart has no home yet",
            "Your browser sent no cookie of ours. The cart lives in it: please allow cookies for this site, go back and try again.",
        ),
        PostRefused::Stale => (
            "This page was out of date",
            "It belonged to an earlier order. Nothing was changed: please go back to the cart and try again.",
        ),
    };
    Visitor::new(shop, headers).page(StatusCode::FORBIDDEN, |frame| {
        pages::problem(frame, title, text)
    })
}

fn turned_away(shop: Arc<Shop>, headers: &HeaderMap, reason: NotAccepted) -> Response {
    error!(%reason, "a cart change was turned away");
    Visitor::new(shop, headers).page(StatusCode::SERVICE_UNAVAILABLE, |frame| {
        let text = "Reservations are piling up and we take no more changes for a moment, so that none gets lost. Your cart is as it was: please try again in a minute.";
        pages::problem(frame, "We need a moment", text)
    })
}
