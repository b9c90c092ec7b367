//! A byte stream that is read in protocol headers and frames.

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

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
    #[error("the connection is cut on purpose")]
    Cut,
}

#[derive(Debug)]
pub(super) enum Progress {
    Frame(Frame),
    /// Bytes have come, and no whole frame yet.
    Bytes,
    Sent,
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

impl Wire<TcpStream> {
    /// The client's address, for people.
    pub(super) fn peer(&self) -> String {
        let address = self.stream.peer_addr();
        address.map_or_else(|_| String::new(), |address| address.to_string())
    }

    /// The next frame, and meanwhile sends of `out` what the client takes. Nothing is lost when the
    /// caller stops waiting.
    ///
    /// Both at once: a client that does not read before it has sent all it wants to, and we, who
    /// would not read before all is sent, could wait for each other for ever.
    pub(super) async fn frame_or_room(
        &mut self,
        out: &mut BytesMut,
        reads: bool,
    ) -> Result<Progress, Broken> {
        if reads && let Some(frame) = split_frame(&mut self.buffer)? {
            return Ok(Progress::Frame(frame));
        }
        let (mut reader, mut writer) = self.stream.split();
        tokio::select! {
            read = reader.read_buf(&mut self.buffer), if reads => match read? {
                0 => Err(Broken::Gone),
                _ => Ok(Progress::Bytes),
            },
            sent = writer.write_buf(out), if !out.is_empty() => {
                sent?;
                Ok(Progress::Sent)
            }
            else => std::future::pending().await,
        }
    }
}
