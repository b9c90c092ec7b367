//! What a load run is to do.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use stand_in::{BUS_FAULTS, LOGIC_APP_FAULTS, NamedFault, STORAGE_FAULTS};

/// How carts arrive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// So many a second, whatever the stack does meanwhile.
    Rate(f64),
    /// Each session sends its next cart when the queue has the last one, while the queue is not too
    /// long.
    Max,
}

/// A load run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How carts arrive; of shoppers, how often they click, all together.
    pub pace: Pace,
    /// Sessions that have a cart each, or shoppers.
    pub carts: usize,
    /// Through the storefront's pages instead of the queue's door.
    pub through_petstore: bool,
    /// How long carts arrive.
    pub duration: Duration,
    /// What goes wrong meanwhile.
    pub faults: Faults,
    /// Decides what is in the carts, whose turn it is, and when what goes wrong.
    pub seed: u64,
    /// The least size of an order.
    pub body_bytes: usize,
    /// How long the queue may show no progress at the end before the judge takes it as it is.
    pub settle: Duration,
    /// Where the oracle's notes and the report are written, if anywhere.
    pub out: Option<PathBuf>,
}

/// What `--faults` asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// What is wrong with the storage now and then.
    pub storage: Option<WantedFault>,
    /// The same of the Logic App.
    pub logic_app: Option<WantedFault>,
    /// Whether the handler is killed now and then.
    pub kills: bool,
    /// What is wrong with the bus for the storefront now and then.
    pub bus: Option<WantedFault>,
    /// The same of the storefront's own storage.
    pub shop_storage: Option<WantedFault>,
    /// Whether the storefront's processes are killed now and then.
    pub shop_kills: bool,
}

/// What is to be wrong with a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedFault {
    /// Another one each time.
    Any,
    This(NamedFault),
}

/// `--faults` in a wrong form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultsError {
    /// Not `part=fault`, or no such part.
    #[error(
        "--faults {0:?}: expected storage=FAULT, logic-app=FAULT, handler=kills, bus=FAULT, shop-storage=FAULT or shop=kills, divided by commas"
    )]
    Part(String),
    /// No such fault.
    #[error("--faults {part}={found}: expected any, {allowed}")]
    Fault {
        /// Of what.
        part: &'static str,
        /// What was given.
        found: String,
        /// What may be given.
        allowed: String,
    },
}

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Self, FaultsError> {
        let mut faults = Self::default();
        for pair in text.split(',') {
            match pair.split_once('=') {
                Some(("storage", fault)) => {
                    faults.storage = Some(known("storage", fault, &STORAGE_FAULTS)?);
                }
                Some(("logic-app", fault)) => {
                    faults.logic_app = Some(known("logic-app", fault, &LOGIC_APP_FAULTS)?);
                }
                Some(("handler", "kills")) => faults.kills = true,
                Some(("bus", fault)) => {
                    faults.bus = Some(known("bus", fault, &BUS_FAULTS)?);
                }
                Some(("shop-storage", fault)) => {
                    faults.shop_storage = Some(known("shop-storage", fault, &STORAGE_FAULTS)?);
                }
                Some(("shop", "kills")) => faults.shop_kills = true,
                _ => return Err(FaultsError::Part(pair.to_owned())),
            }
        }
        Ok(faults)
    }
}

fn known(
    part: &'static str,
    fault: &str,
    allowed: &[NamedFault],
) -> Result<WantedFault, FaultsError> {
    if fault == "any" {
        return Ok(WantedFault::Any);
    }
    let found = allowed.iter().find(|known| known.name() == fault);
    found
        .map(|found| WantedFault::This(*found))
        .ok_or_else(|| FaultsError::Fault {
            part,
            found: fault.to_owned(),
            allowed: allowed
                .iter()
                .map(|it| it.name())
                .collect::<Vec<_>>()
                .join(", "),
        })
}

impl Faults {
    /// Whether nothing goes wrong.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_and_mistakes_are_named() {
        let faults: Faults = "storage=flaky,logic-app=any,handler=kills"
            .parse()
            .expect("good");
        assert_eq!(faults.storage, Some(WantedFault::This(NamedFault::Flaky)));
        assert_eq!(faults.logic_app, Some(WantedFault::Any));
        assert!(faults.kills && !faults.is_none());
        let error = |text: &str| text.parse::<Faults>().expect_err(text).to_string();
        assert!(
            error("storage=broken").contains("expected any, refuses, 503"),
            "{}",
            error("storage=broken")
        );
        assert!(error("queue=down").contains("\"queue=down\": expected storage=FAULT"));
        let shop: Faults = "bus=any,shop-storage=503,shop=kills".parse().expect("good");
        assert_eq!(shop.bus, Some(WantedFault::Any));
        let busy = Some(WantedFault::This(NamedFault::ServerBusy));
        assert!(shop.shop_storage == busy && shop.shop_kills);
        assert!(error("shop=naps").contains("shop=kills"));
        assert!(error("handler=naps").contains("handler=kills"));
    }
}
