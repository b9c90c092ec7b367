//! One shopper: keeps the cookie, fills in the forms, and remembers what the pages confirmed.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use reqwest::{Method, StatusCode, header};
use time::OffsetDateTime;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep};

use super::page::{self, Cart};
use crate::load::report::Clicks;
use crate::load::target::Places;

const PATIENCE: Duration = Duration::from_secs(20);

/// How often a page is asked for that must come: the storefront may be away for a while.
const LOOKS: u32 = 100;

/// What one shopper saw and did.
#[derive(Debug, Default)]
pub(super) struct Trip {
    /// The cart last confirmed, of each session: a completed order begins a new one.
    pub(super) shown: BTreeMap<String, Cart>,
    /// When the click was due that led to it.
    pub(super) due: BTreeMap<String, OffsetDateTime>,
    /// Clicks whose page never came: each may have begun a session that nobody was shown.
    pub(super) unanswered: usize,
    /// The session whose last click got no answer.
    pub(super) unsure: Option<String>,
    /// From click to confirmation, in microseconds.
    pub(super) times: Vec<i128>,
    clicks: Clicks,
}

impl Trip {
    pub(super) fn add_to(&self, sum: Clicks) -> Clicks {
        Clicks {
            clicks: sum.clicks + self.clicks.clicks,
            confirmed: sum.confirmed + self.clicks.confirmed,
            without_effect: sum.without_effect + self.clicks.without_effect,
            failed: sum.failed + self.clicks.failed,
            unsure: sum.unsure,
        }
    }
}

pub(super) struct Shopper {
    places: Places,
    client: reqwest::Client,
    random: Rng,
    cookie: String,
    token: String,
    session: String,
    cart: Cart,
    trip: Trip,
}

/// How a click ended.
enum Clicked {
    /// The page to look at next; with a new cookie the cart has changed.
    Answered { location: String, changed: bool },
    /// Turned away: nothing has changed.
    TurnedAway,
    /// Nobody knows.
    NoAnswer,
}

impl Shopper {
    pub(super) fn new(places: Places, client: reqwest::Client, random: Rng) -> Self {
        Self {
            places,
            client,
            random,
            cookie: String::new(),
            token: String::new(),
            session: String::new(),
            cart: Cart::default(),
            trip: Trip::default(),
        }
    }

    /// Shops until it is over, with a pause of this length on average between clicks.
    pub(super) async fn shop(mut self, pause: Duration, mut over: Receiver<bool>) -> Trip {
        if self.look("/products").await.is_none() {
            self.trip.clicks.failed += 1;
            return self.trip;
        }
        let mut due = Instant::now() + pause.mul_f64(self.random.f64());
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                _ = over.changed() => break,
            }
            if *over.borrow() {
                break;
            }
            self.click(due).await;
            due += pause.mul_f64(0.5 + self.random.f64());
        }
        // Whoever is not sure clicks again: a cart whose fate is open cannot be judged.
        for _ in 0..LOOKS {
            if self.trip.unsure.is_none() {
                break;
            }
            sleep(Duration::from_millis(100)).await;
            self.click(Instant::now()).await;
        }
        self.trip
    }

    async fn click(&mut self, due: Instant) {
        self.trip.clicks.clicks += 1;
        let (path, form) = self.choose();
        match self.post(path, &form).await {
            Clicked::Answered {
                location,
                changed: true,
            } => {
                self.trip.clicks.confirmed += 1;
                self.trip.unsure = None;
                self.confirm(&location).await;
                let since = due.elapsed();
                let was_due = OffsetDateTime::now_utc() - since;
                self.trip.due.insert(self.session.clone(), was_due);
                let took = since.as_micros();
                self.trip
                    .times
                    .push(i128::try_from(took).unwrap_or(i128::MAX));
            }
            Clicked::Answered {
                location,
                changed: false,
            } => {
                self.trip.clicks.without_effect += 1;
                self.look(&location).await;
            }
            Clicked::TurnedAway => self.trip.clicks.failed += 1,
            Clicked::NoAnswer => {
                self.trip.clicks.failed += 1;
                self.lose_track();
            }
        }
    }

    /// Mostly something goes in; now and then the order is placed.
    fn choose(&mut self) -> (&'static str, String) {
        let token = self.token.clone();
        let step = |step: &str, product: u64| {
            (
                "/cart",
                format!("token={token}&step={step}&product={product}"),
            )
        };
        let line = self.random.choice(&self.cart.lines).copied();
        match (line, self.random.u8(0..100)) {
            (Some(_), 0..4) if !self.cart.complete => {
                ("/cart/complete", format!("token={token}&email="))
            }
            (Some((product, _)), 4..30) if !self.cart.complete => step("plus", product),
            (Some((product, _)), 30..48) if !self.cart.complete => step("minus", product),
            (Some((product, _)), 48..56) if !self.cart.complete => step("remove", product),
            _ => step("add", self.random.u64(1..=11)),
        }
    }

    async fn post(&mut self, path: &str, form: &str) -> Clicked {
        let Ok(answer) = self.send(Method::POST, path, form).await else {
            return Clicked::NoAnswer;
        };
        let text = |name| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
        match (answer.status(), text(header::LOCATION)) {
            (StatusCode::SEE_OTHER, Some(location)) => {
                let cookie = text(header::SET_COOKIE);
                let changed = cookie.is_some();
                self.keep(cookie);
                Clicked::Answered { location, changed }
            }
            _ => Clicked::TurnedAway,
        }
    }

    /// Looks at the page a change leads to, and remembers the cart on it.
    async fn confirm(&mut self, location: &str) {
        let Some(page) = self.look(location).await else {
            self.lose_track();
            return;
        };
        let complete = location.starts_with("/order");
        let lines = if complete {
            let ids = self.cart.lines.iter().map(|(id, _)| *id);
            Some(ids.zip(page::quantities(&page)).collect())
        } else {
            page::lines(&page)
        };
        match lines {
            Some(lines) => {
                self.cart = Cart { lines, complete };
                self.trip
                    .shown
                    .insert(self.session.clone(), self.cart.clone());
            }
            None => self.lose_track(),
        }
    }

    /// What the last click has done is not known.
    fn lose_track(&mut self) {
        self.trip.unanswered += 1;
        self.trip.unsure = Some(self.session.clone());
    }

    /// A page; asked for again while the storefront is away.
    async fn look(&mut self, path: &str) -> Option<String> {
        for _ in 0..LOOKS {
            if let Ok(answer) = self.send(Method::GET, path, "").await
                && answer.status() == StatusCode::OK
            {
                let cookie = answer.headers().get(header::SET_COOKIE);
                let cookie = cookie
                    .and_then(|cookie| cookie.to_str().ok())
                    .map(str::to_owned);
                let Ok(page) = answer.text().await else {
                    continue;
                };
                self.keep(cookie);
                self.token = page::token(&page).unwrap_or_else(|| self.token.clone());
                self.session = page::session(&page)?;
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

    async fn send(
        &self,
        method: Method,
        path: &str,
        form: &str,
    ) -> reqwest::Result<reqwest::Response> {
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
