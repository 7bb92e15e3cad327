//! The parts of an image that its inspection needs, gathered as it streams by or from a file. At most about half a MiB.

use std::io::{self, Read, Seek, SeekFrom};

use super::{Inspection, detect, vhdx};

/// How much of the beginning is kept.
const HEAD: usize = 64 * 1024;
/// How much of a VHDX's, whose tables lie further on.
const VHDX_HEAD: usize = vhdx::REGION_TABLE_END;
/// How much of the end is kept.
const TAIL: usize = 2048;

/// Gathers an image's telling parts as it streams by.
#[derive(Debug, Default, Clone)]
pub struct Window {
    pub(super) head: Vec<u8>,
    /// A VHDX's metadata, from where its region table says.
    pub(super) metadata: Vec<u8>,
    pub(super) tail: Vec<u8>,
    pub(super) size: u64,
}

impl Window {
    /// Looks at what can be read of `image`, from its first byte on. Blocking; reads only the parts that matter.
    ///
    /// # Errors
    /// What reading fails with.
    pub fn of(image: &mut (impl Read + Seek)) -> io::Result<Self> {
        let mut window = Self::default();
        let size = image.seek(SeekFrom::End(0))?;
        image.seek(SeekFrom::Start(0))?;
        let mut head = Vec::new();
        image.by_ref().take(VHDX_HEAD as u64).read_to_end(&mut head)?;
        window.push(&head);
        if let Some(start) = window.metadata_start() {
            image.seek(SeekFrom::Start(start))?;
            image.by_ref().take(vhdx::METADATA_BYTES as u64).read_to_end(&mut window.metadata)?;
        }
        image.seek(SeekFrom::Start(size.saturating_sub(TAIL as u64)))?;
        window.tail.clear();
        image.by_ref().take(TAIL as u64).read_to_end(&mut window.tail)?;
        window.size = size;
        Ok(window)
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.take_head(bytes);
        self.take_metadata(bytes);
        self.tail.extend(bytes.iter().skip(bytes.len().saturating_sub(TAIL)));
        let surplus = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..surplus);
        self.size += bytes.len() as u64;
    }

    fn take_head(&mut self, bytes: &[u8]) {
        // Only what follows directly on what is there: at first, and as long as the head is not complete.
        let Some(mut rest) = usize::try_from(self.size).ok().filter(|size| *size == self.head.len()).map(|_| bytes)
        else {
            return;
        };
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(self.head_wanted().saturating_sub(self.head.len())));
            if now.is_empty() {
                return;
            }
            self.head.extend_from_slice(now);
            rest = later;
        }
    }

    fn head_wanted(&self) -> usize {
        if self.head.starts_with(vhdx::MAGIC) { VHDX_HEAD } else { HEAD }
    }

    fn take_metadata(&mut self, bytes: &[u8]) {
        let Some(start) = self.metadata_start() else { return };
        let next = start.saturating_add(self.metadata.len() as u64);
        let Some(skipped) = next.checked_sub(self.size).and_then(|skipped| usize::try_from(skipped).ok()) else {
            return;
        };
        let wanted = vhdx::METADATA_BYTES.saturating_sub(self.metadata.len());
        self.metadata.extend(bytes.iter().skip(skipped).take(wanted));
    }

    /// Where a VHDX's metadata begin: behind its head, or it is damaged.
    fn metadata_start(&self) -> Option<u64> {
        if self.head.len() < VHDX_HEAD {
            return None;
        }
        vhdx::metadata_region(&self.head).ok().filter(|start| *start >= VHDX_HEAD as u64)
    }

    /// How many bytes it was given.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What they say.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        detect::inspect(self)
    }
}
