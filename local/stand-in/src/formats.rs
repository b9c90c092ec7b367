//! The formats in which Azure's services write, as far as serde and the standard library do not.

pub mod http_date;
pub mod newtonsoft;
pub mod xml;
