//! The pages: what a GET shows. A first visit gets its cookie here. The shelf shows also while the
//! store is down.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, RawQuery, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use maud::Markup;
use tokio::time::timeout;
use tracing::warn;
use url::form_urlencoded;

use super::problem::Problem;
use super::{Shop, guard};
use crate::catalogue::{Animal, KINDS, Size};
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
const RETRY_AFTER: [(HeaderName, &str); 1] = [(header::RETRY_AFTER, "10")];

/// Who asks: a shopper with a key, their own or a first one.
pub(super) struct Visitor {
    shop: Arc<Shop>,
    key: ShopperKey,
    new: bool,
    record: Result<Record, Problem>,
}

impl FromRequestParts<Arc<Shop>> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        shop: &Arc<Shop>,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self::of(Arc::clone(shop), &parts.headers).await)
    }
}

impl Visitor {
    pub(super) async fn of(shop: Arc<Shop>, headers: &HeaderMap) -> Self {
        let now = shop.carts.now();
        let mut known = None;
        if let Some(key) = guard::key(&shop, headers) {
            let read = read(&shop, &key).await;
            // It may have had a record, which is gone.
            if !(read == Ok(None) && key.is_old(now)) {
                known = Some((key, read));
            }
        }
        let new = known.is_none();
        let (key, read) = known.unwrap_or_else(|| (ShopperKey::fresh(now), Ok(None)));
        let first = || Record::first(key.name().first_session());
        Self {
            shop,
            key,
            new,
            record: read.map(|record| record.unwrap_or_else(first)),
        }
    }

    /// The same after a moment for the bus: mostly it has an order before the shopper's browser
    /// asks for the next page.
    async fn after_a_moment(shop: Arc<Shop>, headers: &HeaderMap) -> Self {
        if let Some(key) = guard::key(&shop, headers) {
            shop.outbox.settled(&key.name(), MOMENT).await;
        }
        Self::of(shop, headers).await
    }

    fn page(&self, page: impl FnOnce(&Frame<'_>) -> Markup) -> Response {
        let frame = Frame {
            record: self.record.as_ref().ok(),
            token: &self.key.form_token(),
        };
        let html = Html(page(&frame).into_string());
        match self.new {
            true => (cookie(&self.shop, &self.key), html).into_response(),
            false => html.into_response(),
        }
    }

    pub(super) fn problem(&self, problem: Problem) -> Response {
        let page = self.page(|frame| pages::problem(frame, problem.title, problem.text));
        match problem.status {
            StatusCode::SERVICE_UNAVAILABLE => (problem.status, RETRY_AFTER, page).into_response(),
            status => (status, page).into_response(),
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

/// The record, if it can be had while a shopper waits.
async fn read(shop: &Shop, key: &ShopperKey) -> Result<Option<Record>, Problem> {
    match timeout(READ_LIMIT, shop.carts.show(&key.name())).await {
        Ok(read) => read.map_err(|problem| {
            warn!(%problem, "a cart is not shown");
            problem.into()
        }),
        Err(_) => Err(Problem::OUT_OF_REACH),
    }
}

/// The header that hands a key to its shopper, or lets it live on.
pub(super) fn cookie(shop: &Shop, key: &ShopperKey) -> AppendHeaders<[(HeaderName, String); 1]> {
    AppendHeaders([(header::SET_COOKIE, shop.transport.set_cookie(key))])
}

pub(super) async fn home(visitor: Visitor) -> Response {
    visitor.page(pages::home)
}

/// A part of the address, which may be no text.
type Part = Result<Path<String>, PathRejection>;

pub(super) async fn breeds(animal: Part, visitor: Visitor) -> Response {
    let animal = animal.ok().and_then(|Path(slug)| Animal::of_slug(&slug));
    match animal {
        Some(animal) => visitor.page(|frame| pages::breeds(frame, animal)),
        None => visitor.problem(Problem::NOT_FOUND),
    }
}

/// The first value of this name in the address, if there is one.
fn asked(RawQuery(query): &RawQuery, name: &str) -> Option<String> {
    let pairs = form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes());
    let mut values = pairs.filter(|(known, _)| known == name);
    values.next().map(|(_, value)| value.into_owned())
}

/// A word that means nothing narrows nothing down.
pub(super) async fn products(query: RawQuery, visitor: Visitor) -> Response {
    let asked = |name| asked(&query, name).unwrap_or_default();
    let filter = pages::Filter {
        animal: Animal::of_slug(&asked("animal")),
        kind: KINDS.into_iter().find(|kind| *kind == asked("kind")),
        size: Size::of_slug(&asked("size")),
    };
    visitor.page(|frame| pages::products(frame, &filter))
}

pub(super) async fn product(id: Part, visitor: Visitor) -> Response {
    let id = id.ok().and_then(|Path(digits)| digits.parse().ok());
    match id.and_then(catalogue::product) {
        Some(product) => visitor.page(|frame| pages::product(frame, product)),
        None => visitor.problem(Problem::NOT_FOUND),
    }
}

pub(super) async fn cart(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    query: RawQuery,
) -> Response {
    let visitor = Visitor::after_a_moment(shop, &headers).await;
    let record = match &visitor.record {
        Ok(record) => record,
        Err(problem) => return visitor.problem(*problem),
    };
    let note = asked(&query, "note").and_then(|word| Note::of_word(&word));
    let product = asked(&query, "product").and_then(|id| catalogue::product(id.parse().ok()?));
    let reservation = visitor.reservation(record, &record.session);
    visitor.page(|frame| pages::cart(frame, record, note.zip(product), reservation))
}

pub(super) async fn order(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    query: RawQuery,
) -> Response {
    let visitor = Visitor::after_a_moment(shop, &headers).await;
    let record = match &visitor.record {
        Ok(record) => record,
        Err(problem) => return visitor.problem(*problem),
    };
    let Some(placed) = &record.placed else {
        return Redirect::to("/cart").into_response();
    };
    let again = asked(&query, "again").is_some();
    let reservation = visitor.reservation(record, &placed.session);
    visitor.page(|frame| pages::order(frame, placed, again, reservation))
}

pub(super) async fn not_found(visitor: Visitor) -> Response {
    visitor.problem(Problem::NOT_FOUND)
}

pub(super) async fn method_not_allowed(visitor: Visitor) -> Response {
    visitor.problem(Problem::NOT_HERE)
}
