//! The inspection of [`kit::disk_image`] against QEMU's own opinion, and our samples against QEMU.

use std::path::{Path, PathBuf};
use std::process::Command;

use kit::disk_image::testing::harmless;
use kit::disk_image::{Danger, Format, Inspection, Window};

use crate::qemu_img::driver;

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        let bytes: Vec<u8> = (0..3u32 << 20).map(|number| (number / 999) as u8).collect();
        std::fs::write(bench.path("raw"), bytes).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn qemu_img(&self, arguments: &str) -> Vec<u8> {
        let output = Command::new("qemu-img").args(arguments.split(' ')).current_dir(&self.0).output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

fn look(path: &Path) -> Inspection {
    Window::of(&mut std::fs::File::open(path).unwrap()).unwrap().inspect()
}

#[test]
fn qemu_opens_our_harmless_samples_and_sees_the_same_size() {
    let bench = Bench::new();
    for (index, specimen) in harmless().into_iter().enumerate() {
        let path = bench.path(&format!("sample-{index}"));
        std::fs::write(&path, &specimen.bytes).unwrap();
        let seen = look(&path);
        let name = path.display();
        let said = bench.qemu_img(&format!("info --output=json -f {} {name}", driver(seen.format)));
        let said = String::from_utf8(said).unwrap();
        let whole_sectors = seen.virtual_size.map(|size| size.next_multiple_of(512)).unwrap();
        assert!(said.contains(&format!("\"virtual-size\": {whole_sectors},")), "{}: {said}", specimen.name);
    }
}

#[test]
fn what_qemu_makes_is_accepted_whatever_its_options() {
    let bench = Bench::new();
    for (format, options) in [
        ("qcow2", "compat=0.10"),
        ("qcow2", "compat=1.1,cluster_size=512"),
        ("qcow2", "compat=1.1,cluster_size=2M"),
        ("qcow2", "compat=1.1,extended_l2=on"),
        ("qcow2", "compat=1.1,lazy_refcounts=on,refcount_bits=64"),
        ("qcow2", "compat=1.1,preallocation=metadata"),
        ("qcow2", "compat=1.1,compression_type=zstd -c"),
        ("vmdk", "subformat=monolithicSparse"),
        ("vmdk", "subformat=streamOptimized"),
        ("vpc", "subformat=dynamic,force_size=on"),
        ("vpc", "subformat=fixed,force_size=on"),
        ("vhdx", "subformat=dynamic"),
        ("vhdx", "subformat=fixed"),
        ("vdi", "preallocation=off"),
        ("vdi", "static=on"),
        ("parallels", "cluster_size=65536"),
    ] {
        let to = format!("{format}-{options}").replace([' ', ','], "_");
        bench.qemu_img(&format!("convert -f raw -O {format} -o {options} raw {to}"));
        let seen = look(&bench.path(&to));
        let declared = match format {
            "vpc" => "vhd",
            "parallels" => "ploop",
            other => other,
        };
        assert_eq!(seen.judge(declared, u64::MAX), Ok(()), "{to}: {seen:?}");
        assert_eq!(seen.virtual_size, Some(3 << 20), "{to}");
    }
    for (size, options) in [("1T", "cluster_size=64k"), ("4T", "cluster_size=64k"), ("0", "cluster_size=64k")] {
        bench.qemu_img(&format!("create -q -f qcow2 -o {options} large {size}"));
        assert_eq!(look(&bench.path("large")).danger, None, "{size}");
    }
    bench.qemu_img("create -q -f qcow2 old 1M");
    bench.qemu_img("snapshot -c one old");
    assert_eq!(look(&bench.path("old")).danger, None);
}

#[test]
fn what_qemu_makes_of_several_files_is_refused() {
    let bench = Bench::new();
    for (arguments, danger) in [
        ("-f qcow2 -F raw -b raw it", Danger::BackingFile),
        ("-f qcow2 -o compat=0.10 -F raw -b raw it", Danger::BackingFile),
        ("-f qcow2 -o data_file=data it 1M", Danger::DataFile),
        ("-f qcow2 -o data_file=data,data_file_raw=on it 1M", Danger::DataFile),
        ("-f qed -F raw -b raw it", Danger::BackingFile),
        ("-f qed it 1M", Danger::Unsupported),
        ("-f qcow it 1M", Danger::UnknownFeatures),
        ("-f vmdk -o subformat=monolithicFlat it 1M", Danger::ForeignExtents),
        ("-f vmdk -o subformat=twoGbMaxExtentSparse it 1M", Danger::ForeignExtents),
        ("--object secret,id=s,data=secret -f luks -o key-secret=s,iter-time=10 it 1M", Danger::Encrypted),
        (
            "--object secret,id=s,data=secret -f qcow2 -o encrypt.format=aes,encrypt.key-secret=s it 1M",
            Danger::Encrypted,
        ),
    ] {
        bench.qemu_img(&format!("create -q {arguments}"));
        assert_eq!(look(&bench.path("it")).danger, Some(danger), "{arguments}");
        std::fs::remove_file(bench.path("it")).unwrap();
    }
    bench.qemu_img("create -q -f vmdk base 1M");
    bench.qemu_img("create -q -f vmdk -F vmdk -b base it");
    assert_eq!(look(&bench.path("it")).danger, Some(Danger::BackingFile));
    assert_eq!(look(&bench.path("base")).format, Format::Vmdk);
}
