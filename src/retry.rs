//! One attempt and three retries, a time limit on each: the only layer that retries.

use std::future::Future;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};

/// Uploads per delivery at the most: one, and three retries.
pub const ATTEMPTS_MAX: u32 = 4;

/// The longest wait between two attempts that a server can ask for with `Retry-After`.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(20);

/// How attempts are spaced.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// Time limit of each attempt.
    pub attempt_timeout: Duration,
    /// The first delay is drawn from zero to this (full jitter), the next from zero to twice as
    /// much, and so on.
    pub backoff_base: Duration,
}

/// A failed attempt, as far as the next one depends on it.
pub trait Retriable {
    /// The attempt took longer than `limit`; whether it had an effect is unknown.
    fn timed_out(limit: Duration) -> Self;

    /// How long the server asked to wait (RFC 9110 `Retry-After`), if it did.
    fn retry_after(&self) -> Option<Duration>;
}

/// All attempts failed.
#[derive(Debug, thiserror::Error)]
#[error("{last}")]
pub struct Exhausted<E: std::error::Error> {
    /// How many there were.
    pub attempts: u32,
    /// Why the last one failed.
    pub last: E,
}

/// A value, and how many attempts it took.
#[derive(Debug, PartialEq, Eq)]
pub struct Attempted<T> {
    /// What the last attempt brought.
    pub value: T,
    /// 1 to [`ATTEMPTS_MAX`].
    pub attempts: u32,
}

impl Retry {
    /// Runs `attempt` (with its number, from 1) until it succeeds, [`ATTEMPTS_MAX`] times at the
    /// most, one after the other. Every failure is retried alike: in Azure even "forbidden" and
    /// "not found" pass, while a role or a container is being created.
    ///
    /// # Errors
    /// When the last attempt failed too.
    pub async fn run<T, E, F>(
        &self,
        attempt: impl FnMut(u32) -> F,
    ) -> Result<Attempted<T>, Exhausted<E>>
    where
        E: Retriable + std::error::Error,
        F: Future<Output = Result<T, E>>,
    {
        self.run_telling(attempt, |_, _| {}).await
    }

    /// The same; `failed` hears of each failure that another attempt follows, and of the wait
    /// before that.
    ///
    /// # Errors
    /// When the last attempt failed too.
    pub async fn run_telling<T, E, F>(
        &self,
        mut attempt: impl FnMut(u32) -> F,
        failed: impl FnMut(&E, Duration),
    ) -> Result<Attempted<T>, Exhausted<E>>
    where
        E: Retriable + std::error::Error,
        F: Future<Output = Result<T, E>>,
    {
        let mut attempts = 0;
        let limited = || {
            attempts += 1;
            let attempt = tokio::time::timeout(self.attempt_timeout, attempt(attempts));
            async {
                attempt
                    .await
                    .unwrap_or_else(|_| Err(E::timed_out(self.attempt_timeout)))
            }
        };
        let outcome = limited
            .retry(self.delays())
            .adjust(|error: &E, delay| delay.map(|longest| wait(longest, error.retry_after())))
            .notify(failed)
            .await;
        match outcome {
            Ok(value) => Ok(Attempted { value, attempts }),
            Err(last) => Err(Exhausted { attempts, last }),
        }
    }

    /// The longest that [`Self::run`] can take.
    #[must_use]
    pub fn budget(&self) -> Duration {
        let mut budget = self.attempt_timeout * ATTEMPTS_MAX;
        let mut delay = self.backoff_base;
        for _ in 1..ATTEMPTS_MAX {
            budget += delay.max(RETRY_AFTER_MAX);
            delay *= 2;
        }
        budget
    }

    fn delays(&self) -> ExponentialBuilder {
        ExponentialBuilder::new()
            .with_min_delay(self.backoff_base)
            .with_factor(2.0)
            .without_max_delay()
            .with_max_times(ATTEMPTS_MAX as usize - 1)
    }
}

/// Full jitter, so that instances that failed together do not come back together; never sooner
/// than the server asked for.
fn wait(longest: Duration, retry_after: Option<Duration>) -> Duration {
    let jittered = longest.mul_f64(fastrand::f64());
    jittered.max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("no")]
    struct No;

    impl Retriable for No {
        fn timed_out(_: Duration) -> Self {
            Self
        }

        fn retry_after(&self) -> Option<Duration> {
            None
        }
    }

    /// The clock is paused: it shows what the attempts waited for, and nothing else.
    #[tokio::test(start_paused = true)]
    async fn the_delays_come_from_the_base_that_is_set() {
        for (base, least, most) in [(0, 0, 0), (3_600, 60, 7 * 3_600)] {
            fastrand::seed(1);
            let retry = Retry {
                attempt_timeout: Duration::from_secs(1),
                backoff_base: Duration::from_secs(base),
            };
            let (mut told_of, mut waits) = (0, Duration::ZERO);
            let told = |_: &No, wait| {
                told_of += 1;
                waits += wait;
            };
            let began = Instant::now();
            let exhausted = retry
                .run_telling(async |_| Err::<(), _>(No), told)
                .await
                .unwrap_err();
            assert_eq!(exhausted.attempts, ATTEMPTS_MAX);
            assert_eq!(told_of, ATTEMPTS_MAX - 1);
            // A timer may fire a millisecond later.
            let late = began.elapsed().abs_diff(waits);
            assert!(late <= Duration::from_millis(5), "{late:?}");
            let waited = began.elapsed().as_secs();
            assert!((least..=most).contains(&waited), "{waited} s of {base} s");
        }
    }
}
