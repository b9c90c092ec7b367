//! Makes things go wrong while carts arrive: spells of faults and kills, each switched on over the
//! dashboard as a person would, by a schedule that the seed decides.
//!
//! The stack is another process, which may be killed and come back. Chaos, in the crate `stack`,
//! breaks one in its own process, in more ways than a dashboard has buttons for.

use std::time::Duration;

use fastrand::Rng;
use serde::Serialize;
use stand_in::{BUS_FAULTS, LOGIC_APP_FAULTS, NamedFault, STORAGE_FAULTS};
use tokio::time::{Instant, sleep, timeout};

use crate::access::{Breakable, Dashboard};
use crate::plan::{Faults, WantedFault};
use crate::{LoadError, Plan};

/// Healing is tried so long: a stack that was killed takes its faults along anyway.
const HEALING: Duration = Duration::from_secs(30);

/// What went wrong on purpose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultCounts {
    /// Spells of a fault of the storage.
    pub storage_spells: u32,
    /// Spells of a fault of the Logic App.
    pub logic_app_spells: u32,
    /// Kills of the handler.
    pub kills: u32,
    /// Of them, those armed for the middle of an upload.
    pub kills_during_upload: u32,
    /// Spells of a fault of the bus.
    pub bus_spells: u32,
    /// Spells of a fault of the storefront's storage.
    pub shop_storage_spells: u32,
    /// Kills of a process of the storefront.
    pub shop_kills: u32,
}

/// One step of the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Fault(Part, NamedFault),
    Kill {
        during_upload: bool,
    },
    /// That one, by any number.
    KillShop(usize),
}

/// A part that has a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Storage,
    LogicApp,
    Bus,
    ShopStorage,
}

impl Part {
    const ALL: [Self; 4] = [Self::Storage, Self::LogicApp, Self::Bus, Self::ShopStorage];

    /// As the dashboard calls it.
    fn key(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::LogicApp => "logicApp",
            Self::Bus => "bus",
            Self::ShopStorage => "shopStorage",
        }
    }

    fn faults(self) -> &'static [NamedFault] {
        match self {
            Self::Storage | Self::ShopStorage => &STORAGE_FAULTS,
            Self::LogicApp => &LOGIC_APP_FAULTS,
            Self::Bus => &BUS_FAULTS,
        }
    }

    fn wanted(self, faults: &Faults) -> Option<WantedFault> {
        match self {
            Self::Storage => faults.storage,
            Self::LogicApp => faults.logic_app,
            Self::Bus => faults.bus,
            Self::ShopStorage => faults.shop_storage,
        }
    }
}

/// What goes wrong with the shop goes wrong for shoppers. Carts at the queue's door would take a
/// refusal that was none for a word of the queue.
pub(crate) fn check_way(plan: &Plan) -> Result<(), LoadError> {
    let faults = &plan.faults;
    let of_the_shop = faults.bus.is_some() || faults.shop_storage.is_some() || faults.shop_kills;
    match of_the_shop && !plan.through_petstore {
        true => Err(LoadError::Unbreakable {
            fault: "bus=…, shop-storage=…, shop=kills",
            problem: "these are met by shoppers only: expected --shoppers N",
        }),
        false => Ok(()),
    }
}

/// Whether all that is to go wrong can.
pub(crate) fn check(faults: &Faults, breakable: Breakable) -> Result<(), LoadError> {
    let all = [
        (
            faults.storage.is_some() && !breakable.storage,
            "storage=…",
            "the blobs are not in the endpoint of the stack: expected one without --azurite",
        ),
        (
            faults.logic_app.is_some() && !breakable.logic_app,
            "logic-app=…",
            "FALLBACK_URL leads to another machine",
        ),
        (
            faults.kills && !breakable.handler,
            "handler=kills",
            "another host runs the function: expected a stack without --func or --host",
        ),
        (
            faults.shop_storage.is_some() && !breakable.shop_storage,
            "shop-storage=…",
            "the carts are not in the endpoint of the stack: expected one without --azurite",
        ),
        (
            faults.shop_kills && breakable.shops == 0,
            "shop=kills",
            "the stack has no storefront: expected one without --no-petstore",
        ),
    ];
    match all.into_iter().find(|(missing, ..)| *missing) {
        Some((_, fault, problem)) => Err(LoadError::Unbreakable { fault, problem }),
        None => Ok(()),
    }
}

/// Makes things go wrong until `end`. What fails to be switched is tried at the next step: the
/// stack may be away.
pub(crate) async fn run(
    faults: &Faults,
    dashboard: &Dashboard,
    end: Instant,
    mut random: Rng,
) -> FaultCounts {
    let mut done = FaultCounts::default();
    let steps = kinds(faults);
    for number in 0_usize.. {
        // Each of them once, and then as it comes.
        let first = steps.get(number);
        let Some(kind) = first.or_else(|| random.choice(&steps)).copied() else {
            break;
        };
        let pause = Duration::from_millis(random.u64(100..800));
        if Instant::now() + pause >= end {
            break;
        }
        sleep(pause).await;
        let step = step(kind, first.is_some(), &mut random);
        let shops = dashboard.places.now().petstores.len();
        apply(&step, dashboard, shops, &mut done).await;
    }
    done
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Fault(Part, WantedFault),
    Kill,
    KillShop,
}

fn kinds(faults: &Faults) -> Vec<Kind> {
    let parts = Part::ALL.iter();
    let spells = parts.filter_map(|part| Some(Kind::Fault(*part, part.wanted(faults)?)));
    let kill = faults.kills.then_some(Kind::Kill);
    let kill_shop = faults.shop_kills.then_some(Kind::KillShop);
    spells.chain(kill).chain(kill_shop).collect()
}

/// Three of five spells are a fault, the others health: what is broken for good proves less.
fn step(kind: Kind, first: bool, random: &mut Rng) -> Step {
    match kind {
        Kind::Fault(part, wanted) => {
            let any = random.choice(part.faults()).copied().unwrap_or_default();
            let fault = match wanted {
                _ if !first && random.u8(0..5) < 2 => NamedFault::None,
                WantedFault::Any => any,
                WantedFault::This(fault) => fault,
            };
            Step::Fault(part, fault)
        }
        Kind::Kill => Step::Kill {
            during_upload: random.u8(0..3) == 0,
        },
        Kind::KillShop => Step::KillShop(random.usize(..)),
    }
}

async fn apply(step: &Step, dashboard: &Dashboard, shops: usize, done: &mut FaultCounts) {
    let result = match step {
        Step::Fault(part, fault) => dashboard.set_faults(&[(part.key(), *fault)]).await,
        Step::Kill { during_upload } => dashboard.kill_handler(*during_upload).await,
        Step::KillShop(any) => {
            let shop = any.checked_rem(shops).unwrap_or_default() + 1;
            dashboard.kill_shop(shop).await
        }
    };
    if result.is_err() {
        return;
    }
    match step {
        Step::Fault(part, fault) => {
            let spells = match part {
                Part::Storage => &mut done.storage_spells,
                Part::LogicApp => &mut done.logic_app_spells,
                Part::Bus => &mut done.bus_spells,
                Part::ShopStorage => &mut done.shop_storage_spells,
            };
            *spells += u32::from(*fault != NamedFault::None);
        }
        Step::Kill { during_upload } => {
            done.kills += 1;
            done.kills_during_upload += u32::from(*during_upload);
        }
        Step::KillShop(_) => done.shop_kills += 1,
    }
}

/// Switches off what was switched on, however often that takes.
pub(crate) async fn heal(faults: &Faults, dashboard: &Dashboard) -> Result<(), LoadError> {
    if faults.is_none() {
        return Ok(());
    }
    let broken = Part::ALL
        .into_iter()
        .filter(|part| part.wanted(faults).is_some());
    let none: Vec<_> = broken.map(|part| (part.key(), NamedFault::None)).collect();
    let mend = || dashboard.set_faults(&none);
    let healing = async {
        while mend().await.is_err() {
            sleep(Duration::from_millis(200)).await;
        }
    };
    match timeout(HEALING, healing).await {
        // A kill that still waits for an upload would hit what comes after us.
        Ok(()) => dashboard.disarm().await,
        Err(_) => mend().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_cannot_be_made_is_refused_and_not_left_out() {
        let faults: Faults = "logic-app=any,handler=kills".parse().expect("good");
        let here = Breakable::default();
        check(&faults, here).expect("all is here");
        let without_storage = Breakable {
            storage: false,
            ..here
        };
        check(&faults, without_storage).expect("nobody asked for it");
        let elsewhere = Breakable {
            handler: false,
            ..here
        };
        let error = check(&faults, elsewhere).expect_err("refused").to_string();
        assert!(
            error.contains("--faults handler=kills: another host"),
            "{error}"
        );
    }

    #[test]
    fn a_seed_decides_the_schedule() {
        let faults: Faults = "storage=any,logic-app=any,handler=kills,bus=any,shop=kills"
            .parse()
            .expect("good");
        let schedule = |seed| {
            let mut random = Rng::with_seed(seed);
            let kinds = kinds(&faults);
            let steps =
                (0..50).map(|_| step(kinds[random.usize(0..kinds.len())], false, &mut random));
            steps.collect::<Vec<_>>()
        };
        assert_eq!(schedule(1), schedule(1));
        assert_ne!(schedule(1), schedule(2));
    }
}
