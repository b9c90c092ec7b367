//! `X__credential` and `X__clientId`: who the app is to the service behind connection `X`.

use super::Reader;
use crate::identity::Identity;

/// Set by App Service and Functions where the app has an identity.
const IDENTITY_ENDPOINT: &str = "IDENTITY_ENDPOINT";

/// In Azure the app's own identity; elsewhere the developer's. `credential` and `client_id` name
/// the two settings.
pub fn identity(
    reader: &mut Reader<'_>,
    credential: &'static str,
    client_id: &'static str,
) -> Option<Identity> {
    let id = reader.get(client_id);
    match reader.get(credential) {
        Some(kind) if kind.eq_ignore_ascii_case("managedidentity") => {
            Some(Identity::Managed { client_id: id })
        }
        Some(kind) => {
            let problem = format!(
                "`{kind}` is not supported; expected managedidentity, or nothing for the developer's own sign-in"
            );
            reader.wrong(credential, problem)
        }
        None if id.is_some() => {
            let problem = format!("expected managedidentity, as {client_id} is set");
            reader.wrong(credential, problem)
        }
        None if reader.get(IDENTITY_ENDPOINT).is_some() => {
            Some(Identity::Managed { client_id: None })
        }
        None => Some(Identity::Developer),
    }
}
