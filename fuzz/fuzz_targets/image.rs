//! Disk images: harmless ones with bytes changed here and there, and any bytes at all.
#![no_main]

use std::io::Cursor;
use std::sync::LazyLock;

use kit::disk_image::testing::{Specimen, harmless, put};
use kit::disk_image::{Format, Inspection, Window};

static HARMLESS: LazyLock<Vec<Specimen>> =
    LazyLock::new(|| harmless().into_iter().filter(|specimen| specimen.bytes.len() < 1 << 20).collect());

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((which, rest)) = bytes.split_first() else { return };
    let image = match HARMLESS.get(usize::from(*which)) {
        Some(specimen) => changed(specimen.bytes.clone(), rest),
        None => rest.to_vec(),
    };
    let whole = look(&image, image.len());
    let pieces = look(&image, usize::from(*which) + 1);
    let file = Window::of(&mut Cursor::new(&image)).map(|window| window.inspect());
    assert_eq!(whole, pieces);
    assert_eq!(file.ok().as_ref(), Some(&whole));
    if whole.format == Format::Qcow2 && whole.danger.is_none() {
        assert_eq!(image.get(8..16), Some(&[0; 8][..]), "a backing file");
    }
});

/// Each change is a place of two bytes, a length, and so many bytes.
fn changed(mut image: Vec<u8>, mut changes: &[u8]) -> Vec<u8> {
    while let [high, low, length, rest @ ..] = changes {
        let (data, later) = rest.split_at(rest.len().min(usize::from(*length)));
        put(&mut image, usize::from(u16::from_be_bytes([*high, *low])), data);
        changes = later;
    }
    image
}

fn look(image: &[u8], piece: usize) -> Inspection {
    let mut window = Window::default();
    for piece in image.chunks(piece.max(1)) {
        window.push(piece);
    }
    window.inspect()
}
