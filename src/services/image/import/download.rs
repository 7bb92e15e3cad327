//! `web-download`: an address's bytes into the staging area, taken up again after a restart where they stood.
//!
//! Beside the file lies the mark of what of it is on the disk; the file is cut to it before the rest is asked for.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_kit::Bytes;
use kit::Fault;
use outbound::{Download, Downloads, Mark, Piece};

use super::{Context, State};
use crate::Images;
use crate::backends::draft::sync_directory;
use crate::backends::{blocking, disk_fault};
use crate::intake;

/// How much is gathered before it is written.
const BATCH: usize = 1 << 20;
/// How much may be fetched again after a crash.
const MARK_EVERY: u64 = 64 << 20;
/// How often the task says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(1);

impl Images {
    /// What fetches for clients; made when it is first needed.
    async fn downloads(&self) -> Result<&Downloads, Fault> {
        let make = || Downloads::new(&self.config.web_download);
        let made = self.downloads.get_or_try_init(make).await;
        made.map_err(|error| Fault::internal("reading the certificates for web-download", error))
    }
}

/// Fetches `uri` into the staging area; the file's name there.
pub(super) async fn download(context: &Context, state: &State, uri: &str) -> Result<String, Fault> {
    let name = format!("{}.download", state.image_id);
    let limit = context.service.limit();
    let mut file = Partial::open(context.service.staging.path(&name)).await.map_err(disk_fault)?;
    let mark = file.mark.clone();
    context.say(state, "Downloading").await?;
    let download = context.service.downloads().await?.start(uri, mark, limit.bytes).await?;
    receive(context, state, download, &mut file).await?;
    Ok(name)
}

async fn receive(context: &Context, state: &State, mut download: Download, file: &mut Partial) -> Result<(), Fault> {
    let mut said = Instant::now();
    let (mut batch, mut length) = (Vec::new(), 0);
    loop {
        let piece = download.next().await?;
        match piece {
            Some(Piece::StartOver) => {
                (batch, length) = (Vec::new(), 0);
                file.start_over().await.map_err(disk_fault)?;
                continue;
            }
            Some(Piece::Bytes(bytes)) => {
                length += bytes.len();
                batch.push(bytes);
                if length < BATCH {
                    continue;
                }
            }
            None => {
                file.write(batch).await.map_err(disk_fault)?;
                return file.end().await.map_err(disk_fault);
            }
        }
        file.write(std::mem::take(&mut batch)).await.map_err(disk_fault)?;
        length = 0;
        file.note(download.mark()).await.map_err(disk_fault)?;
        if said.elapsed() >= SAY_EVERY {
            said = Instant::now();
            context.say(state, progress(download.mark())).await?;
        }
    }
}

/// How far it is, in words.
fn progress(mark: &Mark) -> String {
    let mebibytes = |bytes: u64| bytes >> 20;
    match mark.total {
        Some(total) if total > 0 => {
            let percent = mark.received.saturating_mul(100) / total;
            format!("Downloaded {} of {} MiB ({percent} %)", mebibytes(mark.received), mebibytes(total))
        }
        _ => format!("Downloaded {} MiB", mebibytes(mark.received)),
    }
}

/// A file that grows.
struct Partial {
    path: PathBuf,
    file: Arc<File>,
    at: u64,
    /// Where the process before this one stood.
    mark: Option<Mark>,
    noted: u64,
}

impl Partial {
    async fn open(path: PathBuf) -> io::Result<Self> {
        blocking(move || {
            let mark = read_mark(&path)?;
            let file = File::options().create(true).write(true).truncate(false).open(&path)?;
            let at = mark.as_ref().map_or(0, |mark| mark.received);
            file.set_len(at)?;
            Ok(Self { path, file: Arc::new(file), at, mark, noted: at })
        })
        .await
    }

    async fn write(&mut self, batch: Vec<Bytes>) -> io::Result<()> {
        let (file, at) = (self.file.clone(), self.at);
        self.at = blocking(move || {
            batch.iter().try_fold(at, |at, bytes| {
                intake::put(&file, at, bytes)?;
                Ok(at + bytes.len() as u64)
            })
        })
        .await?;
        Ok(())
    }

    /// Keeps `mark`, where much has come since the last one.
    async fn note(&mut self, mark: &Mark) -> io::Result<()> {
        if self.at.saturating_sub(self.noted) < MARK_EVERY || mark.received != self.at || mark.validator.is_none() {
            return Ok(());
        }
        let (file, path, at) = (self.file.clone(), mark_of(&self.path), self.at);
        let text = serde_json::to_vec(mark).map_err(io::Error::other)?;
        blocking(move || {
            file.set_len(at)?;
            file.sync_data()?;
            let draft = path.with_extension("mark-draft");
            std::fs::write(&draft, text)?;
            File::open(&draft)?.sync_all()?;
            std::fs::rename(&draft, &path)?;
            sync_directory(&path)
        })
        .await?;
        self.noted = self.at;
        kit::crash::point(super::steps::NAME, "mark", "after");
        Ok(())
    }

    async fn start_over(&mut self) -> io::Result<()> {
        let (file, path) = (self.file.clone(), mark_of(&self.path));
        (self.at, self.noted) = (0, 0);
        blocking(move || {
            crate::backends::draft::remove(&path)?;
            file.set_len(0)
        })
        .await
    }

    async fn end(&mut self) -> io::Result<()> {
        let (file, at) = (self.file.clone(), self.at);
        blocking(move || {
            file.set_len(at)?;
            file.sync_all()
        })
        .await
    }
}

fn mark_of(path: &Path) -> PathBuf {
    path.with_extension("mark")
}

/// The mark beside the file at `path`, where the file has all that it speaks of.
fn read_mark(path: &Path) -> io::Result<Option<Mark>> {
    let text = match std::fs::read(mark_of(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    Ok(serde_json::from_slice::<Mark>(&text).ok().filter(|mark| mark.received <= length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_marked_is_there_after_a_crash() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("i.download");
        let mut file = Partial::open(path.clone()).await.unwrap();
        let much = Bytes::from(vec![7; MARK_EVERY as usize]);
        file.write(vec![much.clone()]).await.unwrap();
        let mark = Mark { received: MARK_EVERY, validator: Some("v".to_owned()), total: Some(MARK_EVERY * 2) };
        file.note(&mark).await.unwrap();
        file.write(vec![Bytes::from_static(b"lost")]).await.unwrap();
        drop(file);
        let mut file = Partial::open(path.clone()).await.unwrap();
        assert_eq!(file.mark, Some(mark.clone()));
        file.write(vec![Bytes::from_static(b"end")]).await.unwrap();
        file.end().await.unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.len() as u64 == MARK_EVERY + 3 && bytes.ends_with(b"\x07end"));
        file.start_over().await.unwrap();
        drop(file);
        assert_eq!(Partial::open(path).await.unwrap().mark, None);
    }

    #[test]
    fn progress_is_told_in_words() {
        let mark = Mark { received: 5 << 20, validator: None, total: Some(20 << 20) };
        assert_eq!(progress(&mark), "Downloaded 5 of 20 MiB (25 %)");
        assert_eq!(progress(&Mark { total: None, ..mark }), "Downloaded 5 MiB");
    }
}
