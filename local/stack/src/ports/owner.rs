//! Best effort: the process that listens on a port, as Linux tells it under /proc.

use std::fs;
use std::path::Path;

const LISTEN: &str = "0A";

/// Name and process id, when the system tells.
pub(super) fn of(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|table| fs::read_to_string(table).unwrap_or_default());
    let inode = tables
        .iter()
        .find_map(|table| listening_inode(table, port))?;
    let link = format!("socket:[{inode}]");
    let entries = fs::read_dir("/proc").ok()?.flatten();
    // By number: /proc/self is one of them too.
    let processes =
        entries.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let owner = processes
        .map(|entry| entry.path())
        .find(|process| holds(process, &link))?;
    let name = fs::read_to_string(owner.join("comm")).ok()?;
    Some(format!(
        "{} (process {})",
        name.trim(),
        owner.file_name()?.to_string_lossy()
    ))
}

/// The columns are: slot, local address, remote address, state, five more, inode.
fn listening_inode(table: &str, port: u16) -> Option<String> {
    let port = format!(":{port:04X}");
    table.lines().find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let matches = columns.get(1)?.ends_with(&port) && *columns.get(3)? == LISTEN;
        matches.then(|| columns.get(9).map(|inode| (*inode).to_owned()))?
    })
}

fn holds(process: &Path, link: &str) -> bool {
    let Ok(files) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    files
        .flatten()
        .any(|file| fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listening_socket_is_found_in_the_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            \x20  0: 0100007F:14B4 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000  0 111 1 0\n\
            \x20  1: 0100007F:14B4 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 222 1 0\n";
        assert_eq!(listening_inode(table, 5300).as_deref(), Some("222"));
        assert_eq!(listening_inode(table, 5301), None);
    }
}
