//! When a stack is at rest: nothing waits any more, and nothing moves.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::LoadError;

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Nothing waits and nothing moves for so long: a write of an attempt that was given up may
    /// still be on its way to the storage.
    pub calm: Duration,
    /// Something waits, and nothing has moved for so long: the stack is taken as it is.
    pub limit: Duration,
}

/// One look at the stack.
#[derive(Debug, Clone, Copy)]
pub struct Look<P> {
    /// What has to be done still, in messages.
    pub waiting: u64,
    /// Whatever changes as long as anything moves.
    pub progress: P,
}

/// Looks again and again until the stack is at rest. Whether it is: `false` when patience has an
/// end before.
///
/// # Errors
/// The last look's, when the stack is away for longer than the limit.
pub async fn settle<P: PartialEq>(
    patience: Patience,
    mut look: impl AsyncFnMut() -> Result<Look<P>, LoadError>,
) -> Result<bool, LoadError> {
    let (mut moved, mut calm, mut last) = (Instant::now(), None, None);
    loop {
        match look().await {
            Ok(Look { waiting, progress }) => {
                if last.as_ref() != Some(&progress) {
                    (moved, calm, last) = (Instant::now(), None, Some(progress));
                }
                if waiting > 0 {
                    calm = None;
                } else if calm.get_or_insert_with(Instant::now).elapsed() >= patience.calm {
                    return Ok(true);
                }
            }
            Err(error) if moved.elapsed() > patience.limit => return Err(error),
            // Killed, and about to come back: what it did unseen may have been anything but rest.
            Err(_) => calm = None,
        }
        if moved.elapsed() > patience.limit {
            return Ok(false);
        }
        sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        calm: Duration::from_secs(1),
        limit: Duration::from_secs(60),
    };

    fn away() -> LoadError {
        LoadError::Client("away".to_owned())
    }

    /// Lets `settle` see these looks, the last one for ever; what it says, and after how many
    /// looks.
    async fn settled(looks: &[Result<(u64, u64), ()>]) -> (Result<bool, LoadError>, usize) {
        let mut seen = 0;
        let result = settle(PATIENCE, async || {
            let look = looks.get(seen).or(looks.last()).copied();
            seen += 1;
            let (waiting, progress) = look.unwrap_or(Err(())).map_err(|()| away())?;
            Ok(Look { waiting, progress })
        });
        (result.await, seen)
    }

    #[tokio::test(start_paused = true)]
    async fn rest_is_an_empty_queue_and_no_move_for_a_while() {
        let (rest, looks) = settled(&[Ok((3, 1)), Ok((0, 2)), Ok((0, 3)), Ok((0, 4))]).await;
        assert!(rest.expect("a look"));
        assert_eq!(looks, 4 + 5, "one second after the last move");
        let (rest, looks) = settled(&[Ok((0, 1)), Ok((0, 1)), Ok((2, 1)), Ok((0, 1))]).await;
        assert!(rest.expect("a look"));
        assert_eq!(looks, 4 + 5, "what came back has waited");
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_and_does_not_move_is_no_rest() {
        let (rest, looks) = settled(&[Ok((3, 1))]).await;
        assert!(!rest.expect("a look"));
        assert!(looks > 300, "a minute: {looks}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stack_may_be_away_for_a_while_and_is_not_at_rest_meanwhile() {
        let mut looks = vec![Ok((0, 1)); 3];
        looks.extend(vec![Err(()); 50]);
        looks.push(Ok((0, 1)));
        let (rest, seen) = settled(&looks).await;
        assert!(rest.expect("a look"));
        assert_eq!(seen, 54 + 5, "rest begins anew");
        assert!(settled(&[Ok((0, 1)), Err(())]).await.0.is_err(), "for good");
    }
}
