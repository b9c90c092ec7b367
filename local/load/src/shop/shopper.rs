//! One shopper: fills in the forms, and remembers what the pages confirmed.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use time::OffsetDateTime;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep, sleep_until};

use super::browser::{Browser, Clicked};
use super::page;
use crate::evidence::Cart;
use crate::report::Clicks;

/// How often who is not sure clicks again: the storefront may be away for a while.
const LAST_CLICKS: u32 = 100;

/// What one shopper saw and did.
#[derive(Debug, Default)]
pub(super) struct ShopperLog {
    /// The cart last confirmed, of each session: a completed order begins a new one.
    pub(super) shown: BTreeMap<String, Cart>,
    /// The click that led to it.
    pub(super) last: BTreeMap<String, Confirmed>,
    /// The session whose last click got no answer.
    pub(super) unsure: Option<String>,
    /// From click to confirmation, in microseconds.
    pub(super) times: Vec<i128>,
    pub(super) clicks: Clicks,
}

/// A click that a page has confirmed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Confirmed {
    /// Since when it was due.
    pub(super) due: OffsetDateTime,
    /// When the page was there.
    pub(super) at: OffsetDateTime,
}

impl ShopperLog {
    /// Those that it is known to have had.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &String> {
        self.shown.keys().chain(&self.unsure)
    }

    pub(super) fn add_to(&self, sum: Clicks) -> Clicks {
        Clicks {
            clicks: sum.clicks + self.clicks.clicks,
            confirmed: sum.confirmed + self.clicks.confirmed,
            without_effect: sum.without_effect + self.clicks.without_effect,
            failed: sum.failed + self.clicks.failed,
            ..sum
        }
    }
}

pub(super) struct Shopper {
    browser: Browser,
    random: Rng,
    token: String,
    /// What the cart page's form would place.
    to_place: Option<String>,
    session: String,
    cart: Cart,
    log: ShopperLog,
}

impl Shopper {
    pub(super) fn new(browser: Browser, random: Rng) -> Self {
        Self {
            browser,
            random,
            token: String::new(),
            to_place: None,
            session: String::new(),
            cart: Cart::default(),
            log: ShopperLog::default(),
        }
    }

    /// Shops until it is over, with a pause of this length on average between clicks.
    pub(super) async fn shop(mut self, pause: Duration, mut over: Receiver<bool>) -> ShopperLog {
        if self.look("/products").await.is_none() {
            self.log.clicks.failed += 1;
            return self.log;
        }
        let mut due = Instant::now() + pause.mul_f64(self.random.f64());
        loop {
            tokio::select! {
                () = sleep_until(due) => {}
                _ = over.changed() => break,
            }
            if *over.borrow() {
                break;
            }
            self.click(due).await;
            due += pause.mul_f64(0.5 + self.random.f64());
        }
        // Whoever is not sure clicks again: a cart whose fate is open cannot be judged.
        for _ in 0..LAST_CLICKS {
            if self.log.unsure.is_none() {
                break;
            }
            sleep(Duration::from_millis(100)).await;
            self.click(Instant::now()).await;
        }
        self.log
    }

    async fn click(&mut self, due: Instant) {
        self.log.clicks.clicks += 1;
        let (path, form) = self.choose();
        match self.browser.post(path, &form).await {
            Clicked::Answered {
                location,
                changed: true,
            } => {
                self.log.clicks.confirmed += 1;
                self.log.unsure = None;
                let changed = self.confirm(&location).await;
                let since = due.elapsed();
                let at = OffsetDateTime::now_utc();
                let due = at - since;
                if let Some(session) = changed {
                    self.log.last.insert(session, Confirmed { due, at });
                }
                let took = since.as_micros();
                self.log
                    .times
                    .push(i128::try_from(took).unwrap_or(i128::MAX));
            }
            Clicked::Answered {
                location,
                changed: false,
            } => {
                self.log.clicks.without_effect += 1;
                self.look(&location).await;
            }
            Clicked::TurnedAway => self.log.clicks.failed += 1,
            Clicked::NoAnswer => {
                self.log.clicks.failed += 1;
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
        match (line, self.random.u8(0..100), &self.to_place) {
            (Some(_), 0..4, Some(order)) => {
                ("/cart/complete", format!("token={token}&{order}&email="))
            }
            (Some((product, _)), 4..30, _) => step("plus", product),
            (Some((product, _)), 30..48, _) => step("minus", product),
            (Some((product, _)), 48..56, _) => step("remove", product),
            _ => step("add", self.random.u64(1..=11)),
        }
    }

    /// Looks at the page a change leads to, and remembers the cart on it: whose it is. A placed
    /// order is a session's last, and the footer names the next one already.
    async fn confirm(&mut self, location: &str) -> Option<String> {
        let Some(page) = self.look(location).await else {
            self.lose_track();
            return None;
        };
        let complete = location.starts_with("/order");
        let (session, lines) = if complete {
            let ids = self.cart.lines.iter().map(|(id, _)| *id);
            let lines = ids.zip(page::quantities(&page)).collect();
            (page::placed(&page), Some(lines))
        } else {
            (Some(self.session.clone()), page::lines(&page))
        };
        let (Some(session), Some(lines)) = (session, lines) else {
            self.lose_track();
            return None;
        };
        let cart = Cart { lines, complete };
        self.cart = match complete {
            true => Cart::default(),
            false => cart.clone(),
        };
        self.log.shown.insert(session.clone(), cart);
        Some(session)
    }

    /// What the last click has done is not known.
    fn lose_track(&mut self) {
        self.log.unsure = Some(self.session.clone());
    }

    /// A page, and what stands on each of them.
    async fn look(&mut self, path: &str) -> Option<String> {
        let page = self.browser.page(path).await?;
        self.token = page::token(&page).unwrap_or_else(|| self.token.clone());
        self.to_place = page::to_place(&page);
        self.session = page::session(&page)?;
        Some(page)
    }
}
