//! One shopper: fills in the forms, and remembers what the pages confirmed.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use time::OffsetDateTime;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use super::browser::{Browser, Clicked};
use super::page;
use super::possible::{Operation, Outcome, Page, Possible, Step, Unexplained};
use crate::evidence::Cart;
use crate::judge::Violation;
use crate::report::Clicks;

/// A shopper with so many clicks whose end is open makes no more of them on purpose.
const OPEN_MAX: usize = 3;

/// What one shopper saw and did.
#[derive(Debug, Default)]
pub(super) struct ShopperLog {
    /// The cart last confirmed, of each session: a completed order begins a new one.
    pub(super) shown: BTreeMap<String, Cart>,
    /// The click that led to it.
    pub(super) last: BTreeMap<String, Confirmed>,
    /// The session whose cart nobody could look at in the end.
    pub(super) unsure: Option<String>,
    /// Pages that the clicks do not explain.
    pub(super) violations: Vec<Violation>,
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
            aborted: sum.aborted + self.clicks.aborted,
            doubled: sum.doubled + self.clicks.doubled,
            believed: sum.believed + self.clicks.believed,
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
    cart: Vec<(u64, u64)>,
    possible: Possible,
    pub(super) log: ShopperLog,
}

/// A form that is sent.
struct Form {
    path: &'static str,
    text: String,
    operation: Operation,
}

impl Shopper {
    pub(super) fn new(browser: Browser, random: Rng) -> Self {
        Self {
            browser,
            random,
            token: String::new(),
            to_place: None,
            session: String::new(),
            cart: Vec::new(),
            possible: Possible::new(),
            log: ShopperLog::default(),
        }
    }

    /// Shops until it is over, with a pause of this length on average between clicks.
    pub(super) async fn shop(mut self, pause: Duration, mut over: Receiver<bool>) -> Self {
        if self.look("/products").await.is_none() {
            self.log.clicks.failed += 1;
            return self;
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
        self
    }

    /// What the cart is in the end, when all is healed; whether it is another than before.
    pub(super) async fn look_at_last(&mut self) -> bool {
        if self.session.is_empty() {
            return false;
        }
        let before = (self.session.clone(), self.cart.clone());
        if self.look("/cart").await.is_none() {
            self.log.unsure = Some(self.session.clone());
            return false;
        }
        self.log.unsure = None;
        self.log.shown.clear();
        for (session, lines, complete) in self.possible.certain() {
            self.log.shown.insert(session, Cart { lines, complete });
        }
        self.log.clicks.believed = self.possible.believed;
        before != (self.session.clone(), self.cart.clone())
    }

    async fn click(&mut self, due: Instant) {
        let form = self.choose();
        let manner = match self.possible.open() {
            0..OPEN_MAX => self.random.u8(0..100),
            _ => u8::MAX,
        };
        let (one, other) = (self.random.usize(..), self.random.usize(..));
        let Form { path, text, .. } = &form;
        let clicked = match manner {
            0..4 => {
                self.log.clicks.aborted += 1;
                let pause = Duration::from_millis(self.random.u64(0..5));
                vec![self.browser.abort(one, path, text, pause).await]
            }
            4..10 => {
                self.log.clicks.doubled += 1;
                let both = tokio::join!(
                    self.browser.post(one, path, text),
                    self.browser.post(other, path, text)
                );
                vec![both.0, both.1]
            }
            _ => vec![self.browser.post(one, path, text).await],
        };
        self.ended(&form, &clicked, due).await;
    }

    /// Counts how the click ended, or both, and looks at the page to which it leads.
    async fn ended(&mut self, form: &Form, clicked: &[Clicked], due: Instant) {
        let counts = &mut self.log.clicks;
        counts.clicks += u64::try_from(clicked.len()).unwrap_or_default();
        let (mut ends, mut leads_to, mut is_done) = (Vec::new(), "/cart".to_owned(), false);
        for one in clicked {
            let outcome = match one {
                Clicked::Answered { changed: true, .. } => Outcome::Done,
                Clicked::Answered { changed: false, .. } => Outcome::Nothing,
                Clicked::TurnedAway => Outcome::NotDone,
                Clicked::NoAnswer => Outcome::Open,
            };
            match outcome {
                Outcome::Done => counts.confirmed += 1,
                Outcome::Nothing => counts.without_effect += 1,
                Outcome::NotDone | Outcome::Open => counts.failed += 1,
            }
            if let Clicked::Answered { location, changed } = one
                && !is_done
            {
                leads_to.clone_from(location);
                is_done = *changed;
            }
            if outcome == Outcome::Open {
                // It may be stored later than what a page confirms next.
                self.log.last.remove(&self.session);
            }
            ends.push((form.operation.clone(), outcome));
        }
        let session = self.session.clone();
        let explained = self.possible.clicked(&ends);
        self.hold(explained, format!("answers {ends:?}"));
        let looked = self.look(&leads_to).await;
        if is_done && looked.is_some() {
            let since = due.elapsed();
            let at = OffsetDateTime::now_utc();
            let due = at - since;
            self.log.last.insert(session, Confirmed { due, at });
            let took = since.as_micros();
            let took = i128::try_from(took).unwrap_or(i128::MAX);
            self.log.times.push(took);
        }
    }

    /// Mostly something goes in; now and then the order is placed.
    fn choose(&mut self) -> Form {
        let token = self.token.clone();
        let form = |step: Step, word: &str, product: u64| Form {
            path: "/cart",
            text: format!("token={token}&step={word}&product={product}"),
            operation: Operation::Step { step, product },
        };
        let line = self.random.choice(&self.cart).copied();
        match (line, self.random.u8(0..100), &self.to_place) {
            (Some(_), 0..4, Some(order)) => Form {
                path: "/cart/complete",
                text: format!("token={token}&{order}&email="),
                operation: Operation::Place {
                    session: self.session.clone(),
                    lines: self.cart.clone(),
                },
            },
            (Some((product, _)), 4..30, _) => form(Step::Plus, "plus", product),
            (Some((product, _)), 30..48, _) => form(Step::Minus, "minus", product),
            (Some((product, _)), 48..56, _) => form(Step::Remove, "remove", product),
            _ => form(Step::Add, "add", self.random.u64(1..=11)),
        }
    }

    /// A page, and what stands on it, which the clicks have to explain.
    async fn look(&mut self, path: &str) -> Option<()> {
        let page = self.browser.page(self.random.usize(..), path).await?;
        let session = page::session(&page)?;
        self.token = page::token(&page).unwrap_or_else(|| self.token.clone());
        self.to_place = page::to_place(&page);
        self.session.clone_from(&session);
        let placed = page::placed(&page).filter(|_| path.starts_with("/order"));
        let seen = if let Some(placed) = placed {
            self.cart.clear();
            let quantities = page::quantities(&page);
            Page::Order {
                placed,
                quantities,
                session,
            }
        } else if path.starts_with("/cart") {
            let lines = page::lines(&page)?;
            self.cart.clone_from(&lines);
            Page::Cart { session, lines }
        } else {
            Page::Session(session)
        };
        let explained = self.possible.see(&seen);
        self.hold(explained, format!("{seen:?}"));
        Some(())
    }

    fn hold(&mut self, explained: Result<(), Unexplained>, seen: String) {
        if let Err(Unexplained { expected }) = explained {
            self.log.violations.push(Violation::Unexplained {
                session: self.session.clone(),
                seen,
                expected,
            });
        }
    }
}
