//! Credentials at rest: their blobs are sealed with keys of their own, each for its own row.
//!
//! The keys are rotated by age, and what was sealed with an older one is sealed anew by and by; a key is dropped once
//! nothing is sealed with it. Who has the database alone has no seed and no secret of it.

use std::time::Duration;

use http_kit::Condition;
use kit::{Fault, Secret};

use crate::db::credentials::{self, Stored};
use crate::domain::credential::Credential;
use crate::token::keys::{Form, Sealed};
use crate::{IdentityService, db};

/// How many are sealed anew at once.
const BATCH: u32 = 200;

impl IdentityService {
    /// Brings the keys up to date with their file and the time, and seals anew what an older one sealed.
    pub(crate) async fn keep_vault(&self) -> Result<(), Fault> {
        let in_use = self.store.read(db::credentials::keys_in_use).await?;
        let (keys, now) = (self.credential_keys.clone(), self.clock.now());
        let rotation = Duration::from_secs(self.config.credential_key_rotation_secs);
        let work = move || keys.load_and_rotate_keeping(now, rotation, rotation, &in_use);
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result.map_err(|error| Fault::internal("loading the keys of credentials", error))?,
            Err(error) => return Err(Fault::internal("loading the keys of credentials", error)),
        };
        self.seal_anew().await
    }

    async fn seal_anew(&self) -> Result<(), Fault> {
        let Some(newest) = self.credential_keys.newest() else { return Ok(()) };
        let old = self.store.read(move |db| credentials::sealed_otherwise(db, newest, BATCH)).await?;
        for stored in old {
            let blob = self.open_blob(&stored)?;
            let new = self.seal_blob(&stored.id, &blob)?;
            self.write_aside(move |db| credentials::reseal(db, &stored.id, &stored.sealed, &new)).await?;
        }
        Ok(())
    }

    fn seal_blob(&self, id: &str, blob: &Secret) -> Result<Sealed, Fault> {
        self.credential_keys
            .seal_bytes(Form::Credential, id.as_bytes(), blob.expose().as_bytes().to_vec())
            .map_err(|error| Fault::internal("sealing a credential", error))
    }

    fn open_blob(&self, stored: &Stored) -> Result<Secret, Fault> {
        let plain = self.credential_keys.open_bytes(Form::Credential, stored.id.as_bytes(), &stored.sealed.bytes);
        let plain = plain.ok_or_else(|| Fault::internal("opening a credential", "no key opens it"))?;
        let text = std::str::from_utf8(&plain).map_err(|error| Fault::internal("opening a credential", error))?;
        Ok(Secret::new(text))
    }

    /// `credential` as it is stored.
    pub(crate) fn lock_away(&self, credential: &Credential) -> Result<Stored, Fault> {
        Ok(Stored {
            sealed: self.seal_blob(&credential.id, &credential.blob)?,
            id: credential.id.clone(),
            user_id: credential.user_id.clone(),
            project_id: credential.project_id.clone(),
            kind: credential.kind.clone(),
            extra: credential.extra.clone(),
        })
    }

    /// What is `stored`, in clear.
    pub(crate) fn take_out(&self, stored: Stored) -> Result<Credential, Fault> {
        Ok(Credential {
            blob: self.open_blob(&stored)?,
            id: stored.id,
            user_id: stored.user_id,
            project_id: stored.project_id,
            kind: stored.kind,
            extra: stored.extra,
        })
    }

    /// The credentials that `wanted` holds for.
    pub(crate) async fn credentials(&self, wanted: Condition) -> Result<Vec<Credential>, Fault> {
        let stored = self.store.read(move |db| credentials::list(db, &wanted)).await?;
        stored.into_iter().map(|stored| self.take_out(stored)).collect()
    }

    /// The credential `id`, if there is one.
    pub(crate) async fn find_credential(&self, id: &str) -> Result<Option<Credential>, Fault> {
        Ok(self.credentials(Condition::is("id", id)).await?.pop())
    }
}
