//! `--func` and `--host none`: another host takes the messages, with a storage of its own and with
//! settings that lead it to this stack.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use blob::Azurite;
use host::app::{FunctionApp, Settings};
use stack::func::{FuncOptions, HOST_STORAGE, find, handler_setting};
use stack::{Ports, Stack, StackError, is_here};

use super::cli::{HostChoice, StartOptions};
use super::run_folder::RunFolder;
use super::{LocalError, azurite};

/// Where the host's own storage is, unless the port is taken: the settings that somebody has copied
/// hold over a restart.
const HOST_STORAGE_PORT: u16 = 5320;

/// In the folder of the run, for containers (`--env-file`) and editors (`envFile`).
const FILE: &str = "host.env";

/// The storage of the host itself, which has to have leases: the endpoint built in has none.
pub(super) struct HostStorage {
    azurite: Option<Azurite>,
    /// What the host is told; `None` where local.settings.json leads to another machine.
    connection: Option<String>,
}

impl HostStorage {
    /// Where the app's settings want it on this machine: in the Azurite of the orders, or in one of
    /// its own.
    pub(super) async fn start(
        root: &Path,
        ports: Ports,
        folder: &RunFolder,
        of_orders: Option<&Azurite>,
    ) -> Result<Self, LocalError> {
        let app = FunctionApp::load(root, Settings::new()).map_err(StackError::from)?;
        let setting = app.settings.get(HOST_STORAGE);
        if setting.is_some_and(|connection| !is_here(connection)) {
            return Ok(Self {
                azurite: None,
                connection: None,
            });
        }
        if let Some(azurite) = of_orders {
            return Ok(Self {
                azurite: None,
                connection: Some(azurite.connection_string()),
            });
        }
        let port = match ports {
            Ports::FromSettings => free_port(HOST_STORAGE_PORT)?,
            Ports::Auto => 0,
        };
        let started = azurite::start(root, port, folder, "azurite-host").await;
        let azurite = started.map_err(LocalError::HostStorage)?;
        Ok(Self {
            connection: Some(azurite.connection_string()),
            azurite: Some(azurite),
        })
    }

    pub(super) async fn stop(self) {
        if let Some(azurite) = self.azurite {
            azurite.stop().await;
        }
    }
}

/// That one, or any.
fn free_port(wanted: u16) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    Ok(listener.local_addr()?.port())
}

/// What the environment of the host has to say.
pub(super) fn settings(stack: &Stack, storage: &HostStorage) -> Settings {
    let mut settings = stack.host_settings();
    if let Some(connection) = &storage.connection {
        settings.insert(HOST_STORAGE.to_owned(), connection.clone());
    }
    settings
}

/// How to start `func`, with the handler that was built.
pub(super) fn func_options(
    stack: &Stack,
    options: &StartOptions,
    mut settings: Settings,
) -> Result<FuncOptions, LocalError> {
    settings.extend(handler_setting(&stack.app)?);
    Ok(FuncOptions {
        program: find()?,
        root: stack.app.root.clone(),
        settings,
        said: stack.app.settings.keys().cloned().collect(),
        port: match options.ports.into() {
            Ports::FromSettings => None,
            Ports::Auto => Some(free_port(0)?),
        },
    })
}

/// Says at once what would be missing after minutes of building.
pub(super) fn check(choice: HostChoice) -> Result<(), LocalError> {
    if choice == HostChoice::Func {
        find()?;
    }
    Ok(())
}

/// The settings as a person passes them on: lines for a shell, and the name of a file for programs.
pub(super) fn told(settings: &Settings, folder: &RunFolder) -> Result<Vec<String>, LocalError> {
    let file = folder.path().join(FILE);
    let lines: String = settings
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    std::fs::write(&file, lines).map_err(|source| LocalError::Files {
        what: format!("cannot write {}", file.display()),
        source,
    })?;
    let mut told = vec!["For the host, beside local.settings.json and before it:".to_owned()];
    told.extend(
        settings
            .iter()
            .map(|(name, value)| export(name, value, cfg!(windows))),
    );
    told.push(format!("  as a file: {}", file.display()));
    Ok(told)
}

/// In single quotes a shell takes everything for itself: `&` and `;`, too.
fn export(name: &str, value: &str, power_shell: bool) -> String {
    match power_shell {
        true => format!("  $env:{name} = '{}'", value.replace('\'', "''")),
        false => format!("  export {name}='{}'", value.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_passes_a_shell_whatever_is_in_it() {
        let value = "a;b&c 'd' $e";
        assert_eq!(
            export("X", value, false),
            r"  export X='a;b&c '\''d'\'' $e'"
        );
        assert_eq!(export("X", value, true), "  $env:X = 'a;b&c ''d'' $e'");
    }
}
