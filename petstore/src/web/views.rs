//! The pages: what a GET shows. A first visit gets its cookie here. The shelf shows also while the
//! store is down.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use maud::Markup;
use serde::Deserialize;
use tokio::time::timeout;
use tracing::warn;

use super::{Shop, guard};
use crate::carts::CartsError;
use crate::catalogue::{Animal, Size};
use crate::cookie::ShopperKey;
use crate::pages::{Frame, Note, Reservation};
use crate::record::Record;
use crate::session::SessionId;
use crate::{catalogue, pages};

/// How long a page waits for the store before it shows without the cart.
const READ_LIMIT: Duration = Duration::from_millis(1500);

/// How long it waits for the bus: not to be noticed.
const MOMENT: Duration = Duration::from_millis(150);

/// When a browser may ask again, in seconds.
pub(super) const RETRY_AFTER: [(header::HeaderName, &str); 1] = [(header::RETRY_AFTER, "10")];

/// Why a shopper's cart is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoCart {
    /// The store does not answer.
    OutOfReach,
    /// The record cannot be read.
    Unreadable,
}

impl NoCart {
    fn of(problem: &CartsError) -> Self {
        match problem {
            CartsError::Unreadable(..) => Self::Unreadable,
            _ => Self::OutOfReach,
        }
    }

    /// A page that says so.
    pub(super) fn page(self, visitor: &Visitor) -> Response {
        match self {
            Self::OutOfReach => {
                let page = visitor.page(StatusCode::SERVICE_UNAVAILABLE, |frame| {
                    let text = "We cannot reach the carts. Yours is safe, and nothing was changed. Please try again in a moment.";
                    pages::problem(frame, "Your cart is out of reach", text)
                });
                (RETRY_AFTER, page).into_response()
            }
            Self::Unreadable => visitor.page(StatusCode::INTERNAL_SERVER_ERROR, |frame| {
                let text = "What we kept of your cart cannot be read. We leave it as it is, and somebody has to look at it.";
                pages::problem(frame, "Your cart cannot be read", text)
            }),
        }
    }
}

/// Who asks: a shopper with a key, their own or a first one.
pub(super) struct Visitor {
    shop: Arc<Shop>,
    key: ShopperKey,
    new: bool,
    record: Result<Record, NoCart>,
}

impl Visitor {
    pub(super) async fn new(shop: Arc<Shop>, headers: &HeaderMap) -> Self {
        let known = match guard::key(&shop, headers) {
            Some(key) => Some((key, read(&shop, &key).await)),
            None => None,
        };
        if let Some((key, read)) = known
            && !(read == Ok(None) && key.is_old(shop.carts.now()))
        {
            let first = || Record::first(key.name().first_session());
            return Self {
                shop,
                key,
                new: false,
                record: read.map(|record| record.unwrap_or_else(first)),
            };
        }
        let key = ShopperKey::fresh(shop.carts.now());
        Self {
            shop,
            key,
            new: true,
            record: Ok(Record::first(key.name().first_session())),
        }
    }

    pub(super) fn page(
        &self,
        status: StatusCode,
        page: impl FnOnce(&Frame<'_>) -> Markup,
    ) -> Response {
        let frame = Frame {
            record: self.record.as_ref().ok(),
            token: &self.key.form_token(),
        };
        let html = Html(page(&frame).into_string());
        if self.new {
            (status, cookie(&self.shop, &self.key), html).into_response()
        } else {
            (status, html).into_response()
        }
    }

    fn reservation(&self, record: &Record, session: &SessionId) -> Reservation {
        match record.owes(session) {
            false => Reservation::Made,
            true if self.shop.outbox.status().refused.is_some() => Reservation::Refused,
            true => Reservation::Pending,
        }
    }
}

/// The record as it is after a moment for the bus.
async fn read(shop: &Shop, key: &ShopperKey) -> Result<Option<Record>, NoCart> {
    let name = key.name();
    match timeout(READ_LIMIT, shop.carts.show(&name)).await {
        Ok(Ok(record)) => Ok(record),
        Ok(Err(problem)) => {
            warn!(%problem, "a cart is not shown");
            Err(NoCart::of(&problem))
        }
        Err(_) => Err(NoCart::OutOfReach),
    }
}

/// The header that hands a key to its shopper, or lets it live on.
pub(super) fn cookie(
    shop: &Shop,
    key: &ShopperKey,
) -> AppendHeaders<[(header::HeaderName, String); 1]> {
    AppendHeaders([(header::SET_COOKIE, shop.transport.set_cookie(key))])
}

pub(super) async fn home(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    Visitor::new(shop, &headers)
        .await
        .page(StatusCode::OK, pages::home)
}

pub(super) async fn breeds(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    Path(animal): Path<String>,
) -> Response {
    let visitor = Visitor::new(shop, &headers).await;
    match Animal::of_slug(&animal) {
        Some(animal) => visitor.page(StatusCode::OK, |frame| pages::breeds(frame, animal)),
        None => visitor.page(StatusCode::NOT_FOUND, pages::not_found),
    }
}

#[derive(Default, Deserialize)]
pub(super) struct Filter {
    animal: Option<String>,
    kind: Option<String>,
    size: Option<String>,
}

/// A word that means nothing narrows nothing down.
pub(super) async fn products(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Response {
    let Query(filter) = filter.unwrap_or_default();
    let filter = pages::Filter {
        animal: filter.animal.as_deref().and_then(Animal::of_slug),
        kind: ["Toy", "Food"]
            .into_iter()
            .find(|kind| filter.kind.as_deref() == Some(*kind)),
        size: filter.size.as_deref().and_then(Size::of_slug),
    };
    let visitor = Visitor::new(shop, &headers).await;
    visitor.page(StatusCode::OK, |frame| pages::products(frame, &filter))
}

pub(super) async fn product(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let visitor = Visitor::new(shop, &headers).await;
    match id.parse().ok().and_then(catalogue::product) {
        Some(product) => visitor.page(StatusCode::OK, |frame| pages::product(frame, product)),
        None => visitor.page(StatusCode::NOT_FOUND, pages::not_found),
    }
}

#[derive(Default, Deserialize)]
pub(super) struct Noted {
    note: Option<String>,
    product: Option<u32>,
}

pub(super) async fn cart(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    noted: Result<Query<Noted>, QueryRejection>,
) -> Response {
    wait_a_moment(&shop, &headers).await;
    let visitor = Visitor::new(shop, &headers).await;
    let record = match &visitor.record {
        Ok(record) => record,
        Err(no_cart) => return no_cart.page(&visitor),
    };
    let Query(noted) = noted.unwrap_or_default();
    let note = noted.note.as_deref().and_then(Note::of_word);
    let product = noted.product.and_then(catalogue::product);
    let reservation = visitor.reservation(record, &record.session);
    visitor.page(StatusCode::OK, |frame| {
        pages::cart(frame, record, note.zip(product), reservation)
    })
}

#[derive(Default, Deserialize)]
pub(super) struct Again {
    again: Option<String>,
}

pub(super) async fn order(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    again: Result<Query<Again>, QueryRejection>,
) -> Response {
    wait_a_moment(&shop, &headers).await;
    let visitor = Visitor::new(shop, &headers).await;
    let record = match &visitor.record {
        Ok(record) => record,
        Err(no_cart) => return no_cart.page(&visitor),
    };
    let Some(placed) = &record.placed else {
        return Redirect::to("/cart").into_response();
    };
    let again = again.is_ok_and(|Query(again)| again.again.is_some());
    let reservation = visitor.reservation(record, &placed.session);
    visitor.page(StatusCode::OK, |frame| {
        pages::order(frame, placed, again, reservation)
    })
}

/// Mostly the bus has an order before the shopper's browser asks for the next page.
async fn wait_a_moment(shop: &Shop, headers: &HeaderMap) {
    if let Some(key) = guard::key(shop, headers) {
        shop.outbox.settled(&key.name(), MOMENT).await;
    }
}

pub(super) async fn not_found(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    let visitor = Visitor::new(shop, &headers).await;
    visitor.page(StatusCode::NOT_FOUND, pages::not_found)
}

pub(super) async fn method_not_allowed(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
) -> Response {
    let visitor = Visitor::new(shop, &headers).await;
    visitor.page(StatusCode::METHOD_NOT_ALLOWED, |frame| {
        pages::problem(frame, "Not here", "This address takes no such request.")
    })
}
