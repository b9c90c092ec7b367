//! The pages: what a GET shows. A first visit gets its cookie here.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use maud::Markup;
use serde::Deserialize;

use super::{Shop, guard};
use crate::catalogue::{Animal, Size};
use crate::pages::{Frame, Note, Reservation};
use crate::session::Visit;
use crate::{catalogue, pages};

/// Who asks: a shopper with a visit, their own or a first one.
pub(super) struct Visitor {
    pub(super) shop: Arc<Shop>,
    pub(super) visit: Visit,
    new: bool,
}

impl Visitor {
    pub(super) fn new(shop: Arc<Shop>, headers: &HeaderMap) -> Self {
        let known = guard::visit(&shop, headers);
        let new = known.is_none();
        let visit = known.unwrap_or_else(Visit::fresh);
        shop.outbox.saw(&visit);
        Self { shop, visit, new }
    }

    pub(super) fn page(
        &self,
        status: StatusCode,
        page: impl FnOnce(&Frame<'_>) -> Markup,
    ) -> Response {
        let token = self.shop.key.form_token(&self.visit.session);
        let frame = Frame {
            visit: &self.visit,
            token: &token,
        };
        let html = Html(page(&frame).into_string());
        if self.new {
            (status, cookie(&self.shop, &self.visit), html).into_response()
        } else {
            (status, html).into_response()
        }
    }

    async fn reservation(&self) -> Reservation {
        if self.shop.outbox.is_still_pending(&self.visit.session).await {
            Reservation::Pending
        } else {
            Reservation::Made
        }
    }
}

/// The header that hands a visit to its shopper.
pub(super) fn cookie(
    shop: &Shop,
    visit: &Visit,
) -> AppendHeaders<[(header::HeaderName, String); 1]> {
    let value = shop.transport.set_cookie(&shop.key.seal(visit));
    AppendHeaders([(header::SET_COOKIE, value)])
}

pub(super) async fn home(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    Visitor::new(shop, &headers).page(StatusCode::OK, pages::home)
}

pub(super) async fn breeds(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    Path(animal): Path<String>,
) -> Response {
    let visitor = Visitor::new(shop, &headers);
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
    Visitor::new(shop, &headers).page(StatusCode::OK, |frame| pages::products(frame, &filter))
}

pub(super) async fn product(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let visitor = Visitor::new(shop, &headers);
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
    let visitor = Visitor::new(shop, &headers);
    if visitor.visit.cart.is_complete() {
        return Redirect::to("/order").into_response();
    }
    let Query(noted) = noted.unwrap_or_default();
    let note = noted.note.as_deref().and_then(Note::of_word);
    let product = noted.product.and_then(catalogue::product);
    let reservation = visitor.reservation().await;
    visitor.page(StatusCode::OK, |frame| {
        pages::cart(frame, note.zip(product), reservation)
    })
}

pub(super) async fn order(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    let visitor = Visitor::new(shop, &headers);
    if !visitor.visit.cart.is_complete() {
        return Redirect::to("/cart").into_response();
    }
    let reservation = visitor.reservation().await;
    visitor.page(StatusCode::OK, |frame| pages::order(frame, reservation))
}

pub(super) async fn not_found(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    Visitor::new(shop, &headers).page(StatusCode::NOT_FOUND, pages::not_found)
}

pub(super) async fn method_not_allowed(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
) -> Response {
    let visitor = Visitor::new(shop, &headers);
    visitor.page(StatusCode::METHOD_NOT_ALLOWED, |frame| {
        pages::problem(frame, "Not here", "This address takes no such request.")
    })
}
