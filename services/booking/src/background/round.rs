//! Tenants one after the other, from one on, each once: a turn that goes on where the one
//! before ended keeps no tenant waiting for the others.

use access::TenantId;
use pg::Fault;
use uuid::Uuid;

/// A round.
pub struct Round {
    first: Uuid,
    after: Uuid,
    /// Whether it has gone on from the last tenant to the first.
    turned: bool,
}

impl Round {
    /// Begins with the tenant after this one.
    pub fn after(first: Uuid) -> Self {
        Self { first, after: first, turned: false }
    }

    /// The next tenant, where `next` finds the first one after another.
    pub async fn next<F>(&mut self, next: impl Fn(Uuid) -> F) -> Result<Option<TenantId>, Fault>
    where
        F: Future<Output = Result<Option<TenantId>, Fault>>,
    {
        let mut found = next(self.after).await?;
        if found.is_none() && !self.turned {
            self.turned = true;
            found = next(Uuid::nil()).await?;
        }
        let found = found.filter(|tenant| !self.turned || tenant.uuid() <= self.first);
        if let Some(tenant) = found {
            self.after = tenant.uuid();
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_round_has_each_tenant_once_wherever_it_begins() {
        let all = [3, 5, 8].map(Uuid::from_u128);
        let next = async |after: Uuid| {
            Ok(all.into_iter().find(|tenant| *tenant > after).map(TenantId::of_stored_row))
        };
        for (first, expected) in [(0, [3, 5, 8]), (3, [5, 8, 3]), (6, [8, 3, 5]), (9, [3, 5, 8])] {
            let mut round = Round::after(Uuid::from_u128(first));
            let mut seen = Vec::new();
            while let Some(tenant) = round.next(next).await.unwrap() {
                seen.push(tenant.uuid().as_u128());
            }
            assert_eq!(seen, expected, "after {first}");
        }
    }
}
