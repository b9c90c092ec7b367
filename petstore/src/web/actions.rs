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
use tracing::{info, warn};

use super::problem::Problem;
use super::views::{Visitor, cookie};
use super::{Shop, guard};
use crate::cart::Step;
use crate::carts::{ClickError, Clicked};
use crate::cookie::ShopperKey;
use crate::pages::Note;
use crate::record::{ClickRefused, Done, Operation};
use crate::session::{SessionId, is_email};

type Posted<F> = Result<Form<F>, FormRejection>;

/// Where a click leads. With the key whose cookie lives on, for something has changed.
type Outcome = Result<(Option<ShopperKey>, String), Problem>;

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
    form: Posted<ChangeForm>,
) -> Response {
    let outcome = take_step(&shop, &headers, form).await;
    answer(shop, &headers, outcome).await
}

async fn take_step(shop: &Arc<Shop>, headers: &HeaderMap, form: Posted<ChangeForm>) -> Outcome {
    let Form(form) = form.map_err(|_| Problem::NOT_WHOLE)?;
    let key = let_in(shop, headers, &form.token).await?;
    let step = Step::of_word(&form.step, form.quantity).ok_or(Problem::NOT_WHOLE)?;
    let product = form.product;
    let clicked = shop.click(key.name(), Operation::Step { step, product });
    let (changed, note) = match clicked.await {
        Ok(Clicked { done, record, .. }) => {
            let session = &record.session;
            info!(%session, revision = record.revision, pieces = record.cart.pieces(), ?done, "cart changed");
            (done != Done::Nothing, Some(Note::Changed))
        }
        Err(ClickError::Refused(ClickRefused::Step(refused))) => (false, Note::of_refused(refused)),
        Err(error) => return Err(Problem::of_click(error)),
    };
    let to = match note {
        Some(note) => format!("/cart?note={}&product={product}", note.word()),
        None => "/cart".to_owned(),
    };
    Ok((changed.then_some(key), to))
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
    form: Posted<PlaceForm>,
) -> Response {
    let outcome = place_order(&shop, &headers, form).await;
    answer(shop, &headers, outcome).await
}

async fn place_order(shop: &Arc<Shop>, headers: &HeaderMap, form: Posted<PlaceForm>) -> Outcome {
    let Form(form) = form.map_err(|_| Problem::NOT_WHOLE)?;
    let key = let_in(shop, headers, &form.token).await?;
    let email = Some(form.email.trim()).filter(|email| !email.is_empty());
    if email.is_some_and(|email| !is_email(email)) {
        return Err(Problem::NO_EMAIL);
    }
    let operation = Operation::Place {
        session: form.order.clone(),
        revision: form.revision,
        email: email.map(str::to_owned),
    };
    let (placed, to) = match shop.click(key.name(), operation).await {
        Ok(Clicked { done, .. }) => {
            info!(session = %form.order, ?done, "order placed");
            match done {
                Done::PlacedBefore => (false, "/order?again=1"),
                Done::Changed | Done::ByEarlierTry | Done::Nothing => (true, "/order"),
            }
        }
        // Nothing to order.
        Err(ClickError::Refused(ClickRefused::Step(_))) => (false, "/cart"),
        Err(error) => return Err(Problem::of_click(error)),
    };
    Ok((placed.then_some(key), to.to_owned()))
}

/// Lets a post in. A key that is old, and opens nothing, may have had a record.
async fn let_in(shop: &Shop, headers: &HeaderMap, token: &str) -> Result<ShopperKey, Problem> {
    let key = guard::post(shop, headers, token)?;
    if key.is_old(shop.carts.now()) && matches!(shop.carts.show(&key.name()).await, Ok(None)) {
        return Err(Problem::NO_KEY);
    }
    Ok(key)
}

async fn answer(shop: Arc<Shop>, headers: &HeaderMap, outcome: Outcome) -> Response {
    match outcome {
        Ok((Some(key), to)) => (cookie(&shop, &key), Redirect::to(&to)).into_response(),
        Ok((None, to)) => Redirect::to(&to).into_response(),
        Err(problem) => {
            if problem.status == StatusCode::FORBIDDEN {
                warn!(why = problem.title, "post refused");
            }
            Visitor::of(shop, headers).await.problem(problem)
        }
    }
}
