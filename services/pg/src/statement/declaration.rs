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
    /// Its own parameters.
    pub parameters: &'static [Parameter],
    /// Those that it shares with others, of which it takes what it needs.
    pub shared: fn() -> Vec<&'static Parameter>,
}

/// Parameters that many statements take together: what [`parameters!`](crate::parameters)
/// makes.
pub trait Group: Debug + Sync {
    /// How they are written down.
    fn parameters() -> Vec<&'static Parameter>;
    /// The values, in this order.
    fn values(&self) -> Vec<&(dyn ToSql + Sync)>;
    /// Which of them have none.
    fn nulls(&self) -> Vec<bool>;
}

impl Declaration {
    /// Every parameter, those of groups last.
    pub(super) fn all(&self) -> Vec<&'static Parameter> {
        self.parameters.iter().chain((self.shared)()).collect()
    }
}

/// Two groups are one.
impl<A: Group, B: Group> Group for (A, B) {
    fn parameters() -> Vec<&'static Parameter> {
        [A::parameters(), B::parameters()].concat()
    }

    fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        [self.0.values(), self.1.values()].concat()
    }

    fn nulls(&self) -> Vec<bool> {
        [self.0.nulls(), self.1.nulls()].concat()
    }
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
/// `-- if :name` is left out when the parameter is `None`. With `with Stamp` after its
/// parameters, a statement has those of that group, too, in a field `with`; with
/// `with (Stamp, Note)`, those of both.
#[macro_export]
macro_rules! statements {
    ($(
        $(#[$meta:meta])*
        $name:ident $(<$life:lifetime>)? = $($file:literal)|+ ($($field:ident: $ty:ty),* $(,)?)
            $(with $group:ty)?;
    )*) => {
        /// The statements of this file.
        pub(super) const STATEMENTS: &[&$crate::Declaration] = &[$($name::DECLARATION),*];

        $(
            $(#[$meta])*
            #[derive(Debug)]
            pub struct $name $(<$life>)? {
                $(pub $field: $ty,)*
                $(pub with: $group,)?
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
                    shared: || {
                        let groups: &[Vec<&'static $crate::Parameter>] =
                            &[$(<$group as $crate::Group>::parameters())?];
                        groups.concat()
                    },
                };
            }

            impl $(<$life>)? $crate::Query for $name $(<$life>)? {
                fn declaration(&self) -> &'static $crate::Declaration {
                    Self::DECLARATION
                }

                fn values(&self) -> Vec<&(dyn $crate::types::ToSql + Sync)> {
                    let own: &[&(dyn $crate::types::ToSql + Sync)] = &[$(&self.$field),*];
                    [own $(, &<$group as $crate::Group>::values(&self.with))?].concat()
                }

                fn nulls(&self) -> u64 {
                    let own: &[bool] = &[$($crate::Param::is_null(&self.$field)),*];
                    let parts: &[&[bool]] = &[own $(, &<$group as $crate::Group>::nulls(&self.with))?];
                    parts.iter().copied().flatten().rev().fold(0, |bits, null| bits << 1 | u64::from(*null))
                }
            }
        )*
    };
}

/// Declares parameters that several statements take together, as a struct:
/// `pg::parameters! { /// When. Stamp (at: Timestamp); }`.
#[macro_export]
macro_rules! parameters {
    ($(#[$meta:meta])* $name:ident $(<$life:lifetime>)? ($($field:ident: $ty:ty),* $(,)?);) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $name $(<$life>)? {
            $(pub $field: $ty,)*
        }

        impl $(<$life>)? $name $(<$life>)? {
            const PARAMETERS: &'static [$crate::Parameter] = &[$($crate::Parameter {
                name: stringify!($field),
                ty: <$ty as $crate::Param>::TYPE,
                example: <$ty as $crate::Param>::EXAMPLE,
            }),*];
        }

        impl $(<$life>)? $crate::Group for $name $(<$life>)? {
            fn parameters() -> Vec<&'static $crate::Parameter> {
                Self::PARAMETERS.iter().collect()
            }

            fn values(&self) -> Vec<&(dyn $crate::types::ToSql + Sync)> {
                vec![$(&self.$field),*]
            }

            fn nulls(&self) -> Vec<bool> {
                vec![$($crate::Param::is_null(&self.$field)),*]
            }
        }
    };
}
