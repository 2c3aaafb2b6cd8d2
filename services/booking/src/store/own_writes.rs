//! The rows that this process has written and nobody has judged since. What other
//! programs write is noted by triggers in the database; that would cost each change of
//! ours a row. So ours are noted here, where they cost nothing: a list of this process
//! shows what they contradict at once, its next check of noted rows keeps that for the
//! others. What is forgotten, because newer rows take the room or the process ends, is
//! found by the walk through all rows.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::domain::ids::RowId;

/// Most rows that are noted of a tenant, the last ones.
const MOST: usize = 200;
/// Most tenants of which rows are noted.
const TENANTS: usize = 1_000;

/// Rows that were written, by tenant, in their order.
#[derive(Debug, Clone, Default)]
pub struct OwnWrites(Arc<Mutex<HashMap<Uuid, VecDeque<RowId>>>>);

impl OwnWrites {
    /// Notes rows, as far as there is room.
    pub fn note(&self, tenant: Uuid, rows: &[RowId]) {
        let mut noted = self.lock();
        if rows.is_empty() || noted.len() >= TENANTS && !noted.contains_key(&tenant) {
            return;
        }
        let of_tenant = noted.entry(tenant).or_default();
        of_tenant.extend(rows);
        let too_many = of_tenant.len().saturating_sub(MOST);
        of_tenant.drain(..too_many);
    }

    /// Tenants of which rows are noted, in their order, those after this one first.
    pub fn tenants(&self, after: Uuid) -> Vec<Uuid> {
        let mut tenants: Vec<Uuid> = self.lock().keys().copied().collect();
        tenants.sort_unstable_by_key(|tenant| (*tenant <= after, *tenant));
        tenants
    }

    /// The first rows of a tenant.
    pub fn first(&self, tenant: Uuid, most: usize) -> Vec<RowId> {
        self.lock().get(&tenant).into_iter().flatten().take(most).copied().collect()
    }

    /// The last rows of a tenant.
    pub fn last(&self, tenant: Uuid, most: usize) -> Vec<RowId> {
        self.lock().get(&tenant).into_iter().flat_map(|rows| rows.iter().rev()).take(most).copied().collect()
    }

    /// Forgets rows of a tenant that have been judged. One that has been written
    /// again since was noted again, and stays so.
    pub fn forget(&self, tenant: Uuid, judged: &[RowId]) {
        let mut noted = self.lock();
        let Some(left) = noted.get_mut(&tenant) else { return };
        for row in judged {
            if let Some(place) = left.iter().position(|one| one == row) {
                left.remove(place);
            }
        }
        if left.is_empty() {
            noted.remove(&tenant);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, VecDeque<RowId>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: usize) -> RowId {
        RowId(Uuid::from_u128(u128::try_from(n).unwrap()))
    }

    #[test]
    fn rows_are_noted_in_their_order_until_they_are_judged() {
        let (own, tenant, other) = (OwnWrites::default(), Uuid::from_u128(1), Uuid::from_u128(2));
        own.note(tenant, &[row(1), row(2)]);
        own.note(other, &[row(9)]);
        own.note(tenant, &[row(3), row(1)]);
        assert_eq!(own.first(tenant, 2), [row(1), row(2)]);
        assert_eq!(own.last(tenant, 2), [row(1), row(3)]);
        own.forget(tenant, &[row(1), row(2)]);
        own.forget(other, &[row(9), row(8)]);
        assert_eq!(own.first(tenant, 9), [row(3), row(1)], "written again");
        assert_eq!(own.tenants(Uuid::nil()), [tenant]);
    }

    #[test]
    fn tenants_take_turns() {
        let (own, of) = (OwnWrites::default(), |n: u128| Uuid::from_u128(n));
        for n in [2, 5, 3] {
            own.note(of(n), &[row(1)]);
        }
        assert_eq!(own.tenants(Uuid::nil()), [of(2), of(3), of(5)]);
        assert_eq!(own.tenants(of(2)), [of(3), of(5), of(2)]);
        assert_eq!(own.tenants(of(4)), [of(5), of(2), of(3)]);
        assert_eq!(own.tenants(of(5)), [of(2), of(3), of(5)]);
    }

    #[test]
    fn the_last_ones_have_room() {
        let (own, tenant) = (OwnWrites::default(), Uuid::from_u128(1));
        for n in 0..MOST + 7 {
            own.note(tenant, &[row(n)]);
        }
        assert_eq!(own.first(tenant, 1), [row(7)]);
        assert_eq!(own.last(tenant, 1), [row(MOST + 6)]);
        for n in 0..2 * TENANTS {
            own.note(Uuid::from_u128(u128::try_from(n + 2).unwrap()), &[row(n)]);
        }
        assert_eq!(own.tenants(Uuid::nil()).len(), TENANTS);
        own.note(tenant, &[row(1)]);
        assert_eq!(own.last(tenant, 1), [row(1)]);
    }
}
