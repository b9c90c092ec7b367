//! What a POST does. The change is in the store before the answer, and the answer leads back to the
//! cart: a reload repeats nothing.
//!
//! Each click is an operation on the cart as it is stored, so an old page undoes nothing: two clicks
//! on "one more" are two more. An order is placed as the page showed it, and once: the form names
//! session and state, so a second press finds it placed, and a page that is out of date places
//! nothing.

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tracing::{error, info, warn};

use super::guard::PostRefused;
use super::views::{NoCart, RETRY_AFTER, Visitor, cookie};
use super::{Shop, guard};
use crate::cart::Step;
use crate::carts::{CartsError, ClickError, Clicked};
use crate::cookie::ShopperKey;
use crate::pages;
use crate::pages::Note;
use crate::record::{ClickRefused, Done, Operation};
use crate::session::{SessionId, is_email};

#[derive(Deserialize)]
pub(super) struct ChangeForm {
    #[serde(default)]
    token: String,
    step: String,
    product: u32,
    quantity: Option<u8>,
}

pub(super) async fn change(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    form: Result<Form<ChangeForm>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else {
        return unreadable(shop, &headers).await;
    };
    let key = match post(&shop, &headers, &form.token).await {
        Ok(key) => key,
        Err(refused) => return refuse(shop, &headers, refused).await,
    };
    let Some(step) = Step::of_word(&form.step, form.quantity) else {
        return unreadable(shop, &headers).await;
    };
    let product = form.product;
    let clicked = shop.click(key.name(), Operation::Step { step, product });
    let (changed, note) = match clicked.await {
        Ok(Clicked { done, record, .. }) => {
            let session = &record.session;
            info!(%session, revision = record.revision, pieces = record.cart.pieces(), ?done, "cart changed");
            let note = Note::of_step(step, record.cart.quantity(product));
            (done != Done::Nothing, Some(note))
        }
        Err(ClickError::Refused(ClickRefused::Step(refused))) => (false, Note::of_refused(refused)),
        Err(problem) => return turned_away(shop, &headers, &problem).await,
    };
    let to = match note {
        Some(note) => Redirect::to(&format!("/cart?note={}&product={product}", note.word())),
        None => Redirect::to("/cart"),
    };
    answer(&shop, &key, changed, to)
}

#[derive(Deserialize)]
pub(super) struct PlaceForm {
    #[serde(default)]
    token: String,
    order: SessionId,
    revision: u64,
    #[serde(default)]
    email: String,
}

pub(super) async fn place(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    form: Result<Form<PlaceForm>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else {
        return unreadable(shop, &headers).await;
    };
    let key = match post(&shop, &headers, &form.token).await {
        Ok(key) => key,
        Err(refused) => return refuse(shop, &headers, refused).await,
    };
    let email = form.email.trim();
    if !email.is_empty() && !is_email(email) {
        return Visitor::new(shop, &headers).await.page(StatusCode::BAD_REQUEST, |frame| {
            let text = "The e-mail address needs a name, an @ and a host, and at most 255 characters. Your cart is as it was.";
            pages::problem(frame, "That address does not look right", text)
        });
    }
    let session = form.order.clone();
    let operation = Operation::Place {
        session: form.order,
        revision: form.revision,
        email: Some(email.to_owned()).filter(|email| !email.is_empty()),
    };
    let (placed, to) = match shop.click(key.name(), operation).await {
        Ok(Clicked { done, .. }) => {
            info!(%session, ?done, "order placed");
            match done {
                Done::PlacedBefore => (false, "/order?again=1"),
                Done::Changed | Done::ByEarlierTry | Done::Nothing => (true, "/order"),
            }
        }
        // Nothing to order.
        Err(ClickError::Refused(ClickRefused::Step(_))) => (false, "/cart"),
        Err(problem) => return turned_away(shop, &headers, &problem).await,
    };
    answer(&shop, &key, placed, Redirect::to(to))
}

/// A change lets the cookie live on.
fn answer(shop: &Shop, key: &ShopperKey, changed: bool, to: Redirect) -> Response {
    match changed {
        true => (cookie(shop, key), to).into_response(),
        false => to.into_response(),
    }
}

/// Lets a post in. A key that is old, and opens nothing, may have had a record.
async fn post(shop: &Shop, headers: &HeaderMap, token: &str) -> Result<ShopperKey, PostRefused> {
    let key = guard::post(shop, headers, token)?;
    if key.is_old(shop.carts.now()) && matches!(shop.carts.show(&key.name()).await, Ok(None)) {
        return Err(PostRefused::NoSession);
    }
    Ok(key)
}

async fn unreadable(shop: Arc<Shop>, headers: &HeaderMap) -> Response {
    let visitor = Visitor::new(shop, headers).await;
    visitor.page(StatusCode::BAD_REQUEST, |frame| {
        pages::problem(
            frame,
            "That did not arrive whole",
            "Please go back and try again. Your cart is as it was.",
        )
    })
}

async fn refuse(shop: Arc<Shop>, headers: &HeaderMap, refused: PostRefused) -> Response {
    warn!(?refused, "post refused");
    let (title, text) = match refused {
        PostRefused::CrossSite => (
            "Not from here",
            "This request came from another site, so nothing was changed.",
        ),
        PostRefused::NoSession => (
            "Your cart has no home yet",
            "Your browser sent no cookie of ours that leads to a cart. Please allow cookies for this site, go back, reload the page and try again.",
        ),
        PostRefused::Stale => (
            "This page was out of date",
            "It does not belong to the cart that your browser has now. Nothing was changed: please go to the cart and try again.",
        ),
    };
    let visitor = Visitor::new(shop, headers).await;
    visitor.page(StatusCode::FORBIDDEN, |frame| {
        pages::problem(frame, title, text)
    })
}

/// The click is not done, and the page says what that means.
async fn turned_away(shop: Arc<Shop>, headers: &HeaderMap, problem: &ClickError) -> Response {
    error!(%problem, "a click was turned away");
    let visitor = Visitor::new(shop, headers).await;
    let (status, title, text) = match problem {
        ClickError::Refused(ClickRefused::CartChanged) => (
            StatusCode::CONFLICT,
            "Your cart has changed",
            "It is not what the page showed when you placed the order, so nothing was placed. Please look at it, and place it then.",
        ),
        ClickError::Refused(ClickRefused::EarlierOrder | ClickRefused::Step(_)) => (
            StatusCode::CONFLICT,
            "This page was out of date",
            "It belongs to an earlier order, and nothing was placed. Your cart is as it was.",
        ),
        ClickError::Refused(ClickRefused::TooManyOrders) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Your orders are still on their way",
            "Several orders of yours wait to be passed on. Your cart is as it was: please place this one in a while.",
        ),
        ClickError::Full => (
            StatusCode::SERVICE_UNAVAILABLE,
            "We need a moment",
            "Reservations are piling up and we take no more changes for a moment, so that none gets lost. Your cart is as it was: please try again in a minute.",
        ),
        ClickError::Carts(CartsError::Store(_)) => return NoCart::OutOfReach.page(&visitor),
        ClickError::Carts(CartsError::Unreadable(..)) => {
            return NoCart::Unreadable.page(&visitor);
        }
        ClickError::Carts(CartsError::Contended) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "We need a moment",
            "Your cart is being changed elsewhere. This change was not made: please try again.",
        ),
        ClickError::Carts(CartsError::Unclear(_)) | ClickError::Ended => (
            StatusCode::SERVICE_UNAVAILABLE,
            "We cannot say whether that worked",
            "The answer from where the carts are kept got lost. Please look at your cart before you try again: the change was made whole, or not at all.",
        ),
    };
    let page = visitor.page(status, |frame| pages::problem(frame, title, text));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return (RETRY_AFTER, page).into_response();
    }
    page
}
