//! Makes things go wrong while carts arrive: spells of faults and kills, each switched on over the
//! dashboard as a person would, by a schedule that the seed decides.
//!
//! The stack is another process, which may be killed and come back. Chaos, in the crate `stack`,
//! breaks one in its own process, in more ways than a dashboard has buttons for.

use std::time::Duration;

use fastrand::Rng;
use serde::Serialize;
use stand_in::{LOGIC_APP_FAULTS, NamedFault, STORAGE_FAULTS};
use tokio::time::{Instant, sleep, timeout};

use crate::LoadError;
use crate::access::{Breakable, Dashboard};
use crate::plan::{Faults, WantedFault};

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
}

/// One step of the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Storage(NamedFault),
    LogicApp(NamedFault),
    Kill { during_upload: bool },
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
        let step = step(kind, faults, first.is_some(), &mut random);
        apply(&step, dashboard, &mut done).await;
    }
    done
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Storage,
    LogicApp,
    Kill,
}

fn kinds(faults: &Faults) -> Vec<Kind> {
    let storage = faults.storage.as_ref().map(|_| Kind::Storage);
    let logic_app = faults.logic_app.as_ref().map(|_| Kind::LogicApp);
    let kill = faults.kills.then_some(Kind::Kill);
    [storage, logic_app, kill].into_iter().flatten().collect()
}

/// Three of five spells are a fault, the others health: what is broken for good proves less.
fn step(kind: Kind, faults: &Faults, first: bool, random: &mut Rng) -> Step {
    let mut fault = |wanted: &Option<WantedFault>, all: &[NamedFault]| {
        let any = random.choice(all).copied().unwrap_or_default();
        match wanted {
            _ if !first && random.u8(0..5) < 2 => NamedFault::None,
            Some(WantedFault::Any) | None => any,
            Some(WantedFault::This(fault)) => *fault,
        }
    };
    match kind {
        Kind::Storage => Step::Storage(fault(&faults.storage, &STORAGE_FAULTS)),
        Kind::LogicApp => Step::LogicApp(fault(&faults.logic_app, &LOGIC_APP_FAULTS)),
        Kind::Kill => Step::Kill {
            during_upload: random.u8(0..3) == 0,
        },
    }
}

async fn apply(step: &Step, dashboard: &Dashboard, done: &mut FaultCounts) {
    let result = match step {
        Step::Storage(fault) => dashboard.set_faults(Some(*fault), None).await,
        Step::LogicApp(fault) => dashboard.set_faults(None, Some(*fault)).await,
        Step::Kill { during_upload } => dashboard.kill_handler(*during_upload).await,
    };
    if result.is_err() {
        return;
    }
    match step {
        Step::Storage(fault) => done.storage_spells += u32::from(*fault != NamedFault::None),
        Step::LogicApp(fault) => done.logic_app_spells += u32::from(*fault != NamedFault::None),
        Step::Kill { during_upload } => {
            done.kills += 1;
            done.kills_during_upload += u32::from(*during_upload);
        }
    }
}

/// Switches off what was switched on, however often that takes.
pub(crate) async fn heal(faults: &Faults, dashboard: &Dashboard) -> Result<(), LoadError> {
    if faults.is_none() {
        return Ok(());
    }
    let none = Some(NamedFault::None);
    let mend = || dashboard.set_faults(none, none);
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
        let faults: Faults = "storage=any,logic-app=any,handler=kills"
            .parse()
            .expect("good");
        let schedule = |seed| {
            let mut random = Rng::with_seed(seed);
            let kinds = kinds(&faults);
            let steps = (0..50).map(|_| {
                step(
                    kinds[random.usize(0..kinds.len())],
                    &faults,
                    false,
                    &mut random,
                )
            });
            steps.collect::<Vec<_>>()
        };
        assert_eq!(schedule(1), schedule(1));
        assert_ne!(schedule(1), schedule(2));
    }
}
