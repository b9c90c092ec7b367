//! An identity endpoint that answers by a script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use azure_app::identity::HeldTokens;
use azure_core::Error;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use time::{Duration, OffsetDateTime};

#[derive(Clone, Copy, Debug)]
pub(super) enum Reply {
    /// A token that expires in so many seconds. The n-th request gets `token-n`.
    Expires(i64),
    Refuses,
    Hangs,
}

#[derive(Clone, Debug)]
pub(super) struct Endpoint(Arc<Mutex<Script>>);

#[derive(Debug)]
struct Script {
    next: VecDeque<Reply>,
    then: Reply,
    asked: usize,
}

impl Endpoint {
    /// Answers the first requests by `next` and all others by `then`; and who asks it.
    pub(super) fn start(next: impl IntoIterator<Item = Reply>, then: Reply) -> (Self, HeldTokens) {
        let endpoint = Self(Arc::new(Mutex::new(Script {
            next: next.into_iter().collect(),
            then,
            asked: 0,
        })));
        let held = HeldTokens::new(Arc::new(endpoint.clone()));
        (endpoint, held)
    }

    /// Requests so far.
    pub(super) fn asked(&self) -> usize {
        self.0.lock().unwrap().asked
    }
}

#[async_trait::async_trait]
impl TokenCredential for Endpoint {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let (reply, number) = {
            let mut script = self.0.lock().unwrap();
            script.asked += 1;
            (script.next.pop_front().unwrap_or(script.then), script.asked)
        };
        match reply {
            Reply::Expires(seconds) => Ok(AccessToken::new(
                format!("token-{number}"),
                OffsetDateTime::now_utc() + Duration::seconds(seconds),
            )),
            Reply::Refuses => {
                let no = "the endpoint says no";
                Err(Error::with_message(ErrorKind::Credential, no))
            }
            Reply::Hangs => std::future::pending().await,
        }
    }
}
