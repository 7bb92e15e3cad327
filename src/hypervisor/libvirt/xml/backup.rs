//! The XML that asks for a copy of a disk: libvirt's "backup".

use std::path::Path;

use super::writer::Writer;

/// A copy of the disk `target` as a qcow2 at `to`, and of no other of `disks`.
pub fn backup<'a>(disks: impl Iterator<Item = &'a str>, target: &str, to: &Path) -> String {
    let mut xml = Writer::default();
    xml.element("domainbackup", &[("mode", "push")], |xml| {
        xml.element("disks", &[], |xml| {
            for name in disks {
                if name != target {
                    xml.empty("disk", &[("name", name), ("backup", "no")]);
                    continue;
                }
                xml.element("disk", &[("name", name), ("backup", "yes"), ("type", "file")], |xml| {
                    xml.empty("driver", &[("type", "qcow2")]);
                    xml.empty("target", &[("file", &to.to_string_lossy())]);
                });
            }
        });
    });
    xml.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_disk_is_copied_and_no_other() {
        insta::assert_snapshot!(backup(["vda", "vdb"].into_iter(), "vda", Path::new("/d/it's")), @r"
        <domainbackup mode='push'>
          <disks>
            <disk name='vda' backup='yes' type='file'>
              <driver type='qcow2'/>
              <target file='/d/it&apos;s'/>
            </disk>
            <disk name='vdb' backup='no'/>
          </disks>
        </domainbackup>
        ");
    }
}
