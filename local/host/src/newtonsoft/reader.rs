//! The reader: comments, single quotes, bare names, trailing commas, words that JSON has not.

use std::collections::HashMap;

use super::date::date;
use super::number::{goes_on, number};
use super::{NotRead, Properties, Token};

/// How deep a message's body may nest, as Newtonsoft has it unless it is told otherwise.
const BODY_DEPTH: usize = 64;

/// How deep an answer may nest, as ASP.NET's formatter tells it.
const ANSWER_DEPTH: usize = 256;

/// The object that the whole text is; comments may follow.
pub(crate) fn whole_object(text: &str) -> Result<Properties, NotRead> {
    let mut reader = Reader::new(text, BODY_DEPTH);
    reader.pass_over()?;
    reader.expect('{')?;
    let object = reader.object()?;
    reader.pass_over()?;
    if reader.rest.is_empty() {
        Ok(object)
    } else {
        Err(NotRead)
    }
}

/// The first value of a text, whatever follows it; nothing when there is none.
pub(crate) fn first_value(text: &str) -> Result<Option<Token>, NotRead> {
    let mut reader = Reader::new(text, ANSWER_DEPTH);
    reader.pass_over()?;
    if reader.rest.is_empty() {
        return Ok(None);
    }
    // Nothing encloses it: no character ends it but a blank.
    reader.value('\0').map(Some)
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
    depth_max: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, depth_max: usize) -> Self {
        Self {
            rest: text,
            depth: 0,
            depth_max,
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    /// Takes this character if it is the next one.
    fn take(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, c: char) -> Result<(), NotRead> {
        if self.take(c) { Ok(()) } else { Err(NotRead) }
    }

    /// Takes characters as long as they are such.
    fn take_while(&mut self, such: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !such(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn blanks(&mut self) {
        self.take_while(is_blank);
    }

    /// Passes over blanks and comments.
    fn pass_over(&mut self) -> Result<(), NotRead> {
        loop {
            self.blanks();
            if let Some(comment) = self.rest.strip_prefix("/*") {
                let (_, rest) = comment.split_once("*/").ok_or(NotRead)?;
                self.rest = rest;
            } else if self.rest.starts_with("//") {
                self.take_while(|c| !matches!(c, '\r' | '\n'));
            } else {
                return Ok(());
            }
        }
    }

    /// The value that comes next, in something that ends with `end`.
    fn value(&mut self, end: char) -> Result<Token, NotRead> {
        self.pass_over()?;
        match self.peek().ok_or(NotRead)? {
            quote @ ('"' | '\'') => {
                let text = self.quoted(quote)?;
                Ok(date(&text)?.map_or(Token::Text(text), Token::Date))
            }
            '{' => {
                self.next();
                self.object().map(Token::Object)
            }
            '[' => {
                self.next();
                self.list(']').map(Token::Array)
            }
            // The comma stays for whoever reads on.
            ',' => Ok(Token::Undefined),
            'n' if self.rest.starts_with("ne") => self.constructor(end),
            't' => self.word("true", Token::Bool(true), end),
            'f' => self.word("false", Token::Bool(false), end),
            'n' => self.word("null", Token::Null, end),
            'u' => self.word("undefined", Token::Undefined, end),
            'N' => self.word("NaN", Token::Float(f64::NAN), end),
            'I' => self.word("Infinity", Token::Float(f64::INFINITY), end),
            '-' if self.rest.starts_with("-I") => {
                self.word("-Infinity", Token::Float(f64::NEG_INFINITY), end)
            }
            '-' | '.' | '0'..='9' => self.number(),
            _ => Err(NotRead),
        }
    }

    fn word(&mut self, word: &str, token: Token, end: char) -> Result<Token, NotRead> {
        self.rest = self.rest.strip_prefix(word).ok_or(NotRead)?;
        let ends = match self.peek() {
            None | Some('}' | ']' | ',') => true,
            Some('/') => self.rest.starts_with("/*") || self.rest.starts_with("//"),
            Some(')') => end == ')',
            Some(c) => is_blank(c),
        };
        if ends { Ok(token) } else { Err(NotRead) }
    }

    fn number(&mut self) -> Result<Token, NotRead> {
        let word = self.take_while(goes_on);
        let ends = self
            .peek()
            .is_none_or(|c| is_blank(c) || matches!(c, ',' | '}' | ']' | ')' | '/'));
        number(word).filter(|_| ends).ok_or(NotRead)
    }

    fn enter(&mut self) -> Result<(), NotRead> {
        self.depth += 1;
        if self.depth > self.depth_max {
            return Err(NotRead);
        }
        Ok(())
    }

    /// What is in an array or a constructor, whose opening is taken.
    fn list(&mut self, end: char) -> Result<Vec<Token>, NotRead> {
        self.enter()?;
        let mut items = Vec::new();
        loop {
            self.pass_over()?;
            if self.take(end) {
                break;
            }
            items.push(self.value(end)?);
            self.pass_over()?;
            if self.take(end) {
                break;
            }
            self.expect(',')?;
        }
        self.depth -= 1;
        Ok(items)
    }

    /// The members of an object whose brace is taken. A name that comes again keeps its place and
    /// gets the later value.
    fn object(&mut self) -> Result<Properties, NotRead> {
        self.enter()?;
        let mut members = Properties::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        loop {
            self.pass_over()?;
            if self.take('}') {
                break;
            }
            let name = self.name()?;
            self.blanks();
            self.expect(':')?;
            let value = self.value('}')?;
            match places.get(&name).and_then(|place| members.get_mut(*place)) {
                Some(known) => known.1 = value,
                None => {
                    places.insert(name.clone(), members.len());
                    members.push((name, value));
                }
            }
            self.pass_over()?;
            if self.take('}') {
                break;
            }
            self.expect(',')?;
        }
        self.depth -= 1;
        Ok(members)
    }

    /// A member's name, quoted or bare.
    fn name(&mut self) -> Result<String, NotRead> {
        if let Some(quote @ ('"' | '\'')) = self.peek() {
            return self.quoted(quote);
        }
        let bare = self.take_while(|c| is_letter_or_digit(c) || matches!(c, '_' | '$'));
        let ends = self.peek().is_some_and(|c| c == ':' || is_blank(c));
        if bare.is_empty() || !ends {
            return Err(NotRead);
        }
        Ok(bare.to_owned())
    }

    fn constructor(&mut self, end: char) -> Result<Token, NotRead> {
        self.word("new", Token::Null, end)?;
        self.blanks();
        let name = self.take_while(is_letter_or_digit);
        self.blanks();
        self.expect('(')?;
        if name.is_empty() {
            return Err(NotRead);
        }
        Ok(Token::Constructor {
            name: name.to_owned(),
            arguments: self.list(')')?,
        })
    }

    /// A string in these quotes. Lines may end within it.
    fn quoted(&mut self, quote: char) -> Result<String, NotRead> {
        self.expect(quote)?;
        let mut text = String::new();
        loop {
            text.push_str(self.take_while(|c| c != quote && c != '\\'));
            if self.next().ok_or(NotRead)? == quote {
                return Ok(text);
            }
            match self.next().ok_or(NotRead)? {
                'b' => text.push('\u{8}'),
                't' => text.push('\t'),
                'n' => text.push('\n'),
                'f' => text.push('\u{c}'),
                'r' => text.push('\r'),
                same @ ('\\' | '"' | '\'' | '/') => text.push(same),
                'u' => {
                    let unit = self.unit()?;
                    self.unicode(unit, &mut text)?;
                }
                _ => return Err(NotRead),
            }
        }
    }

    /// Four hexadecimal digits: one unit of UTF-16.
    fn unit(&mut self) -> Result<u16, NotRead> {
        let (digits, rest) = self.rest.split_at_checked(4).ok_or(NotRead)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotRead);
        }
        self.rest = rest;
        u16::from_str_radix(digits, 16).map_err(|_| NotRead)
    }

    /// The character that begins with this unit: half a pair alone becomes U+FFFD.
    fn unicode(&mut self, mut unit: u16, text: &mut String) -> Result<(), NotRead> {
        loop {
            let is_high = matches!(unit, 0xD800..=0xDBFF);
            let Some(rest) = self.rest.strip_prefix("\\u").filter(|_| is_high) else {
                text.extend(char::decode_utf16([unit]).map(|c| c.unwrap_or('\u{fffd}')));
                return Ok(());
            };
            self.rest = rest;
            let next = self.unit()?;
            if let Some(Ok(pair)) = char::decode_utf16([unit, next]).next() {
                text.push(pair);
                return Ok(());
            }
            text.push('\u{fffd}');
            unit = next;
        }
    }
}

/// .NET's blanks, and NUL, which Newtonsoft passes over like one.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\0'
}

/// .NET looks at one unit of UTF-16 at a time, so that no character beyond the first plane counts.
fn is_letter_or_digit(c: char) -> bool {
    c.is_alphanumeric() && c.len_utf16() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(body: &str) -> Vec<String> {
        let members = whole_object(body).expect(body);
        members.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn names_in_every_form() {
        let body = "\u{a0}{'a':1, $b_2 : 2, \"c\":3, ü:4, /*x*/ d\0:5, // y\n 6:6, a:7,} // z";
        assert_eq!(names(body), ["a", "$b_2", "c", "ü", "d", "6"]);
        let members = whole_object(body).expect(body);
        assert_eq!(members[0].1, Token::Integer("7".to_owned()));
    }

    #[test]
    fn strings_with_their_escapes() {
        let text = |body: &str| match whole_object(body).expect(body).remove(0).1 {
            Token::Text(text) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            text(r#"{"a":"\b\t\n\f\r\\\"\'\/\u00e9"}"#),
            "\u{8}\t\n\u{c}\r\\\"'/é"
        );
        assert_eq!(text("{a:'it \"is\"\nso\0'}"), "it \"is\"\nso\0");
        assert_eq!(text(r#"{"a":"\ud83d\ude00"}"#), "😀");
        assert_eq!(text(r#"{"a":"\ude00x"}"#), "\u{fffd}x");
        assert_eq!(text(r#"{"a":"\ud83dx"}"#), "\u{fffd}x");
        assert_eq!(text(r#"{"a":"\ud83d\u0041"}"#), "\u{fffd}A");
        assert_eq!(text(r#"{"a":"\ud83d\ud83d\ude00"}"#), "\u{fffd}😀");
    }

    #[test]
    fn what_is_missing_is_undefined() {
        let members = whole_object("{a:,b:[,1,,],c:undefined}").expect("read");
        assert_eq!(members[0].1, Token::Undefined);
        let one = Token::Integer("1".to_owned());
        let list = vec![Token::Undefined, one, Token::Undefined];
        assert_eq!(members[1].1, Token::Array(list));
        assert_eq!(members[2].1, Token::Undefined);
    }

    #[test]
    fn what_newtonsoft_does_not_take() {
        for body in [
            "{",
            "{a}",
            "{a:}",
            "{a:1 b:2}",
            "{a:1,,b:2}",
            "{,}",
            "{a:+1}",
            "{a:truth}",
            "{a:tru}",
            "{a:nul}",
            "{a:1}}",
            "{a:1}{}",
            "{a:'1}",
            "{a:\"\\x\"}",
            "{a:\"\\u12g4\"}",
            "{a/*x*/:1}",
            "{a-b:1}",
            "{😀:1}",
            "{a:1/2}",
            "{a:/x}",
            "{a:1/*}",
            "{a:[1)}",
            "{a:]}",
            "{a:new (1)}",
            "{a:new Date}",
            "{a:newDate(1)}",
            "{a:true)}",
            "{a:0b1}",
            "{a:²}",
            "[1]",
            "",
            "\u{feff}{}",
        ] {
            assert_eq!(whole_object(body), Err(NotRead), "{body}");
        }
    }

    #[test]
    fn sixty_four_levels_and_no_more() {
        let nested = |levels: usize| {
            let inner = levels - 1;
            format!("{{a:{}{}}}", "[".repeat(inner), "]".repeat(inner))
        };
        assert!(whole_object(&nested(64)).is_ok());
        assert_eq!(whole_object(&nested(65)), Err(NotRead));
    }

    #[test]
    fn of_an_answer_the_first_value_counts() {
        assert_eq!(first_value(" \0/*x*/ // y"), Ok(None));
        assert_eq!(first_value("{} x"), Ok(Some(Token::Object(Vec::new()))));
        assert_eq!(first_value("null"), Ok(Some(Token::Null)));
        assert_eq!(first_value("{"), Err(NotRead));
        let deep = "[".repeat(100_000);
        assert_eq!(first_value(&deep), Err(NotRead));
    }
}
