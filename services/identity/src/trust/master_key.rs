//! Whether a master key is the one that a database was made with, and what in it is of
//! which key. What follows from that is decided in `domain/master_key.rs`.

use jiff::Timestamp;
use seal::MasterKey;

use super::keyring::published;
use crate::credential::factor_secret::FactorSealer;
use crate::credential::sealed_mail::MailSealer;
use crate::credential::signing_key::KeySealer;
use crate::domain::ids::{FactorId, MailId};
use crate::domain::master_key::{
    DoesNotFit, KnownMasterKey, MasterKeyPart, MasterKeyReport, MasterKeyState, SAYS_SO, current, fits,
    is_in_use,
};
use crate::domain::signing_key::{KeyState, SigningKey};
use crate::error::Error;
use crate::store::{Sealed, Store};

/// How many sealed values are read at once.
const BATCH: i64 = 100;

/// Refuses a master key that is not the database's; writes nothing.
pub async fn compare(store: &Store, master_key: &MasterKey, now: Timestamp) -> Result<(), Error> {
    let known = store.list_master_keys().await?;
    if known.is_empty() {
        return original(&published(store, now).await?, master_key).map(drop);
    }
    Ok(judge(master_key, &known)?)
}

/// What is of which key; writes nothing.
pub async fn report(store: &Store, master_key: &MasterKey, now: Timestamp) -> Result<MasterKeyReport, Error> {
    let known = store.list_master_keys().await?;
    let each: Vec<(MasterKey, KeySealer)> =
        master_key.each().map(|key| (key.clone(), KeySealer::of(&key))).collect();
    let mut sealed = vec![0; each.len()];
    let (mut lost, mut after) = (0, String::new());
    loop {
        let batch = store.list_sealed_keys(&after, BATCH).await?;
        for Sealed { name, value, is_needed } in &batch {
            match each.iter().position(|(_, sealer)| sealer.opens(name, value)) {
                Some(at) => sealed[at] += 1,
                None => lost += usize::from(*is_needed),
            }
        }
        match batch.last() {
            Some(sealed) => after.clone_from(&sealed.name),
            None => break,
        }
    }
    count_factors(store, &each, (&mut sealed, &mut lost)).await?;
    count_letters(store, &each, (&mut sealed, &mut lost)).await?;
    let mut keys = Vec::new();
    for ((key, _), sealed) in each.iter().zip(sealed) {
        keys.push(state(store, key.id(), sealed, true, &known, now).await?);
    }
    for key in known.iter().filter(|key| !each.iter().any(|(listed, _)| listed.id() == key.id)) {
        keys.push(state(store, key.id.clone(), 0, false, &known, now).await?);
    }
    Ok(MasterKeyReport { keys, lost, resealed: 0 })
}

/// Counts the secrets of factors with the keys that open them.
async fn count_factors(
    store: &Store,
    each: &[(MasterKey, KeySealer)],
    (sealed, lost): (&mut [usize], &mut usize),
) -> Result<(), Error> {
    let openers: Vec<FactorSealer> = each.iter().map(|(key, _)| FactorSealer::of(key)).collect();
    let mut after = FactorId::default();
    loop {
        let batch = store.list_sealed_factors(after, BATCH).await?;
        for secret in batch.iter().filter(|secret| !secret.is_given_up()) {
            match openers.iter().position(|opener| opener.opens(secret)) {
                Some(at) => sealed[at] += 1,
                None => *lost += 1,
            }
        }
        match batch.last() {
            Some(latest) => after = latest.id,
            None => return Ok(()),
        }
    }
}

/// Counts letters with the keys that open them.
async fn count_letters(
    store: &Store,
    each: &[(MasterKey, KeySealer)],
    (sealed, lost): (&mut [usize], &mut usize),
) -> Result<(), Error> {
    let openers: Vec<MailSealer> = each.iter().map(|(key, _)| MailSealer::of(key)).collect();
    let mut after = MailId::default();
    loop {
        let batch = store.list_sealed_mail(after, BATCH).await?;
        for letter in &batch {
            match openers.iter().position(|opener| opener.opens(letter)) {
                Some(at) => sealed[at] += 1,
                None => *lost += usize::from(letter.is_needed),
            }
        }
        match batch.last() {
            Some(letter) => after = letter.id,
            None => return Ok(()),
        }
    }
}

async fn state(
    store: &Store,
    id: String,
    sealed: usize,
    listed: bool,
    known: &[KnownMasterKey],
    now: Timestamp,
) -> Result<MasterKeyState, Error> {
    let seals = current(known);
    let Some(key) = known.iter().find(|key| key.id == id) else {
        let part = MasterKeyPart::New;
        let state = MasterKeyState {
            id,
            part,
            listed,
            sealed,
            used_at: None,
            in_use: false,
            sessions: 0,
            sessions_end_at: None,
        };
        return Ok(state);
    };
    let used_at = key.used_at;
    let (part, (sessions, sessions_end_at)) = match seals {
        Some(seals) if seals.id != id => {
            // After it said so last it went on for a while; a version that does not say what it
            // uses, until the other key was there.
            let before = used_at.map_or(seals.rotated_at, |at| at + SAYS_SO);
            (MasterKeyPart::Opens, store.count_sessions_of_before(before, now).await?)
        }
        _ => (MasterKeyPart::Seals, (0, None)),
    };
    let in_use = is_in_use(key, now);
    Ok(MasterKeyState { id, part, listed, sealed, used_at, in_use, sessions, sessions_end_at })
}

/// Whether something may be written under a list of keys.
pub fn judge(master_key: &MasterKey, known: &[KnownMasterKey]) -> Result<(), DoesNotFit> {
    let named = |key: MasterKey| {
        let id = key.id();
        let same = known.iter().find(|known| known.id == id);
        // A key that has a name and not its code is another one.
        if same.is_none_or(|known| key.is(&id, &known.code)) { id } else { format!("another {id}") }
    };
    fits(&master_key.each().map(named).collect::<Vec<_>>(), known)
}

/// The key of the list that a database was made with which knows none: the first one, unless
/// that does not open the key that signs.
pub fn original(keys: &[SigningKey], master_key: &MasterKey) -> Result<MasterKey, Error> {
    match opening(keys, master_key) {
        Some(opens) if opens.id() == master_key.id() => Ok(opens),
        Some(_) => Err(DoesNotFit::New { first: master_key.id() }.into()),
        None => {
            let (current, listed) = ("of another name".to_owned(), ids(master_key).join(", "));
            Err(DoesNotFit::Other { current, listed }.into())
        }
    }
}

/// The key of the list that opens the key that signs; the first one where none does yet.
pub fn opening(keys: &[SigningKey], master_key: &MasterKey) -> Option<MasterKey> {
    let active = keys.iter().find(|key| key.state == KeyState::Active);
    let mut each = master_key.each();
    each.find(|key| active.is_none_or(|active| KeySealer::of(key).open(active).is_ok()))
}

/// The names of the keys of a list.
pub fn ids(master_key: &MasterKey) -> Vec<String> {
    master_key.each().map(|key| key.id()).collect()
}
