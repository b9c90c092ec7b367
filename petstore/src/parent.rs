//! `--attached`: the program that started this one, and holds its standard input.

use std::io;

use tokio::sync::oneshot;

/// What the end of the standard input means: the first fires when the parent has written something
/// before, which asks for an orderly end; the second when it has not, because it was killed.
///
/// A thread of its own, for the runtime does not end before a read that it began itself.
pub(crate) fn input_closes() -> io::Result<(oneshot::Receiver<()>, oneshot::Receiver<()>)> {
    let (asked, asks) = oneshot::channel();
    let (left, leaves) = oneshot::channel();
    let read = move || {
        let read = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let tell = if read.is_ok_and(|bytes| bytes > 0) {
            asked
        } else {
            left
        };
        // An error means that it ends already.
        tell.send(()).ok();
    };
    std::thread::Builder::new()
        .name("parent".to_owned())
        .spawn(read)?;
    Ok((asks, leaves))
}

/// Never without a parent, nor when the other end was meant.
pub(crate) async fn gone(parent: &mut Option<oneshot::Receiver<()>>) {
    if let Some(parent) = parent
        && parent.await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}
