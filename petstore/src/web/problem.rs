//! What a shopper is told when something cannot be shown or is not done.

use axum::http::StatusCode;
use tracing::{error, info};

use crate::carts::{CartsError, ClickError};
use crate::record::ClickRefused;

/// A page that says so, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// One of 503 goes by itself: it tells the browser when to ask again.
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

const fn problem(status: StatusCode, title: &'static str, text: &'static str) -> Problem {
    Problem {
        status,
        title,
        text,
    }
}

impl Problem {
    pub(super) const NOT_FOUND: Self = problem(
        StatusCode::NOT_FOUND,
        "Nothing under this cushion",
        "There is no such page here.",
    );
    pub(super) const NOT_HERE: Self = problem(
        StatusCode::METHOD_NOT_ALLOWED,
        "Not here",
        "This address takes no such request.",
    );
    pub(super) const NOT_WHOLE: Self = problem(
        StatusCode::BAD_REQUEST,
        "That did not arrive whole",
        "Please go back and try again. Your cart is as it was.",
    );
    pub(super) const NO_EMAIL: Self = problem(
        StatusCode::BAD_REQUEST,
        "That address does not look right",
        "The e-mail address needs a name, an @ and a host, and at most 255 characters. Your cart is as it was.",
    );
    /// Another site sent it.
    pub(super) const CROSS_SITE: Self = problem(
        StatusCode::FORBIDDEN,
        "Not from here",
        "This request came from another site, so nothing was changed.",
    );
    /// No cookie of ours, or one that leads nowhere.
    pub(super) const NO_KEY: Self = problem(
        StatusCode::FORBIDDEN,
        "Your cart has no home yet",
        "Your browser sent no cookie of ours that leads to a cart. Please allow cookies for this site, go back, reload the page and try again.",
    );
    /// The form belongs to another shopper's page, or to none.
    pub(super) const STRANGE_FORM: Self = problem(
        StatusCode::FORBIDDEN,
        "This page was out of date",
        "It does not belong to the cart that your browser has now. Nothing was changed: please go to the cart and try again.",
    );
    pub(super) const OUT_OF_REACH: Self = problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "We need a moment",
        "We cannot reach the carts. Yours is safe, and nothing was changed. Please try again in a moment.",
    );
    const UNREADABLE: Self = problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Your cart cannot be read",
        "What we kept of your cart cannot be read. We leave it as it is, and somebody has to look at it.",
    );
    const CONTENDED: Self = problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "We need a moment",
        "Your cart is being changed elsewhere. This change was not made: please try again.",
    );
    const UNCLEAR: Self = problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "We cannot say whether that worked",
        "The answer from where the carts are kept got lost. Please look at your cart before you try again: the change was made whole, or not at all.",
    );
    const FULL: Self = problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "We need a moment",
        "Reservations are piling up and we take no more changes for a moment, so that none gets lost. Your cart is as it was: please try again in a minute.",
    );
    const TOO_MANY_ORDERS: Self = problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "Your orders are still on their way",
        "Several orders of yours wait to be passed on. Your cart is as it was: please place this one in a while.",
    );
    const CART_CHANGED: Self = problem(
        StatusCode::CONFLICT,
        "Your cart has changed",
        "It is not what the page showed when you placed the order, so nothing was placed. Please look at it, and place it then.",
    );
    const EARLIER_ORDER: Self = problem(
        StatusCode::CONFLICT,
        "This page was out of date",
        "It belongs to an earlier order, and nothing was placed. Your cart is as it was.",
    );

    /// The click is not done, which the log tells, too.
    pub(super) fn of_click(error: ClickError) -> Self {
        match &error {
            ClickError::Refused(problem) => info!(%problem, "a click was refused"),
            problem => error!(%problem, "a click was turned away"),
        }
        match error {
            ClickError::Refused(ClickRefused::CartChanged) => Self::CART_CHANGED,
            ClickError::Refused(ClickRefused::EarlierOrder | ClickRefused::Step(_)) => {
                Self::EARLIER_ORDER
            }
            ClickError::Refused(ClickRefused::TooManyOrders) => Self::TOO_MANY_ORDERS,
            ClickError::Full => Self::FULL,
            ClickError::Ended => Self::UNCLEAR,
            ClickError::Carts(error) => error.into(),
        }
    }
}

impl From<CartsError> for Problem {
    fn from(error: CartsError) -> Self {
        match error {
            CartsError::Store(_) => Self::OUT_OF_REACH,
            CartsError::Unclear(_) => Self::UNCLEAR,
            CartsError::Unreadable(..) => Self::UNREADABLE,
            CartsError::Contended => Self::CONTENDED,
        }
    }
}
