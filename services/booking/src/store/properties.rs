//! Statements about properties.

use access::TenantId;
use jiff::civil::Date;
use pg::{Columns, Fault};
use tokio_postgres::Row;
use uuid::Uuid;

use super::change::{Change, Finished, Stamp};
use super::database::{Store, lost_row};
use super::foreign::{MOST_UNPLACED, count, counted, time, word};
use crate::domain::ids::{GuestId, PropertyId, RowId};
use crate::domain::listing::After;
use crate::domain::property::{HoldPolicy, NewProperty, Property, PropertyUpdate};
use crate::domain::rules::{Broken, DayRules, Neighbours, StayRules, Terms};
use crate::domain::stay::Stay;
use crate::layout::columns::TERMS;

pg::parameters! {
    /// The rules of a property's stays. A list by the day of the week begins with Monday; of
    /// those that are closed it has the days, from 1 on.
    Rules (
        min_nights: Option<i32>, max_nights: Option<i32>, min_by_day: Option<Vec<i32>>,
        max_by_day: Option<Vec<i32>>, closed_to_arrival: Option<Vec<i32>>,
        closed_to_departure: Option<Vec<i32>>, lead_days: Option<i32>, horizon_days: Option<i32>,
        turnover_days: Option<i32>,
    );
}

pg::statements! {
    /// A property.
    GetProperty = "get_property" (tenant: Uuid, id: PropertyId);

    /// Properties by name.
    ListProperties<'a> = "list_properties" (tenant: Uuid, after_name: &'a str, after_id: RowId, most: i64);

    /// Properties without a name.
    CountUnplacedProperties = "count_unplaced_properties" (tenant: Uuid, most: i64);

    /// Stores a property.
    InsertProperty<'a> = "insert_property" (
        tenant: Uuid, id: PropertyId, name: &'a str, time_zone: &'a str, max_guests: i32,
        hold_policy: &'static str, hold_hours: i32,
    ) with (Rules, Stamp);

    /// Locks a property against other changes of it.
    LockPropertyRow = "lock_property_row" (tenant: Uuid, id: PropertyId);

    /// Changes a property.
    UpdateProperty<'a> = "update_property" (
        tenant: Uuid, id: PropertyId, name: Option<&'a str>, time_zone: Option<&'a str>,
        max_guests: Option<i32>, hold_policy: Option<&'static str>, hold_hours: Option<i32>,
        sets_rules: bool,
    ) with (Rules, Stamp);

    /// The stays of other guests next to one, as far as they may be too close.
    ReadNeighbours = "read_neighbours" (
        tenant: Uuid, property: PropertyId, guest: Option<GuestId>, check_in: Date, check_out: Date, days: i32,
    );

    /// Locks a property for those who change what its dates are taken by.
    LockProperty = "lock_property" (tenant: Uuid, row: RowId);
}

impl Store {
    /// Properties by name, after a place: one more than the page has, and its size.
    pub async fn list_properties(
        &self,
        tenant: TenantId,
        after: &After<String>,
        size: i64,
    ) -> Result<(Vec<Property>, i64), Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let most = size + 1;
            let list = ListProperties { tenant, after_name: &after.key, after_id: after.id, most };
            let (rows, size) = schema.db.run_page(tenant, &list, size).await?;
            Ok((Columns::all(&rows, property)?, size))
        })
        .await
    }

    /// How many properties have no place in a list by name, since they have none.
    pub async fn count_unplaced_properties(&self, tenant: TenantId) -> Result<usize, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            if !schema.found.may_be_null("properties", "name") {
                return Ok(0);
            }
            counted(&schema.db.run(tenant, &CountUnplacedProperties { tenant, most: MOST_UNPLACED }).await?)
        })
        .await
    }

    pub async fn get_property(&self, tenant: TenantId, id: PropertyId) -> Result<Option<Property>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            Columns::first(&schema.db.run(tenant, &GetProperty { tenant, id }).await?, property)
        })
        .await
    }
}

impl Change {
    /// A property as it is now.
    pub async fn get_property(&self, id: PropertyId) -> Result<Option<Property>, Fault> {
        Columns::first(&self.tx.run(&GetProperty { tenant: self.tenant(), id }).await?, property)
    }

    /// What a property asks of a stay now.
    pub async fn get_terms(&self, id: PropertyId) -> Result<Option<Terms>, Fault> {
        let found = self.tx.run(&GetProperty { tenant: self.tenant(), id }).await?;
        Ok(Columns::first(&found, asking_property)?.map(|property| property.terms()))
    }

    /// What keeps a stay from being booked, whatever the rules of its property are.
    pub fn too_long(&self, stay: Stay) -> Option<Broken> {
        self.schema.found.too_long(stay)
    }

    /// In the single-table layout, waits for others who change what the dates are
    /// taken by of the property that a row is of.
    pub async fn lock_property_of(&self, row: RowId) -> Result<(), Fault> {
        if self.layout().request_is_its_booking() {
            self.tx.run(&LockProperty { tenant: self.tenant(), row }).await?;
        }
        Ok(())
    }

    /// The stays of other guests next to one, as far as they may be closer than this
    /// many days.
    pub async fn neighbours(
        &self,
        property: PropertyId,
        guest: Option<GuestId>,
        stay: Stay,
        days: i32,
    ) -> Result<Neighbours, Fault> {
        neighbours(&self.tx.run(&read_neighbours(self.tenant(), property, guest, stay, days)).await?)
    }

    /// Stores a property.
    pub async fn insert_property(self, new: &NewProperty) -> Result<Finished<Property>, Fault> {
        let NewProperty { id, name, time_zone, max_guests, hold_policy, hold_hours, rules } = new;
        let insert = InsertProperty {
            tenant: self.tenant(),
            id: *id,
            name,
            time_zone,
            max_guests: *max_guests,
            hold_policy: hold_policy.name(),
            hold_hours: *hold_hours,
            with: (rules.into(), self.stamp()),
        };
        let stored = self.finish(&insert, |rows| Columns::first(rows, property)).await?;
        stored.ok_or_else(|| lost_row("the property"))
    }

    /// Locks a property against other changes of it; bookings of it go on.
    pub async fn lock_property(&self, id: PropertyId) -> Result<Option<Property>, Fault> {
        Columns::first(&self.tx.run(&LockPropertyRow { tenant: self.tenant(), id }).await?, property)
    }

    /// The same, to change it.
    pub async fn lock_changed_property(&mut self, id: PropertyId) -> Result<Option<Property>, Fault> {
        let locked = self.lock_property(id).await?;
        if let Some(property) = &locked {
            self.comes_after(property.updated_at);
        }
        Ok(locked)
    }

    /// Changes a property; `None` when there is none.
    pub async fn update_property(
        self,
        id: PropertyId,
        update: &PropertyUpdate,
    ) -> Result<Option<Finished<Property>>, Fault> {
        let PropertyUpdate { name, time_zone, max_guests, hold_policy, hold_hours, rules } = update;
        let none = StayRules::default();
        let update = UpdateProperty {
            tenant: self.tenant(),
            id,
            name: name.as_deref(),
            time_zone: time_zone.as_deref(),
            max_guests: *max_guests,
            hold_policy: hold_policy.map(HoldPolicy::name),
            hold_hours: *hold_hours,
            sets_rules: rules.is_some(),
            with: (rules.as_ref().unwrap_or(&none).into(), self.stamp()),
        };
        self.finish(&update, |rows| Columns::first(rows, property)).await
    }
}

pub(super) fn property(row: &mut Columns<'_>) -> Result<Property, Fault> {
    Ok(Property {
        id: row.next("id")?,
        name: row.or_empty("name")?,
        time_zone: row.or_empty("time_zone")?,
        max_guests: count(row, "max_guests")?,
        // Nothing is held under a word that nobody knows.
        hold_policy: word(row, "hold_policy", HoldPolicy::from_name)?.unwrap_or(HoldPolicy::None),
        hold_hours: count(row, "hold_hours")?,
        rules: stay_rules(row)?,
        row_version: row.or_empty("row_version")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

/// A property that a stay is held against. A rule whose column somebody altered is not
/// taken for none.
pub(super) fn asking_property(row: &mut Columns<'_>) -> Result<Property, Fault> {
    let read = property(row)?;
    row.decided_by(&TERMS)?;
    Ok(read)
}

/// So many days can be counted back from each day that a statement is asked about.
const MOST_TURNOVER: i32 = 1_700_000;

/// The statement that reads the neighbours of a stay.
pub(super) fn read_neighbours(
    tenant: Uuid,
    property: PropertyId,
    guest: Option<GuestId>,
    stay: Stay,
    days: i32,
) -> ReadNeighbours {
    let Stay { check_in, check_out } = stay.askable();
    let days = days.clamp(0, MOST_TURNOVER);
    ReadNeighbours { tenant, property, guest, check_in, check_out, days }
}

/// What it gives.
pub(super) fn neighbours(rows: &[Row]) -> Result<Neighbours, Fault> {
    let found = Columns::first(rows, |row| {
        Ok(Neighbours { before: row.next("before")?, after: row.next("after")? })
    })?;
    Ok(found.unwrap_or_default())
}

/// What a stay is held against, read after the request that is for it; `None` when the
/// property is not there.
pub(super) fn terms(row: &mut Columns<'_>) -> Result<Option<Terms>, Fault> {
    let there: bool = row.next("has_property")?;
    let max_guests = count(row, "max_guests")?;
    let time_zone: String = row.or_empty("time_zone")?;
    let rules = stay_rules(row)?;
    row.decided_by(&TERMS)?;
    row.decided_by(&["guest_count"])?;
    Ok(there.then_some(Terms { max_guests, time_zone, rules }))
}

/// Lists by day begin with Monday, whose number is 1; other programs may have stored
/// shorter ones.
fn stay_rules(row: &mut Columns<'_>) -> Result<StayRules, Fault> {
    let (min_nights, max_nights) = (row.or_empty("min_nights")?, row.or_empty("max_nights")?);
    let min_by_day = numbers(row, "min_nights_by_arrival")?;
    let max_by_day = numbers(row, "max_nights_by_arrival")?;
    let no_arrival = numbers(row, "closed_to_arrival")?;
    let no_departure = numbers(row, "closed_to_departure")?;
    let nights = |by_day: &[i32], place: usize| by_day.get(place).copied().filter(|nights| *nights > 0);
    let mut days = [DayRules::default(); 7];
    for ((place, number), day) in (1..=7).enumerate().zip(&mut days) {
        *day = DayRules {
            min_nights: nights(&min_by_day, place),
            max_nights: nights(&max_by_day, place),
            closed_to_arrival: no_arrival.contains(&number),
            closed_to_departure: no_departure.contains(&number),
        };
    }
    Ok(StayRules {
        min_nights,
        max_nights,
        days,
        lead_days: a_number_of_days(row, "lead_days")?,
        horizon_days: a_number_of_days(row, "horizon_days")?,
        turnover_days: a_number_of_days(row, "turnover_days")?,
    })
}

/// More days than there are between two that we can name mean what these mean, and can
/// be counted.
const ALL_DAYS: i32 = 3_660_000;

fn a_number_of_days(row: &mut Columns<'_>, name: &str) -> Result<Option<i32>, Fault> {
    let stored: Option<i32> = row.or_empty(name)?;
    Ok(stored.map(|days| days.clamp(-ALL_DAYS, ALL_DAYS)))
}

fn numbers(row: &mut Columns<'_>, name: &str) -> Result<Vec<i32>, Fault> {
    let stored: Vec<Option<i32>> = row.or_empty(name)?;
    Ok(stored.into_iter().map(Option::unwrap_or_default).collect())
}

impl From<&StayRules> for Rules {
    fn from(rules: &StayRules) -> Self {
        Self {
            min_nights: rules.min_nights,
            max_nights: rules.max_nights,
            min_by_day: by_day(rules, |day| day.min_nights),
            max_by_day: by_day(rules, |day| day.max_nights),
            closed_to_arrival: closed(rules, |day| day.closed_to_arrival),
            closed_to_departure: closed(rules, |day| day.closed_to_departure),
            lead_days: rules.lead_days,
            horizon_days: rules.horizon_days,
            turnover_days: rules.turnover_days,
        }
    }
}

fn by_day(rules: &StayRules, nights: impl Fn(&DayRules) -> Option<i32>) -> Option<Vec<i32>> {
    let list: Vec<i32> = rules.days.iter().map(|day| nights(day).unwrap_or_default()).collect();
    list.iter().any(|nights| *nights > 0).then_some(list)
}

fn closed(rules: &StayRules, is_closed: impl Fn(&DayRules) -> bool) -> Option<Vec<i32>> {
    let list: Vec<i32> =
        (1..).zip(&rules.days).filter(|(_, day)| is_closed(day)).map(|(day, _)| day).collect();
    (!list.is_empty()).then_some(list)
}
