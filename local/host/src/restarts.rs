//! When the host starts a dead handler again, and when it gives up.

use std::time::Duration;

use tokio::time::Instant;

const INTENTIONAL_RESTART: i32 = 200;
const ERRORS_MAX: u32 = 3;
const FORGET_AFTER: Duration = Duration::from_secs(30 * 60);

/// How the handler's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself; a signal leaves no code.
    Code(Option<i32>),
    /// The host killed it: a function time-out, or [`super::Host::kill_handler`].
    Killed,
    /// The host killed it for a newer program: [`super::Host::replace_handler`].
    Replaced,
    /// It did not answer within initializationTimeout and was killed.
    NotInitialized,
}

/// What the host does when the handler is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Restart,
    /// Nothing: exit code 0 counts as intended.
    StayDown,
    /// Third error in a row: stops.
    StopHost,
}

#[derive(Debug, Default)]
pub(super) struct Restarts {
    errors: u32,
    last_error: Option<Instant>,
}

impl Restarts {
    pub(super) fn after(&mut self, exit: Exit, now: Instant) -> Next {
        match exit {
            Exit::Code(Some(0)) => Next::StayDown,
            Exit::Code(Some(INTENTIONAL_RESTART)) | Exit::Killed | Exit::Replaced => Next::Restart,
            Exit::Code(_) | Exit::NotInitialized => self.error(now),
        }
    }

    fn error(&mut self, now: Instant) -> Next {
        if self
            .last_error
            .is_some_and(|last| now - last > FORGET_AFTER)
        {
            self.errors = 0;
        }
        self.errors += 1;
        self.last_error = Some(now);
        if self.errors >= ERRORS_MAX {
            Next::StopHost
        } else {
            Next::Restart
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRASH: Exit = Exit::Code(Some(101));

    #[test]
    fn zero_stays_down_and_two_hundred_is_not_counted() {
        let mut restarts = Restarts::default();
        let now = Instant::now();
        assert_eq!(restarts.after(Exit::Code(Some(0)), now), Next::StayDown);
        for _ in 0..5 {
            assert_eq!(restarts.after(Exit::Code(Some(200)), now), Next::Restart);
            assert_eq!(restarts.after(Exit::Killed, now), Next::Restart);
        }
        assert_eq!(restarts.after(CRASH, now), Next::Restart);
    }

    #[test]
    fn the_third_error_stops_the_host_when_each_came_soon_after_the_last() {
        let mut restarts = Restarts::default();
        let start = Instant::now();
        let minutes = |minutes: u64| start + Duration::from_secs(minutes * 60);
        assert_eq!(restarts.after(CRASH, minutes(0)), Next::Restart);
        assert_eq!(restarts.after(Exit::Code(None), minutes(29)), Next::Restart);
        assert_eq!(
            restarts.after(Exit::NotInitialized, minutes(58)),
            Next::StopHost
        );
    }

    #[test]
    fn a_quiet_half_hour_forgets_the_errors() {
        let mut restarts = Restarts::default();
        let start = Instant::now();
        let minutes = |minutes: u64| start + Duration::from_secs(minutes * 60);
        assert_eq!(restarts.after(CRASH, minutes(0)), Next::Restart);
        assert_eq!(restarts.after(CRASH, minutes(1)), Next::Restart);
        assert_eq!(restarts.after(CRASH, minutes(32)), Next::Restart);
        assert_eq!(restarts.after(CRASH, minutes(33)), Next::Restart);
        assert_eq!(restarts.after(CRASH, minutes(34)), Next::StopHost);
    }
}
