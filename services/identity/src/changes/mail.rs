//! Letters: written in the transaction of the change that they tell of, so that there is one
//! without the other never; sent afterwards, by a task.

use boot::Wake;
use jiff::Timestamp;

use crate::config::MailPolicy;
use crate::credential::sealed_mail::MailSealer;
use crate::domain::ids::{MailId, TenantId};
use crate::domain::mail::{Language, Letter};
use crate::error::{Error, Reason, Refusal};
use crate::store::{Change, NewMail, Store};

/// Where letters are put.
#[derive(Debug, Clone)]
pub struct Post {
    sealer: MailSealer,
    /// Lets the task send them now. A process that is not woken sends them soon.
    sends: Wake,
}

impl Post {
    /// The post of a deployment, with the task that sends.
    pub fn new(sealer: MailSealer, sends: Wake) -> Self {
        Self { sealer, sends }
    }

    /// Puts a letter into the outbox.
    pub async fn write(
        &self,
        change: &Change,
        recipient: &str,
        letter: &Letter<'_>,
        language: Language,
    ) -> Result<(), Error> {
        let expires_at = letter.life().map(|life| change.at() + life);
        self.put(change, recipient, letter, language, expires_at, None).await
    }

    /// Puts a letter of a tenant into the outbox, which waits while the tenant is closed, and
    /// whose link works until then.
    pub async fn write_of_tenant(
        &self,
        change: &Change,
        (tenant, until): (TenantId, Timestamp),
        recipient: &str,
        letter: &Letter<'_>,
        language: Language,
    ) -> Result<(), Error> {
        self.put(change, recipient, letter, language, Some(until), Some(tenant)).await
    }

    async fn put(
        &self,
        change: &Change,
        recipient: &str,
        letter: &Letter<'_>,
        language: Language,
        expires_at: Option<Timestamp>,
        of_tenant: Option<TenantId>,
    ) -> Result<(), Error> {
        let id = MailId(Change::new_id());
        let sealed = self.sealer.seal(id, &letter.render(language)).map_err(Error::MailNotSealed)?;
        let letter = NewMail { id, kind: letter.kind(), recipient, sealed: &sealed, expires_at, of_tenant };
        Ok(change.insert_mail(&letter).await?)
    }

    /// Seals a letter that is written to nobody, which takes as long.
    pub fn pretend(&self, letter: &Letter<'_>, language: Language) -> Result<(), Error> {
        let id = MailId(Change::new_id());
        self.sealer.seal(id, &letter.render(language)).map(drop).map_err(Error::MailNotSealed)
    }

    /// Sends what has been written.
    pub fn send(&self) {
        self.sends.wake();
    }
}

/// How letters are sent; refused where nobody takes any.
pub fn mail(store: &Store) -> Result<&MailPolicy, Error> {
    store.policy().mail.as_ref().ok_or_else(|| {
        Refusal::new(
            Reason::MailNotSetUp,
            "This deployment sends no mail, so the link would reach nobody. Nothing was stored. Whoever runs it sets MAIL_SENDER, MAIL_FROM and PUBLIC_URL.",
        )
        .into()
    })
}
