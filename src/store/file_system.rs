//! On what kind of file system the data directory lies; a network file system is no place for a database.
//!
//! SQLite's write-ahead log needs locks and shared memory that hold for everyone who may open the
//! file, and an fsync that means it. Network file systems promise none of these.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What the kernel says about a mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystem {
    /// `statfs`'s `f_type`, its lower 32 bits.
    pub magic: u32,
    /// The type as `/proc/self/mountinfo` has it, such as `ext4` or `fuse.sshfs`; empty where it is not known.
    pub name: String,
}

/// File systems that other hosts may have mounted too (`linux/magic.h` and their own sources).
const NETWORK: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x0102_1997, "9p"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00C3_6400, "CephFS"),
    (0x0BD0_0BD0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x0116_1970, "GFS2"),
    (0x7461_636F, "OCFS2"),
    (0x564C, "NCP"),
    (0x786F_4256, "a VirtualBox shared folder"),
];

const FUSE: u32 = 0x6573_5546;

/// FUSE file systems that are local: a disk's own format, and the overlay of rootless containers.
const LOCAL_FUSE: &[&str] = &["fuseblk", "fuse.fuse-overlayfs"];

impl FileSystem {
    /// The file system that holds `directory`.
    ///
    /// # Errors
    /// Where the directory cannot be examined.
    pub fn of(directory: &Path) -> io::Result<Self> {
        let magic = rustix::fs::statfs(directory)?.f_type;
        let device = std::fs::metadata(directory)?.dev();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        #[expect(
            clippy::cast_sign_loss,
            clippy::cast_possible_truncation,
            reason = "the magic number is 32 bits, in a word whose size and sign differ by architecture"
        )]
        Ok(Self { magic: magic as u32, name: name_of(device, &mounts).unwrap_or_default() })
    }

    /// Its name, as the kernel has it; empty where that is not known.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the network file system that this is, if it is one.
    #[must_use]
    pub fn network_kind(&self) -> Option<&str> {
        if self.magic == FUSE && !LOCAL_FUSE.contains(&self.name.as_str()) {
            return Some(if self.name.is_empty() { "FUSE" } else { &self.name });
        }
        NETWORK.iter().find(|(magic, _)| *magic == self.magic).map(|(_, name)| *name)
    }
}

/// The type of the mounted `device`, out of the text of `/proc/self/mountinfo`.
fn name_of(device: u64, mounts: &str) -> Option<String> {
    let wanted = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    mounts.lines().find_map(|line| {
        let (mount, source) = line.split_once(" - ")?;
        (mount.split(' ').nth(2)? == wanted).then(|| source.split(' ').next().map(str::to_owned))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_recognised() {
        let kind = |magic, name: &str| FileSystem { magic, name: name.to_owned() }.network_kind().map(str::to_owned);
        assert_eq!(kind(0x6969, "nfs4").as_deref(), Some("NFS"));
        assert_eq!(kind(0xFF53_4D42, "cifs").as_deref(), Some("CIFS"));
        assert_eq!(kind(0x0102_1997, "9p").as_deref(), Some("9p"));
        assert_eq!(kind(FUSE, "fuse.sshfs").as_deref(), Some("fuse.sshfs"));
        assert_eq!(kind(FUSE, "").as_deref(), Some("FUSE"));
        assert_eq!(kind(FUSE, "fuseblk"), None);
        assert_eq!(kind(0xEF53, "ext4"), None);
        assert_eq!(kind(0x0102_1994, "tmpfs"), None);
    }

    #[test]
    fn the_type_is_found_by_the_device() {
        let mounts = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
                      30 22 0:44 / /mnt rw - fuse.sshfs me@there:/ rw\n";
        assert_eq!(name_of(rustix::fs::makedev(0, 44), mounts).as_deref(), Some("fuse.sshfs"));
        assert_eq!(name_of(rustix::fs::makedev(8, 1), mounts).as_deref(), Some("ext4"));
        assert_eq!(name_of(rustix::fs::makedev(9, 9), mounts), None);
    }

    #[test]
    fn the_kernel_answers_for_a_real_directory() {
        let here = FileSystem::of(Path::new("/proc")).unwrap();
        assert_eq!((here.magic, here.name.as_str()), (0x9FA0, "proc"));
    }
}
