//! What every stand-in is made of: a server that stops hard, named faults and their switch, a wire log, a clock, a lock, and the formats of Azure's services.

pub mod accepting;
pub mod clock;
pub mod connection;
pub mod http_client;
pub mod http_date;
pub mod lines;
pub mod lock;
pub mod loopback;
pub mod newtonsoft;
pub mod programs;
pub mod xml;
