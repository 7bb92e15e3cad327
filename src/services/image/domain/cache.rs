//! What the image cache holds, and what goes when it is too large.

use kit::Timestamp;
use kit::ids::ImageId;

/// An image whose bytes are cached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cached {
    /// The entry's number.
    pub id: i64,
    /// The image.
    pub image_id: ImageId,
    /// How many bytes.
    pub size: i64,
    /// How often it was read from here.
    pub hits: i64,
    /// MD5 in hexadecimal.
    pub checksum: Option<String>,
    /// When it was last read from here.
    pub last_accessed: Timestamp,
    /// When it came here.
    pub last_modified: Timestamp,
}

/// A part of the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it, and its queue.
    All,
    /// What is cached.
    Cached,
    /// What is queued.
    Queued,
    /// One image.
    Image(ImageId),
}

impl Part {
    /// The part that the header `x-image-cache-clear-target` names.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "" => Some(Self::All),
            "cache" => Some(Self::Cached),
            "queue" => Some(Self::Queued),
            _ => None,
        }
    }
}

/// Which of the cached images go so that those that stay have at most `most` bytes: the longest unread first.
pub fn surplus(cached: &[Cached], most: i64) -> Vec<&Cached> {
    let mut total: i64 = cached.iter().map(|entry| entry.size).sum();
    let mut oldest: Vec<&Cached> = cached.iter().collect();
    oldest.sort_by_key(|entry| (entry.last_accessed, entry.id));
    let goes = |entry: &&Cached| {
        let goes = total > most;
        if goes {
            total -= entry.size;
        }
        goes
    };
    oldest.into_iter().take_while(goes).collect()
}

#[cfg(test)]
mod tests {
    use kit::time::from_micros;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_stays_fits_and_was_read_later(sizes in prop::collection::vec((0_i64..50, 0_i64..9), 0..12), most in 0_i64..200) {
            let entry = |(id, (size, at)): (usize, &(i64, i64))| Cached {
                id: i64::try_from(id).unwrap(),
                image_id: id.to_string().into(),
                size: *size,
                hits: 0,
                checksum: None,
                last_accessed: from_micros(*at),
                last_modified: from_micros(0),
            };
            let cached: Vec<Cached> = sizes.iter().enumerate().map(entry).collect();
            let gone = surplus(&cached, most);
            let stays: Vec<&Cached> = cached.iter().filter(|entry| !gone.contains(entry)).collect();
            let left = stays.iter().map(|entry| entry.size).sum::<i64>();
            prop_assert!(left <= most);
            prop_assert!(gone.iter().all(|gone| stays.iter().all(|entry| gone.last_accessed <= entry.last_accessed)));
            prop_assert!(gone.last().is_none_or(|last| left + last.size > most), "no more than must");
        }
    }

    #[test]
    fn parts_have_names() {
        assert_eq!(Part::parse(""), Some(Part::All));
        assert_eq!(Part::parse("Cache"), Some(Part::Cached));
        assert_eq!(Part::parse("queue"), Some(Part::Queued));
        assert_eq!(Part::parse("both"), None);
    }
}
