//! How YAML parsers interpret a scalar without quotes.

/// What YAML 1.1 or 1.2 reads in a scalar without quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interpretation {
    Text,
    Number,
    Truth,
    Null,
    Date,
}

/// Returns how any common parser (YAML 1.1: Ruby's and Python's; 1.2: most others) interprets a plain scalar
/// (<https://yaml.org/type/>, <https://yaml.org/spec/1.2.2/#1032-tag-resolution>).
pub(super) fn interpret(text: &str) -> Interpretation {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "" | "~" | "null" => return Interpretation::Null,
        "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" => return Interpretation::Truth,
        ".inf" | "+.inf" | "-.inf" | ".nan" => return Interpretation::Number,
        _ => {}
    }
    if is_number(&lower) {
        return Interpretation::Number;
    }
    let day = lower.get(..10).unwrap_or(&lower).as_bytes();
    let dated = day.len() >= 8 && day[..4].iter().all(u8::is_ascii_digit) && day[4] == b'-' && day[5].is_ascii_digit();
    if dated && lower.bytes().all(|byte| byte.is_ascii_digit() || b"-:.+tz ".contains(&byte)) {
        return Interpretation::Date;
    }
    Interpretation::Text
}

fn is_number(lower: &str) -> bool {
    let digits = lower.strip_prefix(['+', '-']).unwrap_or(lower);
    let all = |text: &str, allowed: fn(u8) -> bool| {
        !text.is_empty() && text.bytes().all(|byte| allowed(byte) || byte == b'_')
    };
    for (prefix, allowed) in [
        ("0x", (|byte: u8| byte.is_ascii_hexdigit()) as fn(u8) -> bool),
        ("0o", |byte| (b'0'..=b'7').contains(&byte)),
        ("0b", |byte| byte == b'0' || byte == b'1'),
    ] {
        if digits.strip_prefix(prefix).is_some_and(|rest| all(rest, allowed)) {
            return true;
        }
    }
    // Sexagesimal: 190:20:30 is 685230 in YAML 1.1.
    if digits.contains(':') && digits.split(':').all(|part| all(part, |byte| byte.is_ascii_digit() || byte == b'.')) {
        return true;
    }
    let (mantissa, exponent) = digits.split_once('e').unwrap_or((digits, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let whole = mantissa.bytes().any(|byte| byte.is_ascii_digit()) && mantissa.matches('.').count() <= 1;
    whole && all(mantissa, |byte| byte.is_ascii_digit() || byte == b'.') && all(exponent, |byte| byte.is_ascii_digit())
}
