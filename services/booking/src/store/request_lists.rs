//! Statements that list booking requests. Which of them a list takes, and where its page
//! ends, is not known here.

use pg::{Days, Micros, Query};
use uuid::Uuid;

use crate::domain::ids::{GuestId, PropertyId, RowId};
use crate::domain::listing::{Cursor, Filter, Order, Time};
use crate::domain::request::Status;

pg::statements! {
    /// Requests of the tenant, in an order that an index has.
    ListBookingRequests<'a> = "list_booking_requests" (
        tenant: Uuid, statuses: Option<&'a [&'a str]>, unknown: Option<bool>,
        created_before: Option<Micros>, created_after: Option<Micros>, check_in_after: Option<Days>,
        beside_created_at: Option<Micros>, after_id: RowId, most: i64, created_from: Option<Micros>,
        created_to: Option<Micros>,
    );
    /// Requests of the tenant that have a night from a date on, by check-in.
    ListBookingRequestsArriving<'a> = "list_booking_requests_arriving" (
        tenant: Uuid, statuses: Option<&'a [&'a str]>, unknown: Option<bool>,
        check_in_after: Option<Days>, beside_created_at: Option<Micros>, after_id: RowId, most: i64, stay_from: Days,
        stay_to: Option<Days>,
    );
    /// Requests of the tenant with a night of a window, by creation.
    ListBookingRequestsByDay<'a> = "list_booking_requests_by_day" (
        tenant: Uuid, days: Vec<Days>, statuses: Option<&'a [&'a str]>, unknown: Option<bool>,
        created_before: Option<Micros>, created_after: Option<Micros>, after_id: RowId,
        most: i64, stay_from: Option<Days>, stay_to: Option<Days>, created_from: Option<Micros>,
        created_to: Option<Micros>,
    );
    /// Requests of the tenant that were created in a window, by check-in.
    ListBookingRequestsEachDay<'a> = "list_booking_requests_each_day" (
        tenant: Uuid, days: Vec<Days>, statuses: Option<&'a [&'a str]>, unknown: Option<bool>,
        check_in_after: Option<Days>, beside_created_at: Option<Micros>, after_id: RowId,
        most: i64, stay_from: Option<Days>, stay_to: Option<Days>, created_from: Option<Micros>,
        created_to: Option<Micros>,
    );
    /// Of a number of requests, of one property or guest or of the tenant, those of a page.
    /// `staying_from`: the day from which the walk begins, `of_property`: what the guest's
    /// are held against.
    ListBookingRequestsOf<'a> = "list_booking_requests_of" (
        tenant: Uuid, statuses: Option<&'a [&'a str]>, unknown: bool, created_before: Option<Micros>,
        created_after: Option<Micros>, check_in_after: Option<Days>, beside_created_at: Option<Micros>,
        after_id: RowId, most: i64, looked: i64, property: Option<PropertyId>, guest: Option<GuestId>,
        of_property: Option<PropertyId>, staying_from: Option<Days>, stay_from: Option<Days>,
        stay_to: Option<Days>, created_from: Option<Micros>, created_to: Option<Micros>,
    );
    /// Of a number of requests by creation, those of a page, with a night of a window.
    LookThroughRequests<'a> = "look_through_requests" (
        tenant: Uuid, statuses: Option<&'a [&'a str]>, unknown: Option<bool>,
        created_before: Option<Micros>, created_after: Option<Micros>, after_id: RowId, most: i64, looked: i64,
        stay_from: Option<Days>, stay_to: Option<Days>, created_from: Option<Micros>, created_to: Option<Micros>,
    );
    /// The first day of arrival from a day on, and the last one.
    ReadArrivals = "read_arrivals" (tenant: Uuid, from_day: Days);
}

/// Effective statuses that a list is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statuses<'a> {
    /// The known ones, each of which is walked along; `None` for all rows.
    pub(super) walked: Option<&'a [&'a str]>,
    /// The known ones, where those with an unknown one are asked for as well.
    among: Option<&'a [&'a str]>,
    /// Whether it is about unknown ones alone.
    unknown: Option<bool>,
}

/// What a page is asked for, as the statements take it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) tenant: Uuid,
    pub(super) statuses: Statuses<'a>,
    created_before: Option<Micros>,
    created_after: Option<Micros>,
    pub(super) check_in_after: Option<Days>,
    beside_created_at: Option<Micros>,
    after_id: RowId,
    pub(super) most: i64,
    property: Option<PropertyId>,
    guest: Option<GuestId>,
    pub(super) stay_from: Option<Days>,
    pub(super) stay_to: Option<Days>,
    pub(super) created_from: Option<Micros>,
    pub(super) created_to: Option<Micros>,
}

impl<'a> Statuses<'a> {
    /// `known`: the names of the known ones of the filter. `any_word`: whether a row may
    /// have another.
    pub(super) fn of(filter: &Filter, known: &'a [&'a str], any_word: bool) -> Self {
        let none = Self { walked: None, among: None, unknown: None };
        match filter.statuses.contains(&Status::Unknown) && any_word {
            _ if filter.statuses.is_empty() => none,
            true if known.is_empty() => Self { unknown: Some(true), ..none },
            true => Self { among: Some(known), ..none },
            false => Self { walked: Some(known), ..none },
        }
    }
}

impl<'a> Asked<'a> {
    pub(super) fn of(
        tenant: Uuid,
        filter: &Filter,
        statuses: Statuses<'a>,
        (order, after): (Order, Cursor),
        most: i64,
    ) -> Self {
        let Filter { statuses: _, property, guest, stay_from, stay_to, created_from, created_to } = *filter;
        let mut asked = Self {
            tenant,
            statuses,
            created_before: None,
            created_after: None,
            check_in_after: None,
            beside_created_at: None,
            after_id: after.id(),
            most,
            property,
            guest,
            stay_from: stay_from.map(Days::of),
            stay_to: stay_to.map(Days::of),
            created_from: created_from.map(Micros::of),
            created_to: created_to.map(Micros::of),
        };
        match after {
            Cursor::Created(after) if order == Order::NewestFirst => {
                asked.created_before = Some(Micros(after.key));
            }
            Cursor::Created(after) => asked.created_after = Some(Micros(after.key)),
            Cursor::CheckIn(after) => {
                asked.check_in_after = Some(Days(after.key.0));
                asked.beside_created_at = Some(Micros(after.key.1));
            }
        }
        asked
    }

    /// The first day that may still have rows, as the place says where the page begins:
    /// the next one when it comes after all of a day. `None` after the last.
    pub(super) fn arrives_from(&self) -> Option<i32> {
        /// The first finite day that a column can hold.
        const FIRST: i32 = -2_451_545;
        let after = self.check_in_after.map_or(i32::MIN, |Days(after)| after);
        let is_after_day =
            self.beside_created_at == Some(Micros(Time::MAX)) && self.after_id == RowId(Uuid::max());
        match after {
            after if !is_after_day => Some(after),
            i32::MIN => Some(FIRST),
            after => after.checked_add(1),
        }
    }

    /// Walks along an index that a list takes.
    pub(super) fn walks(&self) -> i64 {
        let walks = self.statuses.walked.map_or(1, <[_]>::len);
        i64::try_from(walks.max(1)).unwrap_or(i64::MAX)
    }

    /// In the order of an index, through no window of stays.
    pub(super) fn in_order(self) -> Box<dyn Query + Send + 'a> {
        Box::new(ListBookingRequests {
            tenant: self.tenant,
            statuses: self.statuses.walked,
            unknown: self.statuses.unknown,
            created_before: self.created_before,
            created_after: self.created_after,
            check_in_after: self.check_in_after,
            beside_created_at: self.beside_created_at,
            after_id: self.after_id,
            most: self.most,
            created_from: self.created_from,
            created_to: self.created_to,
        })
    }

    /// With a night from a date on, by check-in.
    pub(super) fn arriving(self, stay_from: Days) -> Box<dyn Query + Send + 'a> {
        Box::new(ListBookingRequestsArriving {
            tenant: self.tenant,
            statuses: self.statuses.walked,
            unknown: self.statuses.unknown,
            check_in_after: self.check_in_after,
            beside_created_at: self.beside_created_at,
            after_id: self.after_id,
            most: self.most,
            stay_from,
            stay_to: self.stay_to,
        })
    }

    /// By creation, of stays that begin on these days, and of long ones that began before.
    pub(super) fn by_day(self, days: Vec<Days>, stay_from: Days) -> Box<dyn Query + Send + 'a> {
        Box::new(ListBookingRequestsByDay {
            tenant: self.tenant,
            days,
            statuses: self.statuses.walked,
            unknown: self.statuses.unknown,
            created_before: self.created_before,
            created_after: self.created_after,
            after_id: self.after_id,
            most: self.most,
            stay_from: Some(stay_from),
            stay_to: self.stay_to,
            created_from: self.created_from,
            created_to: self.created_to,
        })
    }

    /// By check-in, of stays that begin on these days, and of long ones that began before.
    pub(super) fn each_day(self, days: Vec<Days>, stay_from: Days) -> Box<dyn Query + Send + 'a> {
        Box::new(ListBookingRequestsEachDay {
            tenant: self.tenant,
            days,
            statuses: self.statuses.walked,
            unknown: self.statuses.unknown,
            check_in_after: self.check_in_after,
            beside_created_at: self.beside_created_at,
            after_id: self.after_id,
            most: self.most,
            stay_from: Some(stay_from),
            stay_to: self.stay_to,
            created_from: self.created_from,
            created_to: self.created_to,
        })
    }

    /// Of so many rows of one property or guest, those that are asked for; and where known
    /// statuses and unknown ones are asked for at once, which no index has together.
    pub(super) fn of_one(self, looked: i64) -> Option<Box<dyn Query + Send + 'a>> {
        if self.property.is_none() && self.guest.is_none() && self.statuses.among.is_none() {
            return None;
        }
        let Statuses { walked, among, unknown } = self.statuses;
        // A guest has fewer than a property.
        let (property, of_property) =
            if self.guest.is_some() { (None, self.property) } else { (self.property, None) };
        Some(Box::new(ListBookingRequestsOf {
            tenant: self.tenant,
            statuses: walked.or(among).or(unknown.map(|_| &[][..])),
            unknown: among.is_some() || unknown.is_some(),
            created_before: self.created_before,
            created_after: self.created_after,
            check_in_after: self.check_in_after,
            beside_created_at: self.beside_created_at,
            after_id: self.after_id,
            most: self.most,
            looked,
            property,
            guest: self.guest,
            of_property,
            staying_from: self.check_in_after.and(self.stay_from),
            stay_from: self.stay_from,
            stay_to: self.stay_to,
            created_from: self.created_from,
            created_to: self.created_to,
        }))
    }

    /// By creation, of so many rows those with a night of the window.
    pub(super) fn look_through(self, looked: i64) -> Box<dyn Query + Send + 'a> {
        Box::new(LookThroughRequests {
            tenant: self.tenant,
            statuses: self.statuses.walked,
            unknown: self.statuses.unknown,
            created_before: self.created_before,
            created_after: self.created_after,
            after_id: self.after_id,
            most: self.most,
            looked,
            stay_from: self.stay_from,
            stay_to: self.stay_to,
            created_from: self.created_from,
            created_to: self.created_to,
        })
    }
}
