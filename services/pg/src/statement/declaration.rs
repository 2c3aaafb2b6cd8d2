//! How a statement is written down: the macro that makes a struct of it, and what
//! the struct tells the register.

use std::fmt::Debug;

use tokio_postgres::types::{ToSql, Type};

/// A call of a statement with its values: what [`statements!`](crate::statements) makes.
pub trait Query: Debug + Sync {
    /// The statement.
    fn declaration(&self) -> &'static Declaration;
    /// The values, in the order of the declaration.
    fn values(&self) -> Vec<&(dyn ToSql + Sync)>;
    /// Which of them have none, by bit.
    fn nulls(&self) -> u64;
}

/// A statement as it is written down.
#[derive(Debug)]
pub struct Declaration {
    /// Name of the struct.
    pub name: &'static str,
    /// The text, or the text for each layout.
    pub texts: &'static [&'static str],
    /// Its parameters.
    pub parameters: &'static [Parameter],
}

/// A parameter as it is written down.
#[derive(Debug)]
pub struct Parameter {
    /// Its name, without the colon.
    pub name: &'static str,
    /// Its type.
    pub ty: Type,
    /// An SQL expression of this type.
    pub example: &'static str,
}

/// Declares the statements of a file: for each a struct whose fields are its
/// parameters, and the list `STATEMENTS` of all of them.
///
/// ```text
/// pg::statements! {
///     /// Locks a request.
///     LockRequest = "lock_request" (tenant: Uuid, id: RequestId);
///     Book<'a> = "standard/book" | "single_table/book" (tenant: Uuid, id: RequestId, note: &'a str);
/// }
/// ```
///
/// Files are `sql/NAME.sql` beside the file that declares them, one for each
/// layout or one for all. In the text, `:name` is a parameter; a line that ends in
/// `-- if :name` is left out when the parameter is `None`.
#[macro_export]
macro_rules! statements {
    ($(
        $(#[$meta:meta])*
        $name:ident $(<$life:lifetime>)? = $($file:literal)|+ ($($field:ident: $ty:ty),* $(,)?);
    )*) => {
        /// The statements of this file.
        pub(super) const STATEMENTS: &[&$crate::Declaration] = &[$($name::DECLARATION),*];

        $(
            $(#[$meta])*
            #[derive(Debug)]
            pub struct $name $(<$life>)? {
                $(pub $field: $ty,)*
            }

            impl $(<$life>)? $name $(<$life>)? {
                const DECLARATION: &'static $crate::Declaration = &$crate::Declaration {
                    name: stringify!($name),
                    texts: &[$(include_str!(concat!("sql/", $file, ".sql"))),+],
                    parameters: &[$($crate::Parameter {
                        name: stringify!($field),
                        ty: <$ty as $crate::Param>::TYPE,
                        example: <$ty as $crate::Param>::EXAMPLE,
                    }),*],
                };
            }

            impl $(<$life>)? $crate::Query for $name $(<$life>)? {
                fn declaration(&self) -> &'static $crate::Declaration {
                    Self::DECLARATION
                }

                fn values(&self) -> Vec<&(dyn $crate::types::ToSql + Sync)> {
                    vec![$(&self.$field),*]
                }

                fn nulls(&self) -> u64 {
                    let nulls: &[bool] = &[$($crate::Param::is_null(&self.$field)),*];
                    nulls.iter().rev().fold(0, |bits, null| bits << 1 | u64::from(*null))
                }
            }
        )*
    };
}
