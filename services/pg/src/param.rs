//! What may be a parameter of a named statement, and as which type of Postgres.

use jiff::Timestamp;
use jiff::civil::Date;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

/// A type of parameters. A statement is prepared with these types, so that its
/// text needs no casts. Ids and the like implement it by [`newtypes!`](crate::newtypes).
pub trait Param: ToSql + Sync {
    /// As which type a statement is prepared.
    const TYPE: Type;
    /// An SQL expression of this type, for statements that are pasted into psql.
    const EXAMPLE: &'static str;

    /// Whether it has no value; lines that depend on it are then left out.
    fn is_null(&self) -> bool {
        false
    }
}

/// A type of which there can be an array.
pub trait Element: Param {
    /// The array.
    const ARRAY: Type;
    /// An SQL expression of the array.
    const ARRAY_EXAMPLE: &'static str;
}

macro_rules! params {
    ($($rust:ty = $one:ident, $many:ident, $example:literal, $sql:literal;)*) => {
        $(
            impl Param for $rust {
                const TYPE: Type = Type::$one;
                const EXAMPLE: &'static str = $example;
            }

            impl Element for $rust {
                const ARRAY: Type = Type::$many;
                const ARRAY_EXAMPLE: &'static str = concat!("array[", $example, "]::", $sql, "[]");
            }
        )*
    };
}

params! {
    Uuid = UUID, UUID_ARRAY, "uuid '00000000-0000-7000-8000-000000000001'", "uuid";
    &str = TEXT, TEXT_ARRAY, "text ''", "text";
    String = TEXT, TEXT_ARRAY, "text ''", "text";
    bool = BOOL, BOOL_ARRAY, "true", "boolean";
    i32 = INT4, INT4_ARRAY, "integer '1'", "integer";
    i64 = INT8, INT8_ARRAY, "bigint '1'", "bigint";
    Timestamp = TIMESTAMPTZ, TIMESTAMPTZ_ARRAY, "timestamptz '2026-01-01 00:00:00+00'", "timestamptz";
    Date = DATE, DATE_ARRAY, "date '2026-01-01'", "date";
    &[u8] = BYTEA, BYTEA_ARRAY, "bytea ''", "bytea";
    Vec<u8> = BYTEA, BYTEA_ARRAY, "bytea ''", "bytea";
}

impl<T: Param> Param for Option<T> {
    const TYPE: Type = T::TYPE;
    const EXAMPLE: &'static str = T::EXAMPLE;

    fn is_null(&self) -> bool {
        self.as_ref().is_none_or(T::is_null)
    }
}

impl<T: Element> Element for Option<T> {
    const ARRAY: Type = T::ARRAY;
    const ARRAY_EXAMPLE: &'static str = T::ARRAY_EXAMPLE;
}

impl<T: Param> Param for &T {
    const TYPE: Type = T::TYPE;
    const EXAMPLE: &'static str = T::EXAMPLE;

    fn is_null(&self) -> bool {
        (**self).is_null()
    }
}

impl<T: Element> Param for &[T] {
    const TYPE: Type = T::ARRAY;
    const EXAMPLE: &'static str = T::ARRAY_EXAMPLE;
}

impl<T: Element> Param for Vec<T> {
    const TYPE: Type = T::ARRAY;
    const EXAMPLE: &'static str = T::ARRAY_EXAMPLE;
}

/// Lets types around one value be parameters and columns of its type:
/// `pg::newtypes!(BookingId(Uuid), PropertyId(Uuid));`. The field must be visible.
#[macro_export]
macro_rules! newtypes {
    ($($name:ident($inner:ty)),* $(,)?) => {
        $(
            impl $crate::types::ToSql for $name {
                fn to_sql(
                    &self,
                    ty: &$crate::types::Type,
                    out: &mut $crate::types::private::BytesMut,
                ) -> Result<$crate::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
                    self.0.to_sql(ty, out)
                }

                fn accepts(ty: &$crate::types::Type) -> bool {
                    <$inner as $crate::types::ToSql>::accepts(ty)
                }

                $crate::types::to_sql_checked!();
            }

            impl<'row> $crate::Value<'row> for $name {
                fn read(stored: &$crate::Stored<'row>) -> Result<Self, $crate::Unread> {
                    <$inner as $crate::Value>::read(stored).map(Self)
                }
            }

            impl $crate::Param for $name {
                const TYPE: $crate::types::Type = <$inner as $crate::Param>::TYPE;
                const EXAMPLE: &'static str = <$inner as $crate::Param>::EXAMPLE;
            }

            impl $crate::Element for $name {
                const ARRAY: $crate::types::Type = <$inner as $crate::Element>::ARRAY;
                const ARRAY_EXAMPLE: &'static str = <$inner as $crate::Element>::ARRAY_EXAMPLE;
            }
        )*
    };
}
