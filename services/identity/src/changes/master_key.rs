//! The master key: compared before anything is written under it, known to the database
//! from the first start on, and replaced, with everything sealed anew.

use jiff::{SignedDuration, Timestamp};
use seal::MasterKey;

use crate::actor::Actor;
use crate::credential::factor_secret::FactorSealer;
use crate::credential::sealed_mail::MailSealer;
use crate::credential::signing_key::KeySealer;
use crate::domain::audit::AuditAction;
use crate::domain::ids::{FactorId, MailId};
use crate::domain::master_key::{MasterKeyReport, current};
use crate::domain::signing_key::{KeyState, SigningKey};
use crate::error::Error;
use crate::store::{Change, Sealed, Store};
use crate::trust::master_key::{ids, judge, opening, original, report};

/// How many values are sealed anew by one transaction.
const BATCH: i64 = 100;

/// Refuses, before something is written under it, a master key that is not the database's;
/// it stays the same until the end of the change.
pub async fn compare_in(change: &Change, sealer: &KeySealer) -> Result<(), Error> {
    let known = change.share_master_keys().await?;
    if known.is_empty() {
        return original(&change.lock_signing_keys().await?, sealer.master_key()).map(drop);
    }
    Ok(judge(sealer.master_key(), &known)?)
}

/// Lets the database know the master key that it was made with, as every start does, and
/// compares: a start under another one ends here. Returns the key of the list that the
/// database has known for longest.
pub async fn settle(store: &Store, master_key: &MasterKey) -> Result<MasterKey, Error> {
    Change::run(store, async |change| {
        if change.lock_master_keys().await?.is_empty() {
            let first = original(&change.lock_signing_keys().await?, master_key)?;
            change.insert_original_master_key(&first.id(), &first.check(), change.at()).await?;
        }
        let known = change.lock_master_keys().await?;
        judge(master_key, &known)?;
        change.use_master_key(&master_key.id()).await?;
        change.drop_master_keys(&ids(master_key)).await?;
        change.settle().await?;
        let longest =
            known.iter().find_map(|known| master_key.each().find(|key| key.is(&known.id, &known.code)));
        Ok(longest.unwrap_or_else(|| master_key.clone()))
    })
    .await
}

/// Makes the first key of the list the one that seals, seals everything anew with it, and
/// says what is left. Where the key before is `lost`, what it sealed is given up.
pub async fn rotate(
    store: &Store,
    master_key: &MasterKey,
    lost: bool,
    actor: &Actor,
    now: Timestamp,
) -> Result<MasterKeyReport, Error> {
    let sealer = KeySealer::of(master_key);
    Change::run(store, async |change| begin(change, &sealer, lost, actor).await).await?;
    let mut resealed = 0;
    let mut after = Some(String::new());
    while let Some(from) = after {
        let (done, next) = Change::run(store, async |change| reseal(change, &sealer, &from).await).await?;
        resealed += done;
        after = next;
    }
    let secrets = FactorSealer::of(master_key);
    let mut after = Some(FactorId::default());
    while let Some(from) = after {
        let work = async |change| reseal_factors(change, &secrets, from).await;
        let (done, next) = Change::run(store, work).await?;
        resealed += done;
        after = next;
    }
    let letters = MailSealer::of(master_key);
    let mut after = Some(MailId::default());
    while let Some(from) = after {
        let work = async |change| reseal_mail(change, &letters, from).await;
        let (done, next) = Change::run(store, work).await?;
        resealed += done;
        after = next;
    }
    Ok(MasterKeyReport { resealed, ..report(store, master_key, now).await? })
}

/// The first step: from here on the first key seals.
async fn begin(change: Change, sealer: &KeySealer, lost: bool, actor: &Actor) -> Result<(), Error> {
    let master_key = sealer.master_key();
    let known = change.lock_master_keys().await?;
    let keys = change.lock_signing_keys().await?;
    let seals = current(&known).map(|key| (key.id.clone(), key.code.clone()));
    let fitting = match &seals {
        Some((id, code)) => master_key.each().any(|key| key.is(id, code)),
        None => opening(&keys, master_key).is_some(),
    };
    if !fitting && !lost {
        return match judge(master_key, &known) {
            Err(error) => Err(error.into()),
            Ok(()) => original(&keys, master_key).map(drop),
        };
    }
    if seals.is_some_and(|(id, code)| master_key.is(&id, &code)) {
        return Ok(change.settle().await?);
    }
    if known.is_empty()
        && let Some(opens) = opening(&keys, master_key)
    {
        // From before keys were known: it is older than the one that follows it.
        let before = change.at() - SignedDuration::from_secs(1);
        change.insert_original_master_key(&opens.id(), &opens.check(), before).await?;
    }
    let id = master_key.id();
    change.put_master_key(&id, &master_key.check()).await?;
    if !fitting {
        replace_lost(&change, sealer, &keys).await?;
    }
    Ok(change.finish(actor.did(AuditAction::MasterKeyRotated).about(&id)).await?)
}

/// A key that signs, in place of one that nobody can open. What was signed is believed.
async fn replace_lost(change: &Change, sealer: &KeySealer, keys: &[SigningKey]) -> Result<(), Error> {
    for key in keys.iter().filter(|key| key.state == KeyState::Standby) {
        change.revoke_signing_key(&key.kid).await?;
    }
    let key = sealer.generate(KeyState::Standby, change.at())?;
    change.insert_signing_key(&key).await?;
    change.retire_active_signing_key().await?;
    Ok(change.activate_signing_key(&key.kid).await?)
}

/// Seals some values anew; how many, and where to go on.
async fn reseal(change: Change, sealer: &KeySealer, after: &str) -> Result<(usize, Option<String>), Error> {
    let mut resealed = 0;
    let batch = change.lock_sealed_keys(after, BATCH).await?;
    for Sealed { name, value, .. } in &batch {
        if let Some(anew) = sealer.reseal(name, value)? {
            change.reseal_signing_key(name, &anew).await?;
            resealed += 1;
        }
    }
    change.settle().await?;
    Ok((resealed, batch.last().map(|last| last.name.clone())))
}

/// Seals the secrets of some factors anew. One that no key of the list opens is lost, as is
/// whatever else that key had sealed: whoever has it is reset by an operator.
async fn reseal_factors(
    change: Change,
    sealer: &FactorSealer,
    after: FactorId,
) -> Result<(usize, Option<FactorId>), Error> {
    let mut resealed = 0;
    let batch = change.lock_sealed_factors(after, BATCH).await?;
    for secret in batch.iter().filter(|secret| sealer.opens(secret)) {
        if let Some(anew) = sealer.reseal(secret)? {
            change.reseal_factor(secret.id, &anew).await?;
            resealed += 1;
        }
    }
    change.settle().await?;
    Ok((resealed, batch.last().map(|last| last.id)))
}

/// Seals some letters anew. One that no key of the list opens is lost: it is not sent, and
/// whoever waits for it asks again.
async fn reseal_mail(
    change: Change,
    sealer: &MailSealer,
    after: MailId,
) -> Result<(usize, Option<MailId>), Error> {
    let mut resealed = 0;
    let batch = change.lock_sealed_mail(after, BATCH).await?;
    for letter in batch.iter().filter(|letter| sealer.opens(letter)) {
        if let Some(anew) = sealer.reseal(letter).map_err(Error::MailNotSealed)? {
            change.reseal_mail(letter.id, &anew).await?;
            resealed += 1;
        }
    }
    change.settle().await?;
    Ok((resealed, batch.last().map(|last| last.id)))
}
