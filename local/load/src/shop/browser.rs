//! What a shopper's browser does: keeps the cookie, asks again for a page that does not come, and
//! hangs up when told to. Each request goes to whichever instance of the shop it is told.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode, header};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use url::Url;

use crate::places::Places;

const PATIENCE: Duration = Duration::from_secs(20);

/// How often a page is asked for that must come: the storefront may be away for a while.
const LOOKS: usize = 100;

/// What the page says of a click of which the shop does not know whether it is done.
const UNCLEAR: &str = "We cannot say whether that worked";

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
    /// Turned away, or not even sent: nothing has changed.
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
    pub(super) async fn post(&self, shop: usize, path: &str, form: &str) -> Clicked {
        let answer = match self.send(shop, Method::POST, path, form).await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Clicked::TurnedAway,
            Err(_) => return Clicked::NoAnswer,
        };
        let changed = cookie(&answer).is_some();
        let location = answer.headers().get(header::LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        match (answer.status(), location) {
            (StatusCode::SEE_OTHER, Some(location)) => Clicked::Answered {
                location: location.to_owned(),
                changed,
            },
            (status, _) if status.is_client_error() => Clicked::TurnedAway,
            (StatusCode::SERVICE_UNAVAILABLE, _) => match answer.text().await {
                Ok(page) if !page.contains(UNCLEAR) => Clicked::TurnedAway,
                _ => Clicked::NoAnswer,
            },
            _ => Clicked::NoAnswer,
        }
    }

    /// Sends a form whole, and hangs up after `pause` without reading the answer.
    pub(super) async fn abort(
        &self,
        shop: usize,
        path: &str,
        form: &str,
        pause: Duration,
    ) -> Clicked {
        let shop = self.shop(shop);
        let authority = Url::parse(&shop).ok().and_then(|url| {
            let port = url.port_or_known_default()?;
            Some(format!("{}:{port}", url.host_str()?))
        });
        let Some(authority) = authority else {
            return Clicked::TurnedAway;
        };
        let Ok(Ok(mut connection)) = timeout(PATIENCE, TcpStream::connect(&authority)).await else {
            self.places.look_again();
            return Clicked::TurnedAway;
        };
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {authority}\r\nOrigin: {shop}\r\nCookie: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            self.cookie,
            form.len()
        );
        if connection.write_all(request.as_bytes()).await.is_ok() {
            sleep(pause).await;
        }
        Clicked::NoAnswer
    }

    /// A page; asked for again, of another instance each time, while the storefront is away.
    pub(super) async fn page(&mut self, shop: usize, path: &str) -> Option<String> {
        for look in 0..LOOKS {
            let shop = shop.wrapping_add(look);
            if let Ok(answer) = self.send(shop, Method::GET, path, "").await
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

    /// The address of an instance; numbers beyond the last begin anew.
    fn shop(&self, number: usize) -> String {
        let shops = &self.places.now().petstores;
        let shop = shops.get(number.checked_rem(shops.len()).unwrap_or_default());
        shop.cloned().unwrap_or_default()
    }

    async fn send(
        &self,
        shop: usize,
        method: Method,
        path: &str,
        form: &str,
    ) -> reqwest::Result<Response> {
        // A storefront that was away may come back elsewhere.
        let shop = self.shop(shop);
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
