//! The master key: compared before anything is written under it, known to the database
//! from the first start on, and replaced, with everything sealed anew.

use jiff::{SignedDuration, Timestamp};
use pg::Kind;
use seal::MasterKey;
use uuid::Uuid;

use crate::actor::Actor;
use crate::credential::factor_secret::FactorSealer;
use crate::credential::sealed_mail::MailSealer;
use crate::credential::signing_key::KeySealer;
use crate::domain::audit::AuditAction;
use crate::domain::ids::{FactorId, MailId};
use crate::domain::master_key::{
    DoesNotFit, KnownMasterKey, MasterKeyReport, SAYS_SO, current, is_everywhere, is_lost, leaving,
    left_before, seals_nowhere,
};
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

/// Lets the database know the master key that it was made with, and which list this process
/// has, as every start does, and compares: a start under another one ends here, and so does one
/// whose list lacks a key that something is sealed with, or that somebody still seals with.
/// Returns the key of the list that the database has known for longest.
pub async fn settle(
    store: &Store,
    master_key: &MasterKey,
    process: Uuid,
    now: Timestamp,
) -> Result<MasterKey, Error> {
    let (listed, known) = (ids(master_key), store.list_master_keys().await?);
    let mut gone = Vec::new();
    if !known.is_empty() {
        judge(master_key, &known)?;
        gone = leaving(&listed, &known);
    }
    if !gone.is_empty() {
        let values = report(store, master_key, now).await?.lost;
        if values > 0 {
            let before = left_before(&listed, &known).join(", ");
            let (listed, gone) = (listed.join(", "), gone.join(", "));
            return Err(DoesNotFit::Needed { values, listed, gone, before }.into());
        }
    }
    match write(store, master_key, &listed, process).await {
        Err(Error::Database(fault))
            if *fault.kind() == Kind::ReadOnly && !known.is_empty() && gone.is_empty() =>
        {
            tracing::warn!("the database takes no changes; nothing was to be written at this start");
            Ok(longest_known(&known, master_key))
        }
        written => written,
    }
}

async fn write(
    store: &Store,
    master_key: &MasterKey,
    listed: &[String],
    process: Uuid,
) -> Result<MasterKey, Error> {
    Change::run(store, async |change| {
        if change.lock_master_keys().await?.is_empty() {
            let first = original(&change.lock_signing_keys().await?, master_key)?;
            change.insert_original_master_key(&first.id(), &first.check(), change.at()).await?;
        }
        let known = change.lock_master_keys().await?;
        judge(master_key, &known)?;
        let said = change.list_master_key_lists(change.at() - SAYS_SO).await?;
        seals_nowhere(listed, &leaving(listed, &known), &said)?;
        change.use_master_key(&master_key.id()).await?;
        change.put_master_key_list(process, listed).await?;
        change.drop_master_keys(listed).await?;
        change.settle().await?;
        Ok(longest_known(&known, master_key))
    })
    .await
}

fn longest_known(known: &[KnownMasterKey], master_key: &MasterKey) -> MasterKey {
    let longest = known.iter().find_map(|known| master_key.each().find(|key| key.is(&known.id, &known.code)));
    longest.unwrap_or_else(|| master_key.clone())
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
    if lost {
        check_lost(store, master_key, now).await?;
    }
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
        let work = async |change| reseal_factors(change, &secrets, from, lost).await;
        let (done, next) = Change::run(store, work).await?;
        resealed += done;
        after = next;
    }
    let letters = MailSealer::of(master_key);
    let mut after = Some(MailId::default());
    while let Some(from) = after {
        let work = async |change| reseal_mail(change, &letters, from, lost).await;
        let (done, next) = Change::run(store, work).await?;
        resealed += done;
        after = next;
    }
    Ok(MasterKeyReport { resealed, ..report(store, master_key, now).await? })
}

/// Refuses to give up what is not lost.
async fn check_lost(store: &Store, master_key: &MasterKey, now: Timestamp) -> Result<(), Error> {
    let known = store.list_master_keys().await?;
    let has_current =
        current(&known).is_none_or(|key| master_key.each().any(|one| one.is(&key.id, &key.code)));
    if has_current && report(store, master_key, now).await?.lost == 0 {
        return Err(DoesNotFit::NotLost.into());
    }
    Ok(())
}

/// The first step: from here on the first key seals.
async fn begin(change: Change, sealer: &KeySealer, lost: bool, actor: &Actor) -> Result<(), Error> {
    let master_key = sealer.master_key();
    let known = change.lock_master_keys().await?;
    let keys = change.lock_signing_keys().await?;
    let opens = opening(&keys, master_key);
    let seals = current(&known).map(|key| (key.id.clone(), key.code.clone()));
    let fitting = match &seals {
        Some((id, code)) => master_key.each().any(|key| key.is(id, code)),
        None => opens.is_some(),
    };
    if !fitting && !lost {
        return match judge(master_key, &known) {
            Err(error) => Err(error.into()),
            Ok(()) => original(&keys, master_key).map(drop),
        };
    }
    let said = change.list_master_key_lists(change.at() - SAYS_SO).await?;
    if lost {
        is_lost(&ids(master_key), &said)?;
    }
    let id = master_key.id();
    let is_new = seals.is_none_or(|(id, code)| !master_key.is(&id, &code));
    if is_new {
        is_everywhere(&id, &said)?;
        if let (true, Some(opens)) = (known.is_empty(), &opens) {
            // From before keys were known: it is older than the one that follows it.
            let before = change.at() - SignedDuration::from_secs(1);
            change.insert_original_master_key(&opens.id(), &opens.check(), before).await?;
        }
        change.put_master_key(&id, &master_key.check()).await?;
    }
    // Also where the rotation itself was begun before, and the key was lost since.
    if lost {
        give_up(&change, sealer, &keys).await?;
    }
    if is_new || lost {
        return Ok(change.finish(actor.did(AuditAction::MasterKeyRotated).about(&id)).await?);
    }
    Ok(change.settle().await?)
}

/// Gives up the keys that are not in the list, and the signing keys that nobody can open: in
/// place of one that signs comes another, and what was signed is believed.
async fn give_up(change: &Change, sealer: &KeySealer, keys: &[SigningKey]) -> Result<(), Error> {
    change.drop_master_keys(&ids(sealer.master_key())).await?;
    let is_lost = |key: &&SigningKey| !sealer.opens(&key.kid, &key.sealed);
    let replaces = keys.iter().filter(is_lost).any(|key| key.state == KeyState::Active);
    let standby = keys.iter().filter(|key| key.state == KeyState::Standby);
    for key in standby.filter(|key| replaces || is_lost(key)) {
        change.revoke_signing_key(&key.kid).await?;
    }
    if replaces {
        let key = sealer.generate(KeyState::Standby, change.at())?;
        change.insert_signing_key(&key).await?;
        change.retire_active_signing_key().await?;
        change.activate_signing_key(&key.kid).await?;
    }
    Ok(())
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

/// Seals the secrets of some factors anew. One that no key of the list opens stays as it is, or
/// is given up where its key is `lost`: an operator resets whoever has it.
async fn reseal_factors(
    change: Change,
    sealer: &FactorSealer,
    after: FactorId,
    lost: bool,
) -> Result<(usize, Option<FactorId>), Error> {
    let mut resealed = 0;
    let batch = change.lock_sealed_factors(after, BATCH).await?;
    for secret in &batch {
        if !sealer.opens(secret) {
            if lost {
                change.reseal_factor(secret.id, &[]).await?;
            }
        } else if let Some(anew) = sealer.reseal(secret)? {
            change.reseal_factor(secret.id, &anew).await?;
            resealed += 1;
        }
    }
    change.settle().await?;
    Ok((resealed, batch.last().map(|last| last.id)))
}

/// Seals some letters anew. One that no key of the list opens is not sent, and goes where its
/// key is `lost`: whoever waits for it asks again.
async fn reseal_mail(
    change: Change,
    sealer: &MailSealer,
    after: MailId,
    lost: bool,
) -> Result<(usize, Option<MailId>), Error> {
    let mut resealed = 0;
    let batch = change.lock_sealed_mail(after, BATCH).await?;
    for letter in &batch {
        if !sealer.opens(letter) {
            if lost {
                change.delete_mail(letter.id).await?;
            }
        } else if let Some(anew) = sealer.reseal(letter).map_err(Error::MailNotSealed)? {
            change.reseal_mail(letter.id, &anew).await?;
            resealed += 1;
        }
    }
    change.settle().await?;
    Ok((resealed, batch.last().map(|last| last.id)))
}
