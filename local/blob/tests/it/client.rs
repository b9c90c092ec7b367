//! A client that signs its requests, written apart from the endpoint's own check.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blob::{ACCOUNT, ACCOUNT_KEY, BlobEndpoint};
use hmac::{Hmac, Mac as _};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use sha2::Sha256;
use testkit::net;
use time::OffsetDateTime;
use time::macros::format_description;

pub(crate) struct BlobClient {
    http: reqwest::Client,
    root: String,
    account: String,
    key: String,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    /// The status and the error code, which stands in the header and, if there is one, the body.
    pub(crate) fn outcome(&self) -> (u16, &str) {
        let code = self.header("x-ms-error-code");
        if !self.body.is_empty() && !code.is_empty() {
            let element = format!("<Error><Code>{code}</Code><Message>");
            assert!(self.body.contains(&element), "{}", self.body);
        }
        (self.status.as_u16(), code)
    }
}

impl BlobClient {
    pub(crate) fn to(endpoint: &BlobEndpoint) -> Self {
        Self::with_key(endpoint, ACCOUNT_KEY)
    }

    pub(crate) fn with_key(endpoint: &BlobEndpoint, key: &str) -> Self {
        Self::of_account(endpoint.url(), ACCOUNT, key)
    }

    /// Of the account `name`, which is at `url`.
    pub(crate) fn of_account(url: &str, name: &str, key: &str) -> Self {
        let root = url.strip_suffix(&format!("/{name}"));
        Self {
            http: net::client(),
            root: root.unwrap().to_owned(),
            account: name.to_owned(),
            key: key.to_owned(),
        }
    }

    /// Uploads `body` as a block blob of the container `orders`.
    pub(crate) async fn put(&self, name: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.try_put(name, headers, body).await.unwrap()
    }

    pub(crate) async fn try_put(
        &self,
        name: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> reqwest::Result<Reply> {
        let mut all = vec![("x-ms-blob-type", "BlockBlob")];
        all.extend_from_slice(headers);
        let path = format!("/orders/{name}");
        self.try_send(Method::PUT, &path, &all, body).await
    }

    /// `path` begins below the account.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        self.try_send(method, path, headers, body).await.unwrap()
    }

    async fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> reqwest::Result<Reply> {
        let format = format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        );
        let date = OffsetDateTime::now_utc().format(format).unwrap();
        let mut all = vec![("x-ms-version", "2023-11-03"), ("x-ms-date", &date)];
        all.extend_from_slice(headers);
        let path = format!("/{}{path}", self.account);
        let authorization = self.authorization(&method, &path, &all, body.len());
        let mut request = self.http.request(method, format!("{}{path}", self.root));
        for (name, value) in all {
            request = request.header(name, value);
        }
        request = request.header("authorization", authorization);
        let response = request.body(body.to_owned()).send().await?;
        Ok(Reply {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.text().await?,
        })
    }

    fn authorization(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        length: usize,
    ) -> String {
        let value = |name: &str| {
            let header = headers.iter().find(|(other, _)| *other == name);
            header.map(|(_, value)| *value).unwrap_or_default()
        };
        let length = Some(length).filter(|&length| length > 0);
        let length = length.map(|length| length.to_string()).unwrap_or_default();
        let mut vendor: Vec<_> = headers
            .iter()
            .filter(|(name, _)| name.starts_with("x-ms-"))
            .collect();
        vendor.sort();
        let vendor: String = vendor
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut parameters: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).collect();
        parameters.sort_unstable();
        let parameters: String = parameters
            .iter()
            .map(|pair| format!("\n{}", pair.replacen('=', ":", 1)))
            .collect();
        let account = &self.account;
        let text = format!(
            "{method}\n\n\n{length}\n\n{}\n\n\n{}\n{}\n\n\n{vendor}/{account}{path}{parameters}",
            value("content-type"),
            value("if-match"),
            value("if-none-match"),
        );
        let key = STANDARD.decode(&self.key).unwrap();
        let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        let signature = mac.chain_update(text).finalize().into_bytes();
        format!("SharedKey {account}:{}", STANDARD.encode(signature))
    }
}

/// The texts of the elements `name`, in their order.
pub(crate) fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let rest = xml.split(&open).skip(1);
    rest.map(|text| text.split(&close).next().unwrap())
        .collect()
}
