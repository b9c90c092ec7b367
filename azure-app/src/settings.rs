//! Settings: a reader of single values that collects what is wrong with them, so that every mistake
//! is reported at once.

mod damage;

use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use url::{Host, Url};

use crate::identity::Identity;

/// Where settings come from: the value of a name, if it has one.
pub type Source<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Set by App Service and Functions where the app has an identity.
const IDENTITY_ENDPOINT: &str = "IDENTITY_ENDPOINT";

/// The client id of a user-assigned identity, for all connections that name none of their own: what
/// the Azure SDKs' default credential reads, and with it the Functions host.
pub const AZURE_CLIENT_ID: &str = "AZURE_CLIENT_ID";

/// The settings of a connection `X` that say who the app is there, as "Configure an identity-based
/// connection" of Azure Functions names them.
#[derive(Clone, Copy, Debug)]
pub struct IdentitySettings {
    /// `X__credential`
    pub credential: &'static str,
    /// `X__clientId`
    pub client_id: &'static str,
    /// `X__managedIdentityResourceId` and `X__managedIdentityObjectId`, which the Functions host
    /// takes in its place.
    pub other_ids: [&'static str; 2],
}

/// The names of settings, each with its default, if it has one.
pub type Defaults<'a> = &'a [(&'static str, Option<&'static str>)];

/// The longest time that makes sense in a setting, in milliseconds.
const MILLISECONDS_MAX: u64 = 300_000;

/// One setting that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The name of the environment variable.
    pub setting: &'static str,
    /// What is wrong and what was expected. Never quotes a value that may be secret.
    pub problem: String,
}

/// All that is wrong with the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    /// Whether all is well.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "settings are missing or wrong:")?;
        for Mistake { setting, problem } in &self.0 {
            write!(f, "\n  {setting}: {problem}")?;
        }
        Ok(())
    }
}

impl Error for Mistakes {}

/// Both, or what is wrong with either.
///
/// # Errors
/// The mistakes of the first, and then those of the second.
pub fn both<A, B>(a: Result<A, Mistakes>, b: Result<B, Mistakes>) -> Result<(A, B), Mistakes> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(Mistakes(mut all)), b) => {
            all.extend(b.err().into_iter().flat_map(|Mistakes(more)| more));
            Err(Mistakes(all))
        }
        (Ok(_), Err(mistakes)) => Err(mistakes),
    }
}

/// Where settings come from, and what was wrong with them so far.
pub struct Reader<'a> {
    defaults: Defaults<'a>,
    source: Source<'a>,
    /// In the order in which they were met.
    pub mistakes: Mistakes,
}

/// Without the source: it may hold secrets.
impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("mistakes", &self.mistakes)
            .finish_non_exhaustive()
    }
}

/// The value of `name` in the environment of the process.
#[must_use]
pub fn from_env(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    std::env::var(name).ok()
}

/// What to add to the mistake of a connection string that has one part only: words on the habit
/// that leaves it so, or nothing.
#[must_use]
pub fn hint_at_cut(connection: &str) -> &'static str {
    match connection.trim_end_matches(';').contains(';') {
        true => "",
        false => "; it has one part only: a shell ends a command at each ; that is not in quotes",
    }
}

/// Whether a URL leads to this machine: only there does anything secret go in the clear.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Reads settings with `assemble`, which gives up on nothing before it has read everything.
///
/// `defaults` has every setting with its default, if it has one; an empty value counts as unset. A
/// value that was damaged on its way here is a mistake, whatever else it could pass for.
///
/// # Errors
/// Lists everything that is missing or wrong.
pub fn read<T>(
    defaults: Defaults<'_>,
    source: Source<'_>,
    assemble: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Result<T, Mistakes> {
    let mut reader = Reader::new(defaults, source);
    let assembled = assemble(&mut reader);
    reader.tell_damage();
    match assembled {
        Some(settings) if reader.mistakes.is_empty() => Ok(settings),
        _ => Err(reader.mistakes),
    }
}

impl<'a> Reader<'a> {
    /// Reads from `source`; `defaults` has every setting with its default, if it has one.
    pub fn new(defaults: Defaults<'a>, source: Source<'a>) -> Self {
        Self {
            defaults,
            source,
            mistakes: Mistakes::default(),
        }
    }

    /// Records a mistake; `None`, so that a reading can end with it.
    pub fn wrong<T>(&mut self, setting: &'static str, problem: impl Into<String>) -> Option<T> {
        self.mistakes.0.push(Mistake {
            setting,
            problem: problem.into(),
        });
        None
    }

    /// Of each damaged value it is told what happened to it, in the place of what it led to.
    fn tell_damage(&mut self) {
        for (setting, _) in self.defaults {
            let Some(problem) = self
                .get(setting)
                .and_then(|value| damage::damage(setting, &value))
            else {
                continue;
            };
            let mistakes = &mut self.mistakes.0;
            let at = mistakes.iter().position(|it| it.setting == *setting);
            mistakes.retain(|it| it.setting != *setting);
            let at = at.unwrap_or(mistakes.len());
            mistakes.insert(at, Mistake { setting, problem });
        }
    }

    /// The value, trimmed; empty is unset.
    pub fn get(&self, name: &str) -> Option<String> {
        let value = (self.source)(name)?.trim().to_owned();
        Some(value).filter(|value| !value.is_empty())
    }

    /// The value, or the default.
    pub fn or_default(&self, name: &str) -> String {
        let default = || {
            self.defaults
                .iter()
                .find(|(known, _)| *known == name)?
                .1
                .map(str::to_owned)
        };
        self.get(name).or_else(default).unwrap_or_default()
    }

    /// The value as a `T`; `expected` says in words what would be one.
    pub fn parsed<T: FromStr>(&mut self, name: &'static str, expected: &str) -> Option<T> {
        let value = self.or_default(name);
        value
            .parse()
            .ok()
            .or_else(|| self.wrong(name, format!("`{value}` is not {expected}")))
    }

    /// The value as a number within `range`.
    pub fn number(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.or_default(name);
        value
            .parse()
            .ok()
            .filter(|number| range.contains(number))
            .or_else(|| {
                let (least, most) = (range.start(), range.end());
                self.wrong(
                    name,
                    format!("`{value}` is not a whole number from {least} to {most}"),
                )
            })
    }

    /// The value as a time in milliseconds, five minutes at the most.
    pub fn milliseconds(&mut self, name: &'static str) -> Option<Duration> {
        self.number(name, 1..=MILLISECONDS_MAX)
            .map(Duration::from_millis)
    }

    /// Who the app is to the service behind a connection. Without settings of its own the app's
    /// identity in Azure (the one that [`AZURE_CLIENT_ID`] names, or the system-assigned one), and
    /// elsewhere the developer's.
    pub fn identity(&mut self, names: IdentitySettings) -> Option<Identity> {
        let IdentitySettings {
            credential,
            client_id,
            other_ids,
        } = names;
        for other in other_ids {
            if self.get(other).is_some() {
                // The SDK takes no resource id on App Service, and one way to name it is enough.
                let problem = format!(
                    "an identity is named by its client id here; expected {client_id} in its place"
                );
                return self.wrong(other, problem);
            }
        }
        let id = self.get(client_id);
        let of_all = self.get(AZURE_CLIENT_ID);
        match (self.get(credential), id) {
            (Some(kind), _) if !kind.eq_ignore_ascii_case("managedidentity") => {
                let problem = format!(
                    "`{kind}` is not supported; \
                     expected managedidentity, or nothing for the developer's own sign-in"
                );
                self.wrong(credential, problem)
            }
            // Here the Functions host takes the system-assigned one, and the SDKs take the other:
            // whichever was meant, one of the two would be somebody else.
            (Some(_), None) if of_all.is_some() => {
                let problem = format!(
                    "{AZURE_CLIENT_ID} names an identity, and this alone means the \
                     system-assigned one; expected the same id in {client_id}, or no {AZURE_CLIENT_ID}"
                );
                self.wrong(credential, problem)
            }
            (Some(_), client_id) => Some(Identity::Managed { client_id }),
            (None, Some(_)) => {
                let problem = format!("expected managedidentity, as {client_id} is set");
                self.wrong(credential, problem)
            }
            (None, None) if self.get(IDENTITY_ENDPOINT).is_some() => {
                Some(Identity::Managed { client_id: of_all })
            }
            (None, None) => Some(Identity::Developer),
        }
    }
}
