//! A byte stream that is read in protocol headers and frames.

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::frame::{Frame, NotAFrame, split_frame};

/// The length of a protocol header such as `AMQP 0 1 0 0`.
pub(super) const PROTOCOL_HEADER: usize = 8;

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("the client is gone")]
    Gone,
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
    #[error("not AMQP: {0}")]
    NotAmqp(String),
    #[error("not AMQP: {0}")]
    NotAFrame(#[from] NotAFrame),
    #[error("the client was silent for too long")]
    Silent,
}

#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: S,
    buffer: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
        }
    }

    pub(super) async fn protocol_header(&mut self) -> Result<[u8; PROTOCOL_HEADER], Broken> {
        loop {
            if let Some(header) = self.buffer.first_chunk() {
                let header = *header;
                self.buffer.advance(PROTOCOL_HEADER);
                return Ok(header);
            }
            self.read().await?;
        }
    }

    /// The next frame. Nothing is lost when the caller stops waiting.
    pub(super) async fn frame(&mut self) -> Result<Frame, Broken> {
        loop {
            if let Some(frame) = split_frame(&mut self.buffer)? {
                return Ok(frame);
            }
            self.read().await?;
        }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.stream.write_all(bytes).await?;
        Ok(())
    }

    pub(super) async fn close(&mut self) {
        // The client may be gone already.
        self.stream.shutdown().await.ok();
    }

    async fn read(&mut self) -> Result<(), Broken> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(Broken::Gone),
            _ => Ok(()),
        }
    }
}
