//! Devices, and the terminal that the scanner may have been started from.

use std::fs::OpenOptions;

use super::bait::Told;
use super::{Attempt, Gap, Tried, raw};

const fn held(id: &'static str, what: &'static str, try_it: fn(&Told) -> Tried) -> Attempt {
    Attempt { id, what, gap: Gap::Nowhere, try_it }
}

pub(super) const DEVICES: &[Attempt] = &[
    held("memory", "open the machine's memory", |_| open(&["/dev/mem", "/dev/kmem", "/dev/port"])),
    held("disk", "open a disk", |_| {
        open(&["/dev/sda", "/dev/vda", "/dev/nvme0n1", "/dev/loop0", "/dev/loop-control"])
    }),
    held("log", "open the kernel's log", |_| open(&["/dev/kmsg"])),
    held("file_system", "open the door to file systems of its own", |_| open(&["/dev/fuse"])),
    held("machines", "open the door to virtual machines", |_| {
        open(&["/dev/kvm", "/dev/vhost-net", "/dev/vsock", "/dev/vhost-vsock"])
    }),
    held("tunnel", "make a network device", |_| open(&["/dev/net/tun"])),
    held("input", "open the keyboard", |_| {
        open(&["/dev/input/event0", "/dev/uinput", "/dev/tty0", "/dev/console"])
    }),
    held("terminal", "open the scanner's terminal", |_| open(&["/dev/tty"])),
    held("type", "type into the terminal", |_| ioctl(0x5412)),
    held("type_wide", "type into the terminal, with a number that only looks different", |_| {
        ioctl(0x1_0000_5412)
    }),
    held("select", "type by the console's selection", |_| ioctl(0x541C)),
    held("system_request", "reboot by a system request", |_| open(&["/proc/sysrq-trigger"])),
];

fn open(places: &[&str]) -> Tried {
    let mut why = "not there".to_owned();
    for place in places {
        match OpenOptions::new().write(true).open(place) {
            Ok(_) => return Ok(format!("{place} for writing")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => why = error.to_string(),
        }
        if OpenOptions::new().read(true).open(place).is_ok() {
            return Ok(format!("{place} for reading"));
        }
    }
    Err(why)
}

/// Refused by the filter whatever the descriptor is; "not a terminal" would mean that the filter let it through.
fn ioctl(number: libc::c_long) -> Tried {
    let letter = b'x';
    match raw::call(libc::SYS_ioctl, [0, number, raw::address(&letter), 0, 0, 0]) {
        Ok(_) => Ok("a letter was typed".to_owned()),
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Err(error.to_string()),
        Err(error) => Ok(format!("the call was let through ({error})")),
    }
}
