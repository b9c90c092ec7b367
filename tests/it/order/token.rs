//! The Entra token of the fallback request: asked for by scope, sent as it is, shown nowhere.

use std::sync::Arc;

use azure_core::Error;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use azure_core::time::OffsetDateTime;
use order_items_reserver::fallback::logic_app::{Authorization, LogicApp};
use order_items_reserver::fallback::{Fallback as _, FallbackError, Notice, Reason};
use order_items_reserver::order::OrderError;

use super::bare;
use super::notice::Workflow;

const SCOPE: &str = "https://management.azure.com/.default";

/// An identity that has a token for [`SCOPE`], or none.
#[derive(Debug)]
struct Entra {
    token: Option<&'static str>,
}

#[async_trait::async_trait]
impl TokenCredential for Entra {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        assert_eq!(scopes, [SCOPE]);
        match self.token {
            Some(token) => Ok(AccessToken::new(token, OffsetDateTime::now_utc())),
            None => Err(Error::with_message(ErrorKind::Credential, "no identity")),
        }
    }
}

async fn send(workflow: &Workflow, identity: Option<Entra>) -> Result<(), FallbackError> {
    let authorization = identity.map(|entra| Authorization {
        credential: Arc::new(entra),
        scope: SCOPE.to_owned(),
    });
    let fallback = LogicApp {
        authorization,
        ..workflow.fallback()
    };
    let (delivery, reason) = (bare(""), Reason::Unreadable(OrderError::Empty));
    let notice = Notice {
        delivery: &delivery,
        order: None,
        reason: &reason,
    };
    fallback.send(&notice).await
}

#[tokio::test]
async fn a_token_goes_with_the_request_where_one_is_wanted() {
    let mut workflow = Workflow::answering(202).await;
    for (identity, expected) in [
        (None, None),
        (
            Some(Entra {
                token: Some("t0k3n"),
            }),
            Some("Bearer t0k3n"),
        ),
    ] {
        assert_eq!(send(&workflow, identity).await, Ok(()));
        let (headers, _) = workflow.next().await;
        let sent = headers.get("authorization");
        assert_eq!(sent.map(|value| value.to_str().unwrap()), expected);
    }
}

/// The order stays in the queue: a workflow that wants a token would refuse it.
#[tokio::test]
async fn without_its_token_nothing_is_sent() {
    let workflow = Workflow::answering(202).await;
    let refused = FallbackError::Credential("no identity".to_owned());
    let answer = send(&workflow, Some(Entra { token: None })).await;
    assert_eq!(answer, Err(refused));
    assert!(workflow.is_empty());
}
