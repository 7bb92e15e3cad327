//! The smallest guest that can be driven: one boot sector.
//!
//! It needs no operating system, comes up in under half a second even emulated, and does what the contract asks
//! of a guest: it prints a line on its serial port and powers off when its power button is pressed (ACPI) or when a
//! byte arrives on the serial port. Idle, it halts: it costs no processor.

use std::io::Write;
use std::path::Path;

/// What it prints.
pub const BANNER: &str = "cloudbox test guest is up";

/// 16-bit x86, loaded at 0x7c00. The ports are q35's: PM1 status, enable and control at 0x600, 0x602 and 0x604,
/// the first serial port at 0x3f8.
const CODE: [u8; 54] = [
    0x31, 0xc0, // xor ax, ax
    0x8e, 0xd8, // mov ds, ax
    0xba, 0x02, 0x06, // mov dx, 0x602     enable the power button's status bit
    0xb8, 0x00, 0x01, // mov ax, 0x100
    0xef, // out dx, ax
    0xbe, 0x36, 0x7c, // mov si, banner
    0xba, 0xf8, 0x03, // mov dx, 0x3f8
    0xac, // print: lodsb
    0x84, 0xc0, // test al, al
    0x74, 0x03, // jz idle
    0xee, // out dx, al
    0xeb, 0xf8, // jmp print
    0xfb, // idle: sti
    0xf4, // hlt                           until the timer ticks: 18 times a second
    0xba, 0x00, 0x06, // mov dx, 0x600
    0xed, // in ax, dx
    0xf6, 0xc4, 0x01, // test ah, 1        was the power button pressed?
    0x75, 0x08, // jnz off
    0xba, 0xfd, 0x03, // mov dx, 0x3fd
    0xec, // in al, dx
    0xa8, 0x01, // test al, 1              did a byte arrive?
    0x74, 0xed, // jz idle
    0xba, 0x04, 0x06, // off: mov dx, 0x604
    0xb8, 0x00, 0x20, // mov ax, 0x2000    sleep, state S5
    0xef, // out dx, ax
    0xf4, // hang: hlt
    0xeb, 0xfd, // jmp hang
];

/// Writes a raw disk of 1 MiB with the guest on it.
///
/// # Errors
/// That of the file system.
pub fn write_disk(path: &Path) -> std::io::Result<()> {
    let mut sector = Vec::with_capacity(512);
    sector.extend_from_slice(&CODE);
    sector.extend_from_slice(BANNER.as_bytes());
    sector.extend_from_slice(b"\r\n\0");
    sector.resize(510, 0);
    sector.extend_from_slice(&[0x55, 0xaa]);
    let mut file = std::fs::File::create(path)?;
    file.write_all(&sector)?;
    file.set_len(1024 * 1024)
}

/// Writes an empty raw disk of 1 MiB: its guest stays in the firmware and reacts to nothing.
///
/// # Errors
/// That of the file system.
pub fn write_empty_disk(path: &Path) -> std::io::Result<()> {
    std::fs::File::create(path)?.set_len(1024 * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_boot_sector_that_finds_its_banner() {
        let file = tempfile::NamedTempFile::new().unwrap();
        write_disk(file.path()).unwrap();
        let disk = std::fs::read(file.path()).unwrap();
        assert_eq!(disk.len(), 1024 * 1024);
        assert_eq!(&disk[510..512], &[0x55, 0xaa]);
        let banner = usize::from(u16::from_le_bytes([disk[12], disk[13]])) - 0x7c00;
        assert!(disk[banner..].starts_with(BANNER.as_bytes()));
    }
}
