//! The real binary.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::Value;

use super::store::Store;

/// A running shop; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) url: String,
    process: Child,
    log: Arc<Mutex<String>>,
    store: Option<Store>,
}

/// The binary with these settings and no others.
pub(crate) fn command(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_petstore"));
    command
        .env_clear()
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Shop {
    /// With a store of its own.
    pub(crate) fn start(bus: &str) -> Self {
        Self::with(bus, &[])
    }

    pub(crate) fn with(bus: &str, more: &[(&str, &str)]) -> Self {
        let store = Store::open();
        let mut shop = Self::over_with(&store, bus, more);
        shop.store = Some(store);
        shop
    }

    /// With the carts in `store`, which may be another instance's as well.
    pub(crate) fn over(store: &Store, bus: &str) -> Self {
        Self::over_with(store, bus, &[])
    }

    pub(crate) fn over_with(store: &Store, bus: &str, more: &[(&str, &str)]) -> Self {
        let mut settings = vec![
            ("PORT", "0"),
            ("ServiceBusConnection", bus),
            ("PetStoreStorage", store.connection_string()),
        ];
        settings.extend(more);
        let mut process = command(&settings).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (found, url) = mpsc::channel();
        let (out, err) = (
            process.stdout.take().unwrap(),
            process.stderr.take().unwrap(),
        );
        let readers: [Box<dyn std::io::Read + Send>; 2] = [Box::new(out), Box::new(err)];
        for reader in readers {
            let (log, found) = (Arc::clone(&log), found.clone());
            std::thread::spawn(move || {
                for line in BufReader::new(reader).lines().map_while(Result::ok) {
                    let parsed: Value = serde_json::from_str(&line).unwrap_or_default();
                    if let Some(url) = parsed["url"].as_str() {
                        found.send(url.to_owned()).ok();
                    }
                    let mut log = log.lock().unwrap();
                    log.push_str(&line);
                    log.push('\n');
                }
            });
        }
        let url = url
            .recv_timeout(Duration::from_secs(30))
            .unwrap_or_else(|_| panic!("did not start: {}", log.lock().unwrap()));
        Self {
            url,
            process,
            log,
            store: None,
        }
    }

    /// The store of its own.
    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// SIGTERM, as App Service sends it; the exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        self.process.wait().unwrap().code()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
