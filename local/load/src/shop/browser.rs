//! What a shopper's browser does: keeps the cookie, and asks again for a page that does not come.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode, header};
use tokio::time::sleep;

use crate::places::Places;

const PATIENCE: Duration = Duration::from_secs(20);

/// How often a page is asked for that must come: the storefront may be away for a while.
const LOOKS: u32 = 100;

#[derive(Debug)]
pub(super) struct Browser {
    places: Places,
    client: reqwest::Client,
    cookie: String,
}

/// How a click ended.
pub(super) enum Clicked {
    /// The page to look at next; with a new cookie the cart has changed.
    Answered { location: String, changed: bool },
    /// Turned away: nothing has changed.
    TurnedAway,
    /// Nobody knows.
    NoAnswer,
}

impl Browser {
    pub(super) fn new(places: Places, client: reqwest::Client) -> Self {
        Self {
            places,
            client,
            cookie: String::new(),
        }
    }

    /// Sends a form.
    pub(super) async fn post(&mut self, path: &str, form: &str) -> Clicked {
        let Ok(answer) = self.send(Method::POST, path, form).await else {
            return Clicked::NoAnswer;
        };
        let cookie = cookie(&answer);
        let location = answer.headers().get(header::LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        match (answer.status(), location) {
            (StatusCode::SEE_OTHER, Some(location)) => {
                let location = location.to_owned();
                let changed = cookie.is_some();
                self.keep(cookie);
                Clicked::Answered { location, changed }
            }
            _ => Clicked::TurnedAway,
        }
    }

    /// A page; asked for again while the storefront is away.
    pub(super) async fn page(&mut self, path: &str) -> Option<String> {
        for _ in 0..LOOKS {
            if let Ok(answer) = self.send(Method::GET, path, "").await
                && answer.status() == StatusCode::OK
            {
                let cookie = cookie(&answer);
                let Ok(page) = answer.text().await else {
                    continue;
                };
                self.keep(cookie);
                return Some(page);
            }
            sleep(Duration::from_millis(200)).await;
        }
        None
    }

    fn keep(&mut self, cookie: Option<String>) {
        if let Some(cookie) = cookie {
            self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        }
    }

    async fn send(&self, method: Method, path: &str, form: &str) -> reqwest::Result<Response> {
        // A storefront that was away may come back elsewhere.
        let shop = self.places.now().petstore.clone().unwrap_or_default();
        let mut request = self
            .client
            .request(method.clone(), format!("{shop}{path}"))
            .timeout(PATIENCE);
        if method == Method::POST {
            request = request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::ORIGIN, &shop)
                .body(form.to_owned());
        }
        if !self.cookie.is_empty() {
            request = request.header(header::COOKIE, &self.cookie);
        }
        let answer = request.send().await;
        if answer.is_err() {
            self.places.look_again();
        }
        answer
    }
}

fn cookie(answer: &Response) -> Option<String> {
    let cookie = answer.headers().get(header::SET_COOKIE)?;
    cookie.to_str().ok().map(str::to_owned)
}
