//! Bytes from publishers: small texts whole, images into files that can be carried on with after anything.

use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::Context;
use outbound::{Download, Downloads, Guard, Limits, Mark, Piece, SystemResolver};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use super::sums::Sum;
use crate::cli::output::Output;
use crate::cli::problem::{Problem, Result};
use crate::cli::progress::Progress;

/// The largest text.
const SMALL: u64 = 4 << 20;
/// The largest image.
const LARGE: u64 = 1 << 40;
/// How many bytes come between two notes of how far it is.
const NOTE: u64 = 16 << 20;
/// How much of a file is read at once.
const CHUNK: usize = 256 << 10;

/// Who fetches.
pub struct Fetch {
    by: Downloads,
    /// What came over TLS is not asked for again without it.
    secure: Downloads,
    out: Output,
}

impl Fetch {
    /// Fetches from wherever the user says, with patience as `limits` say.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub async fn new(out: Output, limits: Limits) -> Result<Self> {
        let tls = outbound::tls::settings(None).await;
        let tls = tls.map_err(|error| Problem::failed(format!("nobody can be trusted: {error}")))?;
        let guard = Guard { any_address: true, ..Guard::default() };
        let secure = Guard { schemes: vec!["https".to_owned()], ..guard.clone() };
        let with = |guard| Downloads::with(guard, tls.clone(), limits, Arc::new(SystemResolver));
        Ok(Self { by: with(guard), secure: with(secure), out })
    }

    /// The text at `url`: sums, signatures, listings, keys. Over TLS from beginning to end where it begins with it.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn text(&self, url: &str) -> Result<Vec<u8>> {
        let by = if url.starts_with("https:") { &self.secure } else { &self.by };
        let mut download = start(by, url, None, SMALL).await?;
        let mut text = Vec::new();
        while let Some(piece) = next(&mut download, url).await? {
            match piece {
                Piece::Bytes(bytes) => text.extend_from_slice(&bytes),
                Piece::StartOver => text.clear(),
            }
        }
        Ok(text)
    }

    /// The image at `url`, which must come to `sum`, in a file below `dir`: whole, from an earlier time, or carried on with.
    ///
    /// # Errors
    /// When it cannot be had, or is another. What came stays for the next time, unless it is wrong.
    pub async fn image(&self, url: &str, sum: &Sum, dir: &Path) -> Result<PathBuf> {
        let name = url.rsplit('/').next().unwrap_or_default();
        let whole = dir.join(format!("{}-{name}", sum.hex.get(..16).unwrap_or_default()));
        if is_whole(&whole, sum).await? {
            return Ok(whole);
        }
        let mut part = Part::open(&whole).await?;
        let carried_on = part.mark.received > 0;
        if self.fill(&mut part, url, sum).await? {
            return part.keep(&whole).await;
        }
        // Half of it came at another time: perhaps of another image.
        if carried_on {
            self.out.note("what came earlier does not fit: beginning again");
            let mut part = Part::open(&whole).await?;
            if self.fill(&mut part, url, sum).await? {
                return part.keep(&whole).await;
            }
        }
        Err(Problem::failed(format!("{url} is not what its publisher says: its {} is another", sum.name()))
            .hint("nothing was uploaded; a mirror may be out of date, or somebody changes what you fetch"))
    }

    /// Fetches what is missing of `part`; whether it comes to `sum`. If not, it is gone.
    async fn fill(&self, part: &mut Part, url: &str, sum: &Sum) -> Result<bool> {
        let mut context = sum.begin();
        part.read(&mut context).await?;
        let mark = (part.mark.received > 0).then(|| part.mark.clone());
        let mut download = start(&self.by, url, mark, LARGE).await?;
        let name = url.rsplit('/').next().unwrap_or_default();
        let mut progress = self.progress(name, &download);
        let mut noted = part.mark.received;
        loop {
            let piece = match next(&mut download, url).await {
                Ok(None) => break,
                Ok(Some(piece)) => piece,
                Err(problem) => {
                    part.note(download.mark()).await?;
                    return Err(problem);
                }
            };
            match piece {
                Piece::Bytes(bytes) => {
                    context.update(&bytes);
                    part.write(&bytes).await?;
                }
                Piece::StartOver => {
                    context = sum.begin();
                    part.clear().await?;
                    noted = 0;
                    progress = self.progress(name, &download);
                }
            }
            let received = download.mark().received;
            progress.position(received);
            if received.saturating_sub(noted) >= NOTE {
                part.note(download.mark()).await?;
                noted = received;
            }
        }
        part.note(download.mark()).await?;
        progress.done("fetched");
        if sum.is(context) {
            return Ok(true);
        }
        part.remove().await?;
        Ok(false)
    }

    fn progress(&self, name: &str, download: &Download) -> Progress {
        match download.mark().total {
            Some(total) => Progress::bytes(self.out, name, total),
            None => Progress::spinner(self.out, name),
        }
    }
}

async fn start(by: &Downloads, url: &str, mark: Option<Mark>, most: u64) -> Result<Download> {
    by.start(url, mark, most).await.map_err(|error| trouble(url, &error))
}

async fn next(download: &mut Download, url: &str) -> Result<Option<Piece>> {
    download.next().await.map_err(|error| trouble(url, &error))
}

fn trouble(url: &str, error: &outbound::DownloadError) -> Problem {
    let problem = Problem::failed(format!("cannot fetch {url}: {error}"));
    if error.is_passing() { problem.hint("the same command later carries on where it was") } else { problem }
}

/// Whether the file is there and comes to `sum`.
async fn is_whole(path: &Path, sum: &Sum) -> Result<bool> {
    let mut file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(io(path, &error)),
    };
    let mut context = sum.begin();
    digest(&mut file, &mut context).await.map_err(|error| io(path, &error))?;
    Ok(sum.is(context))
}

/// Works the rest of a file into `context`.
async fn digest(file: &mut File, context: &mut Context) -> std::io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = file.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        context.update(buffer.get(..count).unwrap_or_default());
    }
}

/// A file that is on its way, with a note beside it of how far it is.
struct Part {
    path: PathBuf,
    note: PathBuf,
    file: File,
    mark: Mark,
}

impl Part {
    /// What there is of `whole`: nothing of it, a part with its note, or all.
    async fn open(whole: &Path) -> Result<Self> {
        let with = |end: &str| {
            let mut name = whole.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let (path, note) = (with(".part"), with(".part.json"));
        if let Some(dir) = path.parent() {
            tokio::fs::create_dir_all(dir).await.map_err(|error| io(dir, &error))?;
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path).await;
        let file = file.map_err(|error| io(&path, &error))?.into_std().await;
        file.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => Problem::failed("another command is fetching it right now"),
            std::fs::TryLockError::Error(error) => io(&path, &error),
        })?;
        let mut file = File::from_std(file);
        let length = file.metadata().await.map_err(|error| io(&path, &error))?.len();
        let noted = tokio::fs::read(&note).await.ok().and_then(|text| serde_json::from_slice::<Mark>(&text).ok());
        // Without a name for the version there is nothing to carry on with.
        let mark = noted.filter(|mark| mark.validator.is_some() && mark.received <= length).unwrap_or_default();
        file.set_len(mark.received).await.map_err(|error| io(&path, &error))?;
        file.seek(SeekFrom::Start(0)).await.map_err(|error| io(&path, &error))?;
        Ok(Self { path, note, file, mark })
    }

    /// Works what is there into `context`.
    async fn read(&mut self, context: &mut Context) -> Result<()> {
        digest(&mut self.file, context).await.map_err(|error| io(&self.path, &error))
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).await.map_err(|error| io(&self.path, &error))
    }

    async fn clear(&mut self) -> Result<()> {
        self.file.set_len(0).await.map_err(|error| io(&self.path, &error))?;
        self.file.seek(SeekFrom::Start(0)).await.map_err(|error| io(&self.path, &error))?;
        Ok(())
    }

    async fn note(&mut self, mark: &Mark) -> Result<()> {
        self.file.flush().await.map_err(|error| io(&self.path, &error))?;
        let text = serde_json::to_vec(mark).map_err(|error| Problem::failed(error.to_string()))?;
        tokio::fs::write(&self.note, text).await.map_err(|error| io(&self.note, &error))?;
        self.mark = mark.clone();
        Ok(())
    }

    async fn remove(&mut self) -> Result<()> {
        for path in [&self.path, &self.note] {
            tokio::fs::remove_file(path).await.map_err(|error| io(path, &error))?;
        }
        Ok(())
    }

    async fn keep(self, whole: &Path) -> Result<PathBuf> {
        tokio::fs::rename(&self.path, whole).await.map_err(|error| io(whole, &error))?;
        tokio::fs::remove_file(&self.note).await.map_err(|error| io(&self.note, &error))?;
        Ok(whole.to_owned())
    }
}

fn io(path: &Path, error: &std::io::Error) -> Problem {
    Problem::io(&format!("cannot use {}", path.display()), error)
}
