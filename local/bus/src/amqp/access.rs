//! Who may send: what a connection has shown, by SASL or by tokens.

use fe2o3_amqp_types::definitions::AmqpError;
use percent_encoding::percent_decode_str;

use super::node::path;
use super::refusal::AmqpRefusal;
use super::shared::AmqpShared;
use crate::sas;

/// More than a client needs that sends to every queue of a namespace.
const GRANTS_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Access {
    /// The paths its tokens cover; an empty one is the whole namespace.
    granted: Vec<String>,
    /// Why the last token was not good.
    refused: Option<String>,
}

impl Access {
    /// The whole namespace, by name and key.
    pub(super) fn everything() -> Self {
        Self {
            granted: vec![String::new()],
            refused: None,
        }
    }

    /// Takes a token for `audience`, and says why not.
    pub(super) fn put_token(
        &mut self,
        token: &str,
        audience: &str,
        shared: &AmqpShared,
    ) -> Result<(), String> {
        let result = self.check(token, audience, shared);
        self.refused = result.clone().err();
        result
    }

    fn check(&mut self, token: &str, audience: &str, shared: &AmqpShared) -> Result<(), String> {
        let path = path(&resource(token).unwrap_or_else(|| audience.to_owned()))
            .split('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        // Tokens of Microsoft Entra ID are let in unseen, as they are at the REST door.
        if let (Some(key), true) = (
            &shared.options.key,
            token.starts_with("SharedAccessSignature"),
        ) {
            // Any clock of the stack will do: they are the same.
            let queue = shared.options.queues.first();
            if let Some(now) = queue.map(|queue| queue.clock().now()) {
                sas::check(token, key, &path, now).map_err(|refused| refused.to_string())?;
            }
        }
        if !self.covers(&path) {
            if self.granted.len() >= GRANTS_MAX {
                return Err(format!("more than {GRANTS_MAX} tokens on one connection"));
            }
            self.granted.push(path);
        }
        Ok(())
    }

    pub(super) fn to(&self, queue: &str, shared: &AmqpShared) -> Result<(), AmqpRefusal> {
        if self.covers(queue) {
            return Ok(());
        }
        let problem = match &self.refused {
            Some(refused) => refused.clone(),
            None if self.granted.is_empty() => {
                shared.hint_about_tokens();
                return Ok(());
            }
            None => format!("no token on this connection covers /{queue}"),
        };
        Err(AmqpRefusal::new(AmqpError::UnauthorizedAccess, problem))
    }

    fn covers(&self, queue: &str) -> bool {
        let mut granted = self.granted.iter();
        granted.any(|path| path.is_empty() || path.eq_ignore_ascii_case(queue))
    }
}

/// What a shared access signature says it is for.
fn resource(token: &str) -> Option<String> {
    let fields = token.strip_prefix("SharedAccessSignature ")?;
    let resource = fields
        .split('&')
        .find_map(|field| field.strip_prefix("sr="))?;
    Some(
        percent_decode_str(resource)
            .decode_utf8_lossy()
            .into_owned(),
    )
}
