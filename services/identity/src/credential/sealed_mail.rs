//! Letters as they are stored: sealed, because a link in one is as good as a password.

use seal::{MasterKey, SealError, SealingKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::delivery::SealedMail;
use crate::domain::ids::MailId;
use crate::domain::mail::Mail;

/// Seals letters and opens them.
#[derive(Debug, Clone)]
pub struct MailSealer(SealingKey);

/// What of a letter is sealed.
#[derive(Serialize, Deserialize)]
struct Content {
    subject: String,
    text: String,
    html: String,
}

impl MailSealer {
    /// That of a deployment.
    pub fn of(master_key: &MasterKey) -> Self {
        Self(master_key.sealing_key("frontdesk seal mail v1"))
    }

    /// Seals a letter under its id.
    pub fn seal(&self, id: MailId, mail: &Mail) -> Result<Vec<u8>, SealError> {
        let Mail { subject, text, html } = mail.clone();
        let content = serde_json::to_vec(&Content { subject, text, html });
        let content = Zeroizing::new(content.map_err(|_| SealError::Cipher)?);
        self.0.seal(&id.to_string(), &content)
    }

    /// A letter sealed anew with the key that seals now; nothing if it is already.
    pub fn reseal(&self, letter: &SealedMail) -> Result<Option<Vec<u8>>, SealError> {
        self.0.reseal(&letter.id.to_string(), &letter.sealed)
    }

    /// Whether a letter is of a key of these.
    pub fn opens(&self, letter: &SealedMail) -> bool {
        self.0.open(&letter.id.to_string(), &letter.sealed).is_ok()
    }

    /// Opens the letter with this id.
    pub fn open(&self, id: MailId, sealed: &[u8]) -> Result<Mail, SealError> {
        let content = self.0.open(&id.to_string(), sealed)?;
        let Content { subject, text, html } =
            serde_json::from_slice(&content).map_err(|_| SealError::NotOurs)?;
        Ok(Mail { subject, text, html })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_letter_is_opened_under_its_id_and_its_master_key_alone() {
        let [ours, other] =
            ["ab", "cd"].map(|byte| MailSealer::of(&MasterKey::from_text(&byte.repeat(32)).unwrap()));
        let mail = Mail { subject: "S".into(), text: "secret link".into(), html: "<p>".into() };
        let (id, wrong) = (MailId(Uuid::from_u128(1)), MailId(Uuid::from_u128(2)));
        let sealed = ours.seal(id, &mail).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_eq!(ours.open(id, &sealed), Ok(mail));
        assert_eq!(ours.open(wrong, &sealed), Err(SealError::NotOurs));
        assert_eq!(other.open(id, &sealed), Err(SealError::NotOurs));
    }
}
