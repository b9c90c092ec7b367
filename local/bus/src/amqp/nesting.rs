//! How deep values nest, and where each ends, seen without recursion.
//!
//! The decoder behind this door recurses: a message of 256 KiB can nest 80,000 values, and the
//! process would die of its stack. Every value is walked here first.

/// What clients send nests four or five deep; a described value counts for two.
const DEEPEST: usize = 32;

/// A value is cut off, nested too deep, or of no known kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an AMQP value: cut off, of an unknown type, or nested too deep")]
pub(super) struct Malformed;

/// Divides bytes behind their first value.
pub(super) fn split_value(bytes: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut walk = Walk { bytes, at: 0 };
    // How many values are left at each depth.
    let mut left = vec![1_u32];
    while let Some(top) = left.last_mut() {
        if *top == 0 {
            left.pop();
            continue;
        }
        *top -= 1;
        let inner = walk.value()?;
        if inner > 0 {
            left.push(inner);
        }
        if left.len() > DEEPEST {
            return Err(Malformed);
        }
    }
    bytes.split_at_checked(walk.at).ok_or(Malformed)
}

/// The first value with symbols in the place of strings that are keys of maps: of all maps that a
/// performative has, the specification says so, and not every client does so.
pub(super) fn with_symbol_keys(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let (value, _) = split_value(bytes)?;
    let mut mended = value.to_vec();
    let mut walk = Walk {
        bytes: value,
        at: 0,
    };
    // How many values are left at each depth, and whether they are those of a map.
    let mut left = vec![(1_u32, false)];
    while let Some((top, in_map)) = left.last_mut() {
        if *top == 0 {
            left.pop();
            continue;
        }
        // A map has pairs, so its keys are those before an even rest.
        let is_key = *in_map && top.is_multiple_of(2);
        *top -= 1;
        let code = mended.get_mut(walk.at).ok_or(Malformed)?;
        let is_map = matches!(*code, 0xc1 | 0xd1);
        if is_key {
            *code = match *code {
                0xa1 => 0xa3,
                0xb1 => 0xb3,
                other => other,
            };
        }
        let inner = walk.value()?;
        if inner > 0 {
            left.push((inner, is_map));
        }
    }
    Ok(mended)
}

/// True for one or more whole values, none too deep.
pub(super) fn check_all(mut bytes: &[u8]) -> Result<(), Malformed> {
    while !bytes.is_empty() {
        bytes = split_value(bytes)?.1;
    }
    Ok(())
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    /// Steps over one value, or over the head of one that holds others; returns how many it holds.
    fn value(&mut self) -> Result<u32, Malformed> {
        let code = self.byte()?;
        match code {
            // A descriptor and the value it describes.
            0x00 => return Ok(2),
            0x40..=0x4f => {}
            0x50..=0x5f => self.skip(1)?,
            0x60..=0x6f => self.skip(2)?,
            0x70..=0x7f => self.skip(4)?,
            0x80..=0x8f => self.skip(8)?,
            0x90..=0x9f => self.skip(16)?,
            0xa0..=0xaf => {
                let length = self.byte()?;
                self.skip(usize::from(length))?;
            }
            0xb0..=0xbf => {
                let length = self.word()?;
                self.skip(length as usize)?;
            }
            0xc0..=0xcf => {
                self.byte()?;
                return self.byte().map(u32::from);
            }
            0xd0..=0xdf => {
                self.word()?;
                return self.word();
            }
            0xe0..=0xef => {
                let size = self.byte()?;
                self.array(usize::from(size), 1)?;
            }
            0xf0..=0xff => {
                let size = self.word()?;
                self.array(size as usize, 4)?;
            }
            _ => return Err(Malformed),
        }
        Ok(0)
    }

    /// Steps over an array of plain values; no client sends arrays of anything else.
    fn array(&mut self, size: usize, count_width: usize) -> Result<(), Malformed> {
        let element = self.at.checked_add(count_width).ok_or(Malformed)?;
        match self.bytes.get(element) {
            // Elements without bytes would let a short array claim any length.
            Some(0x50..=0xbf) => self.skip(size),
            // An empty array may have any element type.
            Some(0x40..=0x4f) if self.bytes.get(self.at..element).is_some_and(is_zero) => {
                self.skip(size)
            }
            _ => Err(Malformed),
        }
    }

    fn skip(&mut self, count: usize) -> Result<(), Malformed> {
        let end = self.at.checked_add(count).ok_or(Malformed)?;
        if end > self.bytes.len() {
            return Err(Malformed);
        }
        self.at = end;
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = self.bytes.get(self.at).copied().ok_or(Malformed)?;
        self.at += 1;
        Ok(byte)
    }

    fn word(&mut self) -> Result<u32, Malformed> {
        let rest = self.bytes.get(self.at..).ok_or(Malformed)?;
        let word = rest.first_chunk().ok_or(Malformed)?;
        self.at += 4;
        Ok(u32::from_be_bytes(*word))
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_where_its_encoding_says() {
        // A described list of a string and a map with one pair, and a byte behind it.
        let bytes = [
            0x00, 0x53, 0x73, 0xc0, 12, 2, 0xa1, 2, b'h', b'i', 0xc1, 5, 2, 0xa3, 1, b'k', 0x41,
            0x99,
        ];
        let (value, rest) = split_value(&bytes).expect("a value");
        assert_eq!((value.len(), rest), (17, [0x99_u8].as_slice()));
        for cut in 0..17 {
            assert_eq!(split_value(&bytes[..cut]), Err(Malformed), "{cut} bytes");
        }
    }

    #[test]
    fn depth_is_bounded_whatever_nests() {
        let described = [0x00, 0x53, 0x70].repeat(80_000);
        let lists: Vec<u8> = [0xd0, 0, 0, 0, 9, 0, 0, 0, 1].repeat(29_000);
        assert_eq!(split_value(&described), Err(Malformed));
        assert_eq!(split_value(&lists), Err(Malformed));
    }

    #[test]
    fn keys_of_maps_become_symbols_and_nothing_else_does() {
        // A list of a string and a map, whose one value is a string and whose other is a map.
        let map = |key: u8| {
            [
                0xc1, 14, 4, key, 1, b'a', 0xa1, 1, b'b', key, 1, b'c', 0xc1, 1, 0,
            ]
        };
        let list = |key: u8| [[0xc0, 19, 2, 0xa1, 1, b'x'].as_slice(), &map(key)].concat();
        assert_eq!(with_symbol_keys(&list(0xa1)), Ok(list(0xa3)));
        assert_eq!(with_symbol_keys(&list(0xa3)), Ok(list(0xa3)));
        assert_eq!(with_symbol_keys(&list(0xa1)[..9]), Err(Malformed));
    }

    #[test]
    fn an_array_has_plain_elements_with_bytes() {
        assert!(split_value(&[0xe0, 5, 1, 0xa3, 2, b'h', b'i']).is_ok());
        assert!(split_value(&[0xe0, 2, 0, 0x40]).is_ok(), "an empty one");
        let bomb = [0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x41];
        assert_eq!(split_value(&bomb), Err(Malformed));
        assert_eq!(split_value(&[0xe0, 4, 1, 0xc0, 1, 0]), Err(Malformed));
    }
}
