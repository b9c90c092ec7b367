//! What a peer says, byte by byte: nothing of the door's own encoder is in it.

/// The queue behind the door.
pub(super) const QUEUE: &str = "order-items";

pub(super) const HEADER: &[u8] = b"AMQP\x00\x01\x00\x00";

const NULL: &[u8] = b"\x40";
const TRUE: &[u8] = b"\x41";
const FALSE: &[u8] = b"\x42";
const ZERO: &[u8] = b"\x43";

/// A performative of these fields.
fn performative(code: u8, fields: &[&[u8]]) -> Vec<u8> {
    described(code, fields)
}

/// A described list: `0x00`, the descriptor as a small ulong, a list of less than 256 bytes.
fn described(code: u8, fields: &[&[u8]]) -> Vec<u8> {
    let items = fields.concat();
    let size = u8::try_from(items.len() + 1).expect("short");
    let count = u8::try_from(fields.len()).expect("few");
    [&[0x00, 0x53, code, 0xc0, size, count], items.as_slice()].concat()
}

fn text(code: u8, text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("short");
    [&[code, length], text.as_bytes()].concat()
}

fn small(number: u8) -> [u8; 2] {
    [0x52, number]
}

fn frame(channel: u8, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).expect("short");
    [&size.to_be_bytes(), [2, 0, 0, channel].as_slice(), body].concat()
}

/// The header and an open.
pub(super) fn hello() -> Vec<u8> {
    let open = performative(0x10, &[&text(0xa1, "peer")]);
    [HEADER, &frame(0, &open)].concat()
}

/// A link of this name and handle; `receives` is the client's part in it.
fn attach(name: &str, handle: u8, receives: bool, source: &[u8], target: &[u8]) -> Vec<u8> {
    let (name, handle) = (text(0xa1, name), small(handle));
    let role = if receives { TRUE } else { FALSE };
    let fields = [&name, handle.as_slice(), role, NULL, NULL, source, target];
    let rest = [NULL, FALSE, ZERO];
    frame(0, &performative(0x12, &[fields.as_slice(), &rest].concat()))
}

fn from(address: &str, filter: Option<&[u8]>) -> Vec<u8> {
    let address = text(0xa1, address);
    let fields = [&address, NULL, NULL, NULL, NULL, NULL, NULL];
    match filter {
        Some(filter) => described(0x28, &[fields.as_slice(), &[filter]].concat()),
        None => described(0x28, &[&address]),
    }
}

fn to(address: &str) -> Vec<u8> {
    described(0x29, &[&text(0xa1, address)])
}

fn credit(handle: u8, credit: u8) -> Vec<u8> {
    let (window, handle, credit) = (small(200), small(handle), small(credit));
    let fields = [ZERO, &window, ZERO, &window, &handle, ZERO, &credit];
    frame(0, &performative(0x13, &fields))
}

/// A peer with links to everything on channel 0: it sends on handle 0, receives on 1, asks the
/// management on 2 and hears its answers on 3, and receives the dead letters on 4.
pub(super) fn greeting(sessions: bool) -> Vec<u8> {
    let management = format!("{QUEUE}/$management");
    let letters = format!("{QUEUE}/$DeadLetterQueue");
    // Any session: a filter of null.
    let name = text(0xa3, "com.microsoft:session-filter");
    let size = u8::try_from(name.len() + 2).expect("short");
    let filter = [&[0xc1, size, 2], name.as_slice(), NULL].concat();
    let filter = sessions.then_some(filter.as_slice());
    let begin = performative(0x11, &[NULL, ZERO, &small(200), &small(200)]);
    [
        hello(),
        frame(0, &begin),
        attach("a", 0, false, &from("me", None), &to(QUEUE)),
        attach("b", 1, true, &from(QUEUE, filter), &to("me")),
        attach("c", 2, false, &from("me", None), &to(&management)),
        attach("d", 3, true, &from(&management, None), &to("me")),
        attach("e", 4, true, &from(&letters, None), &to("me")),
        credit(1, 2),
        credit(3, 20),
        credit(4, 5),
    ]
    .concat()
}

/// The frames of an input.
pub(super) fn frames(mut rest: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    while let [high, low, channel, body @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (body, behind) = body.split_at(length.min(body.len()));
        all.extend(frame(*channel, body));
        rest = behind;
    }
    all
}
