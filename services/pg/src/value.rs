//! What a value of a row is read as: by the type that its column has, which need not
//! be the one that the migrations gave it, since other programs own these tables too.
//!
//! Read are the types whose meaning is clear: words as `text`, `varchar`, `char(n)`,
//! `citext` or an enum; numbers of every width, lists of them, and `numeric` without a
//! fraction; times without a zone as UTC, which is the zone of every connection (`pool.rs`). A domain
//! is read as what it is made of; Postgres itself says so.
//!
//! Infinity is read as the last or first time or date that there is, and a year after
//! 9999 as a second or a day before that: compared with others they mean the same. Who
//! shows them leaves them out; where they are in an order is in `place.rs`.

use std::fmt;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::{FromSql, Kind, Type};
use uuid::Uuid;

/// Whether a column of one type, as `format_type` names it, takes and gives back all
/// that one of the wanted type does.
pub fn serves(wanted: &str, found: &str) -> bool {
    found == wanted
        || match wanted {
            "text" => matches!(found, "character varying" | "character" | "citext" | "name"),
            "integer" | "bigint" => matches!(found, "smallint" | "integer" | "bigint" | "numeric"),
            "integer[]" => matches!(found, "smallint[]" | "bigint[]"),
            "timestamp with time zone" => found == "timestamp without time zone",
            _ => false,
        }
}

/// A value that is not NULL, with the type of its column. What it is stays out of
/// the log.
#[derive(Clone)]
pub struct Stored<'row> {
    ty: Type,
    raw: &'row [u8],
}

impl fmt::Debug for Stored<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Stored").field("ty", &self.ty).finish_non_exhaustive()
    }
}

/// Why a value cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// Its column has a type that means something else.
    Type,
    /// It has no place in what it is read as.
    Value,
}

/// What a column can be read as.
pub trait Value<'row>: Sized {
    /// Reads a value.
    fn read(stored: &Stored<'row>) -> Result<Self, Unread>;

    /// What NULL is, where that is anything.
    fn null() -> Option<Self> {
        None
    }
}

impl<'row> FromSql<'row> for Stored<'row> {
    fn from_sql(ty: &Type, raw: &'row [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self { ty: ty.clone(), raw })
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl<'row> Stored<'row> {
    #[cfg(test)]
    pub(crate) fn new(ty: Type, raw: &'row [u8]) -> Self {
        Self { ty, raw }
    }

    /// For the log, which must not hold the value.
    pub fn type_name(&self) -> &str {
        self.ty.name()
    }

    fn bytes<const LEN: usize>(&self) -> Result<[u8; LEN], Unread> {
        self.raw.try_into().map_err(|_| Unread::Value)
    }

    fn integer(&self) -> Result<i64, Unread> {
        match self.ty {
            Type::INT2 => Ok(i16::from_be_bytes(self.bytes()?).into()),
            Type::INT4 => Ok(i32::from_be_bytes(self.bytes()?).into()),
            Type::INT8 => Ok(i64::from_be_bytes(self.bytes()?)),
            Type::OID => Ok(u32::from_be_bytes(self.bytes()?).into()),
            Type::NUMERIC => whole_number(self.raw).ok_or(Unread::Value),
            _ => Err(Unread::Type),
        }
    }

    /// Of a time or date: microseconds from 2000 on; the ends are infinite.
    pub(crate) fn micros(&self) -> Result<i64, Unread> {
        match self.ty {
            Type::TIMESTAMPTZ | Type::TIMESTAMP => self.bytes().map(i64::from_be_bytes),
            Type::DATE => Ok(match self.days()? {
                i32::MAX => i64::MAX,
                i32::MIN => i64::MIN,
                days => i64::from(days).saturating_mul(DAY),
            }),
            _ => Err(Unread::Type),
        }
    }

    /// Of a date, or a time without a zone: days from 2000 on; the ends are infinite.
    pub(crate) fn days(&self) -> Result<i32, Unread> {
        match self.ty {
            Type::DATE => self.bytes().map(i32::from_be_bytes),
            Type::TIMESTAMP => match self.micros()? {
                i64::MAX => Ok(i32::MAX),
                i64::MIN => Ok(i32::MIN),
                micros => micros.div_euclid(DAY).try_into().map_err(|_| Unread::Value),
            },
            _ => Err(Unread::Type),
        }
    }

    fn as_declared<T: FromSql<'row>>(&self) -> Result<T, Unread> {
        if !T::accepts(&self.ty) {
            return Err(Unread::Type);
        }
        T::from_sql(&self.ty, self.raw).map_err(|_| Unread::Value)
    }
}

/// `numeric` as Postgres sends it: how many digits of base 10,000, the power of the
/// first one, the sign, and how many decimals are shown.
fn whole_number(raw: &[u8]) -> Option<i64> {
    let (head, digits) = raw.split_at_checked(8)?;
    let field = |at: usize| Some(i16::from_be_bytes([*head.get(at)?, *head.get(at + 1)?]));
    let (weight, sign) = (field(2)?, field(4)?);
    let mut number: i64 = 0;
    let (digits, []) = digits.as_chunks::<2>() else { return None };
    for place in 0..=weight.max(-1) {
        let digit = digits.get(usize::try_from(place).ok()?).map_or(0, |digit| i16::from_be_bytes(*digit));
        number = number.checked_mul(10_000)?.checked_add(digit.into())?;
    }
    let fraction = digits.iter().skip(usize::try_from(weight.max(-1) + 1).ok()?);
    if fraction.into_iter().any(|digit| *digit != [0, 0]) {
        return None;
    }
    match sign {
        0 => Some(number),
        0x4000 => Some(-number),
        // Not a number, or infinite.
        _ => None,
    }
}

impl<'row> Value<'row> for &'row str {
    fn read(stored: &Stored<'row>) -> Result<Self, Unread> {
        let is_text =
            matches!(stored.ty, Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN)
                || matches!(stored.ty.kind(), Kind::Enum(_))
                || stored.ty.name() == "citext";
        if !is_text {
            return Err(Unread::Type);
        }
        let text = std::str::from_utf8(stored.raw).map_err(|_| Unread::Value)?;
        Ok(if stored.ty == Type::BPCHAR { text.trim_end_matches(' ') } else { text })
    }
}

impl<'row> Value<'row> for String {
    fn read(stored: &Stored<'row>) -> Result<Self, Unread> {
        <&str>::read(stored).map(str::to_owned)
    }
}

impl<'row> Value<'row> for i64 {
    fn read(stored: &Stored<'row>) -> Result<Self, Unread> {
        stored.integer()
    }
}

impl<'row> Value<'row> for i32 {
    fn read(stored: &Stored<'row>) -> Result<Self, Unread> {
        stored.integer()?.try_into().map_err(|_| Unread::Value)
    }
}

impl<'row> Value<'row> for Uuid {
    fn read(stored: &Stored<'row>) -> Result<Self, Unread> {
        match stored.ty {
            Type::UUID => stored.bytes().map(Self::from_bytes),
            _ => <&str>::read(stored)?.parse().map_err(|_| Unread::Value),
        }
    }
}

/// Days and microseconds are counted from here.
pub(crate) const EPOCH: Date = Date::constant(2000, 1, 1);
/// The same in seconds of Unix.
pub(crate) const EPOCH_SECOND: i64 = 946_684_800;
const DAY: i64 = 86_400_000_000;

impl<'row> Value<'row> for Date {
    fn read(stored: &Stored<'row>) -> Result<Self, Unread> {
        let days = match stored.days()? {
            i32::MAX => return Ok(Self::MAX),
            i32::MIN => return Ok(Self::MIN),
            days => i64::from(days),
        };
        let date = EPOCH.checked_add(SignedDuration::from_hours(days.saturating_mul(24).clamp(-FAR, FAR)));
        let beyond = if days > 0 { Self::MAX.yesterday() } else { Self::MIN.tomorrow() };
        date.or(beyond).map_err(|_| Unread::Value)
    }
}

/// Hours that reach beyond every date.
const FAR: i64 = 400_000_000;

impl<'row> Value<'row> for Timestamp {
    fn read(stored: &Stored<'row>) -> Result<Self, Unread> {
        let micros = stored.micros()?;
        match micros {
            i64::MAX => return Ok(Self::MAX),
            i64::MIN => return Ok(Self::MIN),
            _ => {}
        }
        let at = Self::from_microsecond(micros.saturating_add(EPOCH_SECOND * 1_000_000));
        let second = SignedDuration::from_secs(if micros > 0 { -1 } else { 1 });
        let end = if micros > 0 { Self::MAX } else { Self::MIN };
        at.or_else(|_| end.checked_add(second)).map_err(|_| Unread::Value)
    }
}

impl<'row, T: Value<'row>> Value<'row> for Option<T> {
    fn read(stored: &Stored<'row>) -> Result<Self, Unread> {
        T::read(stored).map(Some)
    }

    fn null() -> Option<Self> {
        Some(None)
    }
}

/// A number that is NULL, or too large, is none.
impl<'row> Value<'row> for Vec<Option<i32>> {
    fn read(stored: &Stored<'row>) -> Result<Self, Unread> {
        Ok(match stored.ty {
            Type::INT2_ARRAY => as_numbers(stored.as_declared::<Vec<Option<i16>>>()?),
            Type::INT8_ARRAY => as_numbers(stored.as_declared::<Vec<Option<i64>>>()?),
            _ => stored.as_declared()?,
        })
    }
}

fn as_numbers<T: TryInto<i32>>(list: Vec<Option<T>>) -> Vec<Option<i32>> {
    list.into_iter().map(|number| number.and_then(|number| number.try_into().ok())).collect()
}

macro_rules! as_declared {
    ($($ty:ty),*) => {
        $(
            impl<'row> Value<'row> for $ty {
                fn read(stored: &Stored<'row>) -> Result<Self, Unread> {
                    stored.as_declared()
                }
            }
        )*
    };
}

as_declared!(bool, f64, &'row [u8], Vec<u8>, Vec<String>, Vec<Option<String>>, Vec<Uuid>);

#[cfg(test)]
// A test that cannot go on says where.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read<'row, T: Value<'row>>(ty: Type, raw: &'row [u8]) -> Result<T, Unread> {
        T::read(&Stored::new(ty, raw))
    }

    #[test]
    fn numbers_are_read_by_the_width_that_they_have() {
        assert_eq!(read::<i32>(Type::INT8, &7_i64.to_be_bytes()), Ok(7));
        assert_eq!(read::<i32>(Type::INT2, &(-7_i16).to_be_bytes()), Ok(-7));
        assert_eq!(read::<i64>(Type::INT4, &7_i32.to_be_bytes()), Ok(7));
        assert_eq!(read::<i32>(Type::INT8, &(1_i64 << 40).to_be_bytes()), Err(Unread::Value));
        assert_eq!(read::<i32>(Type::TEXT, b"7"), Err(Unread::Type));
    }

    #[test]
    fn lists_of_numbers_are_read_by_the_width_that_they_have() {
        // One dimension, NULLs, the type of the elements, how many, from which number on.
        let list = |element: u32, values: &[Option<&[u8]>]| {
            let head = [1, 1, element, u32::try_from(values.len()).unwrap(), 1];
            let mut raw: Vec<u8> = head.iter().flat_map(|one| one.to_be_bytes()).collect();
            for value in values {
                let length = value.map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap());
                raw.extend(length.to_be_bytes());
                raw.extend(value.unwrap_or_default());
            }
            raw
        };
        let narrow = list(Type::INT2.oid(), &[Some(&7_i16.to_be_bytes()), None]);
        assert_eq!(read(Type::INT2_ARRAY, &narrow), Ok(vec![Some(7), None]));
        let same = list(Type::INT4.oid(), &[Some(&7_i32.to_be_bytes())]);
        assert_eq!(read(Type::INT4_ARRAY, &same), Ok(vec![Some(7)]));
        let wide = list(Type::INT8.oid(), &[Some(&7_i64.to_be_bytes()), Some(&(1_i64 << 40).to_be_bytes())]);
        assert_eq!(read(Type::INT8_ARRAY, &wide), Ok(vec![Some(7), None]));
        assert_eq!(read::<Vec<Option<i32>>>(Type::TEXT_ARRAY, &same), Err(Unread::Type));
    }

    #[test]
    fn numeric_is_read_without_a_fraction() {
        // Digits, weight, sign, scale, then the digits.
        let numeric = |fields: &[i16]| fields.iter().flat_map(|one| one.to_be_bytes()).collect::<Vec<_>>();
        for (fields, number) in [
            (&[0, 0, 0, 0][..], Some(0)),
            (&[1, 0, 0, 0, 12], Some(12)),
            (&[1, 0, 0x4000, 0, 12], Some(-12)),
            (&[1, 1, 0, 0, 3], Some(30_000)),
            (&[2, 1, 0, 0, 1, 2345], Some(12_345)),
            (&[2, 0, 0, 1, 2, 5000], None),
            (&[1, -1, 0, 1, 5000], None),
            (&[0, 0, -16384, 0], None),
            (&[1, 9, 0, 0, 1], None),
        ] {
            let raw = numeric(fields);
            assert_eq!(read::<i64>(Type::NUMERIC, &raw).ok(), number, "{fields:?}");
        }
    }

    #[test]
    fn times_and_dates_without_a_form_are_the_last_or_first() {
        let at = |micros: i64| read::<Timestamp>(Type::TIMESTAMPTZ, &micros.to_be_bytes()).unwrap();
        assert_eq!(at(0).to_string(), "2000-01-01T00:00:00Z");
        assert_eq!((at(i64::MAX), at(i64::MIN)), (Timestamp::MAX, Timestamp::MIN));
        // The year 294276.
        let far = at(9_223_371_331_199_999_999);
        assert!(far < Timestamp::MAX && far.as_second() == Timestamp::MAX.as_second() - 1);
        let on = |days: i32| read::<Date>(Type::DATE, &days.to_be_bytes()).unwrap();
        assert_eq!(on(9_497).to_string(), "2026-01-01");
        assert_eq!(on(-1).to_string(), "1999-12-31");
        assert_eq!((on(i32::MAX), on(i32::MIN)), (Date::MAX, Date::MIN));
        assert_eq!(on(5_000_000), Date::MAX.yesterday().unwrap());
        let noon = read::<Date>(Type::TIMESTAMP, &(DAY / 2).to_be_bytes()).unwrap();
        assert_eq!(noon, EPOCH);
        let day = read::<Timestamp>(Type::DATE, &1_i32.to_be_bytes()).unwrap();
        assert_eq!(day.to_string(), "2000-01-02T00:00:00Z");
    }

    #[test]
    fn words_are_read_whatever_type_of_text_they_have() {
        assert_eq!(read::<&str>(Type::VARCHAR, b"confirmed"), Ok("confirmed"));
        assert_eq!(read::<&str>(Type::BPCHAR, b"confirmed  "), Ok("confirmed"));
        let kind = Kind::Enum(vec!["confirmed".to_owned()]);
        let of_enum = Type::new("booking_status".to_owned(), 90_000, kind, "public".to_owned());
        assert_eq!(read::<&str>(of_enum, b"confirmed"), Ok("confirmed"));
        let citext = Type::new("citext".to_owned(), 90_001, Kind::Simple, "public".to_owned());
        assert_eq!(read::<String>(citext, b"Note").as_deref(), Ok("Note"));
        assert_eq!(read::<&str>(Type::INT4, b"1234"), Err(Unread::Type));
        let id = Uuid::from_u128(7);
        assert_eq!(read::<Uuid>(Type::TEXT, id.to_string().as_bytes()), Ok(id));
        assert_eq!(read::<Uuid>(Type::TEXT, b"nobody"), Err(Unread::Value));
    }
}
