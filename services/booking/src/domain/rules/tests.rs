//! Each rule at its edge, and all of them at once.

use super::super::stay::tests::stay;
use super::*;

/// A Wednesday.
const NOW: &str = "2026-07-01T12:00:00Z";

fn terms(change: impl FnOnce(&mut Terms)) -> Terms {
    let mut terms =
        Terms { max_guests: 2, time_zone: "Europe/Berlin".to_owned(), rules: StayRules::default() };
    change(&mut terms);
    terms
}

fn broken(terms: &Terms, from: &str, to: &str, guests: i32) -> Vec<Broken> {
    terms.broken(stay(from, to), guests, NOW.parse().unwrap(), Neighbours::default())
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn a_property_without_rules_asks_for_its_guests_and_a_day_that_is_not_past() {
    let plain = terms(|_| {});
    assert_eq!(broken(&plain, "2026-07-01", "2026-07-02", 2), []);
    assert_eq!(broken(&plain, "2199-01-01", "2199-12-31", 1), []);
    assert_eq!(broken(&plain, "2026-07-01", "2026-07-02", 3), [Broken::MaxGuests(2)]);
    assert_eq!(broken(&plain, "2026-06-30", "2026-07-09", 1), [Broken::InThePast(date("2026-07-01"))]);
}

#[test]
fn the_day_is_the_propertys_own() {
    let now: Timestamp = "2026-06-30T23:30:00Z".parse().unwrap();
    for (zone, earliest, latest) in [
        ("Europe/Berlin", "2026-07-01", "2026-07-01"),
        ("America/New_York", "2026-06-30", "2026-06-30"),
        ("Nowhere/Town", "2026-06-30", "2026-07-01"),
    ] {
        assert_eq!(
            LocalDay::at(zone, now),
            LocalDay { earliest: date(earliest), latest: date(latest) },
            "{zone}"
        );
    }
}

#[test]
fn nights_are_counted_by_the_day_of_arrival() {
    let by_day = terms(|terms| {
        terms.rules.min_nights = Some(2);
        terms.rules.max_nights = Some(10);
        // Saturdays by the week.
        terms.rules.days[5].min_nights = Some(7);
        terms.rules.days[5].max_nights = Some(14);
    });
    for (from, to, expected) in [
        ("2026-07-03", "2026-07-04", Some(Broken::MinNights(2))),
        ("2026-07-03", "2026-07-05", None),
        ("2026-07-03", "2026-07-13", None),
        ("2026-07-03", "2026-07-14", Some(Broken::MaxNights(10))),
        ("2026-07-04", "2026-07-10", Some(Broken::MinNights(7))),
        ("2026-07-04", "2026-07-11", None),
        ("2026-07-04", "2026-07-18", None),
        ("2026-07-04", "2026-07-19", Some(Broken::MaxNights(14))),
    ] {
        assert_eq!(broken(&by_day, from, to, 1), Vec::from_iter(expected), "{from} {to}");
    }
}

#[test]
fn days_are_closed_to_arrival_and_to_departure() {
    let closed = terms(|terms| {
        terms.rules.days[6].closed_to_arrival = true;
        terms.rules.days[5].closed_to_departure = true;
    });
    for (from, to, expected) in [
        ("2026-07-05", "2026-07-06", Some(Broken::ClosedToArrival(Weekday::Sunday))),
        ("2026-07-03", "2026-07-04", Some(Broken::ClosedToDeparture(Weekday::Saturday))),
        ("2026-07-04", "2026-07-05", None),
    ] {
        assert_eq!(broken(&closed, from, to, 1), Vec::from_iter(expected), "{from} {to}");
    }
}

#[test]
fn arrivals_are_neither_too_soon_nor_too_far_ahead() {
    let window = terms(|terms| {
        terms.rules.lead_days = Some(2);
        terms.rules.horizon_days = Some(30);
    });
    let (first, last) = (date("2026-07-03"), date("2026-07-31"));
    for (from, to, expected) in [
        ("2026-07-02", "2026-07-04", Some(Broken::LeadDays { days: 2, first })),
        ("2026-07-03", "2026-07-04", None),
        ("2026-07-31", "2026-08-04", None),
        ("2026-08-01", "2026-08-04", Some(Broken::HorizonDays { days: 30, last })),
    ] {
        assert_eq!(broken(&window, from, to, 1), Vec::from_iter(expected), "{from} {to}");
    }
}

#[test]
fn nights_between_two_stays_stay_empty() {
    let gap = terms(|terms| terms.rules.turnover_days = Some(2));
    let asked = stay("2026-07-10", "2026-07-12");
    for (before, after, breaks) in [
        (None, None, false),
        (Some("2026-07-08"), None, false),
        (Some("2026-07-09"), None, true),
        (Some("2026-07-10"), None, true),
        (None, Some("2026-07-14"), false),
        (None, Some("2026-07-13"), true),
    ] {
        let near = Neighbours { before: before.map(date), after: after.map(date) };
        let found = gap.broken(asked, 1, NOW.parse().unwrap(), near);
        let expected = breaks.then_some(Broken::TurnoverDays { days: 2 });
        assert_eq!(found, Vec::from_iter(expected), "{before:?} {after:?}");
    }
}

#[test]
fn all_that_is_broken_is_said_at_once_and_names_its_field() {
    let all = terms(|terms| {
        terms.rules.min_nights = Some(3);
        terms.rules.lead_days = Some(1);
        terms.rules.days[1].closed_to_arrival = true;
        terms.rules.days[2].closed_to_departure = true;
    });
    let found = broken(&all, "2026-06-30", "2026-07-01", 100);
    let named: Vec<_> = found.iter().map(|one| (one.name(), one.field(), one.value())).collect();
    let expected = [
        ("max_guests", "guest_count", "2"),
        ("not_in_the_past", "check_in", "2026-07-01"),
        ("min_nights", "check_out", "3"),
        ("closed_to_arrival", "check_in", "tuesday"),
        ("closed_to_departure", "check_out", "wednesday"),
        ("lead_days", "check_in", "1"),
    ];
    assert_eq!(named, expected.map(|(name, field, value)| (name, field, value.to_owned())));
    assert!(found.iter().all(|one| !one.takes().is_empty()));
}
