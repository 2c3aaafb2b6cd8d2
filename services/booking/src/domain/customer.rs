//! A customer of the tenant: who writes to it, and who books.

use std::fmt;

use jiff::Timestamp;

use super::ids::GuestId;

/// Most booking requests and bookings together that one merge moves: more would
/// hold locks on them for seconds.
pub const MOST_MERGED: i64 = 1000;

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Customer {
    pub id: GuestId,
    pub is: Described,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub archived_at: Option<Timestamp>,
    /// The customer that it was merged into.
    pub merged_into: Option<GuestId>,
}

/// What is said of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Described {
    pub name: String,
    pub email: String,
    /// As it was entered.
    pub phone: String,
    /// Its id in the system named by `source`; unique for that.
    pub external_id: Option<String>,
    pub source: String,
    pub notes: String,
}

/// What changes of a customer; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct CustomerUpdate {
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// Empty takes it away.
    pub external_id: Option<String>,
    pub source: Option<String>,
    pub notes: Option<String>,
}

/// Why two customers are not merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotMergeable {
    /// The one that is to stay is archived.
    Archived,
    /// The duplicate was merged into this one.
    MergedElsewhere(GuestId),
    /// The duplicate has more requests and bookings than one call moves.
    TooManyRecords,
}

/// What a merge has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    Go,
    /// It was made before.
    Done,
    Refused(NotMergeable),
}

/// What a search looks for, by its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// The beginning of a name, or of its last word.
    Name(String),
    /// The beginning of an e-mail address.
    Email(String),
    /// The beginning of a phone number.
    Phone(String),
}

impl Customer {
    /// Whether no new request and no booking is taken for it.
    pub fn is_archived(&self) -> bool {
        self.archived_at.is_some()
    }
}

impl Described {
    /// With what changes.
    #[must_use]
    pub fn with(self, update: CustomerUpdate) -> Self {
        let CustomerUpdate { name, email, phone, external_id, source, notes } = update;
        Self {
            name: name.unwrap_or(self.name),
            email: email.unwrap_or(self.email),
            phone: phone.unwrap_or(self.phone),
            external_id: external_id.map_or(self.external_id, |id| Some(id).filter(|id| !id.is_empty())),
            source: source.unwrap_or(self.source),
            notes: notes.unwrap_or(self.notes),
        }
    }
}

/// What comes of merging a duplicate into a customer. The number of its records is
/// that of requests and bookings.
pub fn merge(kept: &Customer, duplicate: &Customer, records: i64) -> Merge {
    match duplicate.merged_into {
        Some(into) if into == kept.id => return Merge::Done,
        Some(into) => return Merge::Refused(NotMergeable::MergedElsewhere(into)),
        None => {}
    }
    if kept.is_archived() {
        return Merge::Refused(NotMergeable::Archived);
    }
    if records > MOST_MERGED {
        return Merge::Refused(NotMergeable::TooManyRecords);
    }
    Merge::Go
}

impl NotMergeable {
    /// As a refusal names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Archived => "archived",
            Self::MergedElsewhere(_) => "merged_elsewhere",
            Self::TooManyRecords => "too_many_records",
        }
    }
}

impl fmt::Display for NotMergeable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archived => out.write_str(
                "the customer that is to stay is archived; take it out of the archive, or merge the other way round",
            ),
            Self::MergedElsewhere(into) => {
                write!(out, "the duplicate was merged into {into}; merge that customer instead")
            }
            Self::TooManyRecords => write!(
                out,
                "the duplicate has more than {MOST_MERGED} booking requests and bookings, the most that a call moves; merge the other way round if the other one has fewer, or archive the duplicate, whose records stay with it"
            ),
        }
    }
}

impl Search {
    /// What a text looks for; `None` when it is blank.
    pub fn of(text: &str) -> Option<Self> {
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let of_phone = |mark: char| mark.is_ascii_digit() || "+()-/. ".contains(mark);
        if text.is_empty() {
            None
        } else if text.contains('@') {
            Some(Self::Email(text.to_owned()))
        } else if digits > 0 && text.chars().all(of_phone) {
            Some(Self::Phone(text.to_owned()))
        } else {
            Some(Self::Name(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn customer(id: u128, archived: bool, merged_into: Option<u128>) -> Customer {
        let guest = |id| GuestId(Uuid::from_u128(id));
        Customer {
            id: guest(id),
            is: Described {
                name: "Anna Adler".to_owned(),
                email: String::new(),
                phone: String::new(),
                external_id: None,
                source: String::new(),
                notes: String::new(),
            },
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            archived_at: archived.then_some(Timestamp::UNIX_EPOCH),
            merged_into: merged_into.map(guest),
        }
    }

    #[test]
    fn a_merge_is_refused_where_it_would_break() {
        use NotMergeable::{Archived, MergedElsewhere, TooManyRecords};
        let refused = |why| Merge::Refused(why);
        let third = GuestId(Uuid::from_u128(3));
        for (kept_archived, duplicate_archived, merged_into, records, expected) in [
            (false, false, None, 0, Merge::Go),
            (false, false, None, MOST_MERGED, Merge::Go),
            (false, true, None, 1, Merge::Go),
            (false, true, Some(1), 0, Merge::Done),
            (true, true, Some(1), 0, Merge::Done),
            (false, true, Some(3), 0, refused(MergedElsewhere(third))),
            (true, false, None, 0, refused(Archived)),
            (false, false, None, MOST_MERGED + 1, refused(TooManyRecords)),
        ] {
            let kept = customer(1, kept_archived, None);
            let duplicate = customer(2, duplicate_archived, merged_into);
            assert_eq!(merge(&kept, &duplicate, records), expected);
        }
        // Only so many are counted.
        assert!(TooManyRecords.to_string().contains("has more than 1000 booking requests"));
    }

    #[test]
    fn a_search_is_of_the_form_of_its_text() {
        let text = |text: &str| text.to_owned();
        for (given, expected) in [
            ("", None),
            ("Adler", Some(Search::Name(text("Adler")))),
            ("2 Brüder", Some(Search::Name(text("2 Brüder")))),
            ("+", Some(Search::Name(text("+")))),
            ("anna@", Some(Search::Email(text("anna@")))),
            ("+49 (0)89/55-5", Some(Search::Phone(text("+49 (0)89/55-5")))),
            ("0049", Some(Search::Phone(text("0049")))),
        ] {
            assert_eq!(Search::of(given), expected, "{given}");
        }
    }

    #[test]
    fn an_update_leaves_what_it_does_not_name() {
        let is = Described { external_id: Some("7".to_owned()), ..customer(1, false, None).is };
        let same = is.clone().with(CustomerUpdate::default());
        assert_eq!(same, is);
        let update = CustomerUpdate {
            external_id: Some(String::new()),
            phone: Some("+49 1".to_owned()),
            ..CustomerUpdate::default()
        };
        let changed = is.clone().with(update);
        assert_eq!((changed.external_id, changed.phone.as_str()), (None, "+49 1"));
        assert_eq!(changed.name, is.name);
    }
}
