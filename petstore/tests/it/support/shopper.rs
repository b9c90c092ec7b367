//! Someone with a browser: keeps the cookie, fills in the forms.

use reqwest::{Method, Response, header};
use serde_json::Value;

/// One shopper. Follows no redirect by itself.
#[derive(Clone, Debug)]
pub(crate) struct Shopper {
    pub(crate) shop: String,
    pub(crate) cookie: String,
    pub(crate) token: String,
    /// What the cart page's form would place.
    pub(crate) to_place: String,
    client: reqwest::Client,
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) set_cookie: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) text: String,
}

impl Shopper {
    /// Comes in through the products page.
    pub(crate) async fn enter(shop: &str) -> Self {
        let mut shopper = Self {
            shop: shop.to_owned(),
            cookie: String::new(),
            token: String::new(),
            to_place: String::new(),
            client: azure_app::http_client::build("test").unwrap(),
        };
        shopper.look("/products").await;
        assert!(!shopper.token.is_empty());
        shopper
    }

    pub(crate) async fn look(&mut self, path: &str) -> Answer {
        let answer = self.send(Method::GET, path, &[], "").await;
        if let Some((_, rest)) = answer.text.split_once("name=\"token\" value=\"") {
            self.token = rest.split('"').next().unwrap().to_owned();
        }
        if let (Some(order), Some(revision)) = (answer.field("order"), answer.field("revision")) {
            self.to_place = format!("order={order}&revision={revision}");
        }
        answer
    }

    pub(crate) async fn step(&mut self, step: &str, product: u32) -> Answer {
        let form = format!("token={}&step={step}&product={product}", self.token);
        self.send(Method::POST, "/cart", &[], &form).await
    }

    /// A step that works.
    pub(crate) async fn does(&mut self, step: &str, product: u32) {
        let answer = self.step(step, product).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        assert!(answer.set_cookie.is_some(), "{:?}", answer.location);
    }

    /// Looks at the cart and places the order.
    pub(crate) async fn complete(&mut self, email: &str) -> Answer {
        self.look("/cart").await;
        self.place(email).await
    }

    /// Places the order that the cart page showed last.
    pub(crate) async fn place(&mut self, email: &str) -> Answer {
        let form = format!("token={}&{}&email={email}", self.token, self.to_place);
        self.send(Method::POST, "/cart/complete", &[], &form).await
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        form: &str,
    ) -> Answer {
        let url = format!("{}{path}", self.shop);
        let mut request = self.client.request(method, url).body(form.to_owned());
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if !self.cookie.is_empty() {
            request = request.header(header::COOKIE, self.cookie.as_bytes());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = read(request.send().await.unwrap()).await;
        if let Some(cookie) = &answer.set_cookie {
            self.cookie = cookie.split(';').next().unwrap().to_owned();
        }
        answer
    }

    pub(crate) async fn health(&mut self) -> Value {
        serde_json::from_str(&self.look("/health").await.text).unwrap()
    }

    pub(crate) async fn pending(&mut self) -> u64 {
        self.health().await["outbox"]["pending"].as_u64().unwrap()
    }
}

impl Answer {
    /// The value of a hidden field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.text.split_once(&format!("name=\"{name}\" value=\""))?;
        rest.split('"').next()
    }

    /// The session in the footer.
    pub(crate) fn session(&self) -> Option<&str> {
        let (_, rest) = self.text.split_once("session: <code>")?;
        rest.get(..32)
    }
}

async fn read(response: Response) -> Answer {
    let text = |name: header::HeaderName| {
        let value = response.headers().get(name)?;
        Some(value.to_str().unwrap().to_owned())
    };
    Answer {
        status: response.status().as_u16(),
        location: text(header::LOCATION),
        set_cookie: text(header::SET_COOKIE),
        retry_after: text(header::RETRY_AFTER),
        text: response.text().await.unwrap(),
    }
}
