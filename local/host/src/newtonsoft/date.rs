//! Strings that Newtonsoft takes for dates: ISO 8601 within limits of its own, and `/Date(0)/`.

use time::format_description::BorrowedFormatItem;
use time::macros::{datetime, format_description};
use time::{Duration, Month, OffsetDateTime, PrimitiveDateTime, Time};

use super::NotRead;

/// .NET has no earlier one.
const FIRST: PrimitiveDateTime = datetime!(0001-01-01 00:00:00);

const INVARIANT: &[BorrowedFormatItem<'_>] =
    format_description!("[month]/[day]/[year] [hour]:[minute]:[second]");
const SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

/// A moment as .NET keeps it; the host runs in UTC, so that local time is UTC too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Date {
    at: PrimitiveDateTime,
    zone: Zone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    Unspecified,
    Utc,
    Local,
}

impl Date {
    /// What .NET makes of it without being asked for a form: the American one, whole seconds.
    pub(crate) fn invariant(&self) -> String {
        // Formatting numbers cannot fail: the components are all there.
        self.at.format(INVARIANT).unwrap_or_default()
    }

    /// What Newtonsoft writes.
    pub(crate) fn iso(&self) -> String {
        let mut text = self.at.format(SECONDS).unwrap_or_default();
        let ticks = format!(".{:07}", self.at.nanosecond() / 100);
        text.push_str(ticks.trim_end_matches('0').trim_end_matches('.'));
        text.push_str(match self.zone {
            Zone::Unspecified => "",
            Zone::Utc => "Z",
            Zone::Local => "+00:00",
        });
        text
    }
}

/// The date that a string is; an error where .NET throws, which ends the reading of the whole text.
pub(super) fn date(text: &str) -> Result<Option<Date>, NotRead> {
    if let Some(inner) = text.strip_prefix("/Date(") {
        return inner.strip_suffix(")/").map_or(Ok(None), milliseconds);
    }
    let bytes = text.as_bytes();
    if !(19..=40).contains(&text.chars().count()) || bytes.get(10) != Some(&b'T') {
        return Ok(None);
    }
    match iso(bytes) {
        Some(iso) => iso.date().map(Some),
        None => Ok(None),
    }
}

/// Milliseconds since 1970, perhaps with an offset, whose value counts for nothing.
fn milliseconds(inner: &str) -> Result<Option<Date>, NotRead> {
    let sign = inner.char_indices().skip(1);
    let plus = sign.clone().find(|(_, c)| *c == '+');
    let sign = plus.or_else(|| sign.clone().find(|(_, c)| *c == '-'));
    let (number, zone) = match sign {
        Some((at, _)) => {
            let (number, offset) = inner.split_at(at);
            let offset = offset.get(1..).unwrap_or_default();
            if !is_offset(offset) {
                return Ok(None);
            }
            (number, Zone::Local)
        }
        None => (inner, Zone::Utc),
    };
    let digits = number.strip_prefix('-').unwrap_or(number);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let Ok(number) = number.parse() else {
        return Ok(None);
    };
    let at = OffsetDateTime::UNIX_EPOCH.checked_add(Duration::milliseconds(number));
    let at = at.map(|at| PrimitiveDateTime::new(at.date(), at.time()));
    match at.filter(|at| *at >= FIRST) {
        Some(at) => Ok(Some(Date { at, zone })),
        None => Err(NotRead),
    }
}

/// Two digits, or four.
fn is_offset(text: &str) -> bool {
    let digits = text.bytes().take(4).take_while(u8::is_ascii_digit).count();
    digits >= 2 && (text.len() == 2 || digits == 4)
}

/// The fields of an ISO date.
struct Iso {
    day: time::Date,
    hour: u8,
    minute: u8,
    second: u8,
    /// In .NET's 100 ns.
    ticks: u32,
    zone: Zone,
    /// What has to be added for UTC.
    offset: Duration,
}

impl Iso {
    /// A moment beyond the years of .NET becomes the last, or the first, that it has.
    fn date(&self) -> Result<Date, NotRead> {
        // Hour 24 is the next day's first; on the last day .NET throws.
        let (day, hour) = match self.hour {
            24 => (self.day.next_day().ok_or(NotRead)?, 0),
            hour => (self.day, hour),
        };
        let time = Time::from_hms_nano(hour, self.minute, self.second, self.ticks * 100);
        let at = PrimitiveDateTime::new(day, time.map_err(|_| NotRead)?);
        let at = match at.checked_add(self.offset) {
            Some(at) => at.max(FIRST),
            None if self.offset.is_negative() => FIRST,
            None => PrimitiveDateTime::MAX,
        };
        Ok(Date {
            at,
            zone: self.zone,
        })
    }
}

/// The fields, when the text is one date and nothing else.
fn iso(text: &[u8]) -> Option<Iso> {
    let (day, rest) = text.split_at_checked(11)?;
    let [a, b, c, d, b'-', e, f, b'-', g, h, b'T'] = day else {
        return None;
    };
    let year = i32::from(two(*a, *b)?) * 100 + i32::from(two(*c, *d)?);
    let month = Month::try_from(two(*e, *f)?).ok()?;
    let day = time::Date::from_calendar_date(year, month, two(*g, *h)?).ok()?;
    let (time, rest) = rest.split_at_checked(8)?;
    let [a, b, b':', c, d, b':', e, f] = time else {
        return None;
    };
    let (hour, minute, second) = (two(*a, *b)?, two(*c, *d)?, two(*e, *f)?);
    let (ticks, rest) = fraction(rest)?;
    let midnight = minute == 0 && second == 0 && ticks == 0;
    if year < 1 || hour > 24 || minute > 59 || second > 59 || (hour == 24 && !midnight) {
        return None;
    }
    let (zone, offset) = zone(rest)?;
    Some(Iso {
        day,
        hour,
        minute,
        second,
        ticks,
        zone,
        offset,
    })
}

/// Up to seven digits behind a point; an eighth is left to what comes next.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(digits) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let count = digits
        .iter()
        .take(7)
        .take_while(|b| b.is_ascii_digit())
        .count();
    let (digits, rest) = digits.split_at_checked(count)?;
    let digits = std::str::from_utf8(digits).ok()?;
    // Without a digit this is no number.
    let number: u32 = digits.parse().ok()?;
    let missing = u32::try_from(7 - count).ok()?;
    Some((number * 10_u32.pow(missing), rest))
}

/// The zone, which has to be the rest. Newtonsoft takes more than ISO does: `+02`, `+02:`, and
/// minutes without hours, which change nothing.
fn zone(text: &[u8]) -> Option<(Zone, Duration)> {
    if matches!(text, [b'Z' | b'z']) {
        return Some((Zone::Utc, Duration::ZERO));
    }
    let (sign, hours, rest) = match text {
        [sign @ (b'+' | b'-'), a, b, rest @ ..] if two(*a, *b).is_some() => {
            (Some(*sign), two(*a, *b)?, rest)
        }
        rest => (None, 0, rest),
    };
    let minutes = match rest.strip_prefix(b":").unwrap_or(rest) {
        [] => 0,
        [a, b] => two(*a, *b)?,
        _ => return None,
    };
    let offset = Duration::minutes(i64::from(hours) * 60 + i64::from(minutes));
    Some(match sign {
        Some(b'+') => (Zone::Local, -offset),
        Some(_) => (Zone::Local, offset),
        None => (Zone::Unspecified, Duration::ZERO),
    })
}

fn two(tens: u8, ones: u8) -> Option<u8> {
    let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
    digits.then(|| (tens - b'0') * 10 + (ones - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_date() {
        for (text, invariant) in [
            ("2026-05-04T09:30:10", "05/04/2026 09:30:10"),
            ("2026-05-04T09:30:10z", "05/04/2026 09:30:10"),
            ("2026-05-04T09:30:10.1234567+02:00", "05/04/2026 07:30:10"),
            ("2026-05-04T09:30:10-0230", "05/04/2026 12:00:10"),
            ("2026-05-04T09:30:10+02", "05/04/2026 07:30:10"),
            ("2026-05-04T09:30:10+02:", "05/04/2026 07:30:10"),
            ("2026-05-04T09:30:10:30", "05/04/2026 09:30:10"),
            // Nine digits: the last two pass for minutes of a zone that nobody named.
            ("2026-05-04T09:30:10.123456789", "05/04/2026 09:30:10"),
            ("2026-12-31T24:00:00", "01/01/2027 00:00:00"),
            ("9999-12-31T23:59:59-01:00", "12/31/9999 23:59:59"),
            ("0001-01-01T00:00:00+01:00", "01/01/0001 00:00:00"),
            ("/Date(1198908717056)/", "12/29/2007 06:11:57"),
            ("/Date(-1000+0200)/", "12/31/1969 23:59:59"),
        ] {
            let date = date(text).expect(text).expect(text);
            assert_eq!(date.invariant(), invariant, "{text}");
        }
    }

    #[test]
    fn what_stays_text() {
        for text in [
            "",
            "2026-05-04",
            "2026-05-04 09:30:10",
            "2026-05-04T09:30",
            "2026-W19-1T09:30:10Z",
            "20260504T093010.0000",
            "2026-05-04T09:30:10,5",
            "2026-05-04T09:30:10.",
            "2026-05-04T09:30:10.123456789Z",
            "2026-05-04T09:30:10 ",
            "2026-02-30T09:30:10",
            "2026-05-04T24:00:01",
            "2026-05-04T09:30:60Z",
            "0000-06-01T00:00:00",
            "2026-05-04T09:30:10ü",
            "/Date()/",
            "/Date(1",
            "/Date(1x)/",
            "/Date(1+2)/",
            "/Date(99999999999999999999)/",
        ] {
            assert_eq!(date(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn where_dot_net_throws() {
        for text in ["9999-12-31T24:00:00", "/Date(999999999999999999)/"] {
            assert_eq!(date(text), Err(NotRead), "{text}");
        }
    }
}
