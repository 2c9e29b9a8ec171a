//! System calls no server needs to answer `tools/list`: refused in every box.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use super::spec::Network;

/// Refused always: kernel attack surface, other processes, mounts, keys, clocks, modules.
/// The list follows the calls that the container engines' default profiles leave out.
const REFUSED: &[i64] = &[
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_chroot,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// One filter: refused calls fail with `EPERM`, io_uring too (libuv then falls back to its thread pool).
///
/// With `sockets` set to [`Network::None`] no socket but a Unix stream can be made and nothing can be connected to:
/// the reduced level has no network namespace, and Landlock cannot refuse Unix sockets that lie at a path
/// (research/live.md section 5).
pub(super) fn filter(sockets: Option<Network>) -> Result<BpfProgram, String> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, vec![])).collect();
    // TIOCSTI and TIOCLINUX would type into the user's terminal.
    rules.insert(
        libc::SYS_ioctl,
        vec![rule(&[(1, SeccompCmpOp::Eq, 0x5412)])?, rule(&[(1, SeccompCmpOp::Eq, 0x541C)])?],
    );
    // What a network namespace does not hold: VSOCK reaches the hypervisor. Four families are let through.
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    let others: Vec<_> = families.iter().map(|f| (0, SeccompCmpOp::Ne, *f as u64)).collect();
    rules.insert(libc::SYS_socket, vec![rule(&others)?]);
    if sockets == Some(Network::None) {
        rules.insert(libc::SYS_connect, vec![]);
        let unix = libc::AF_UNIX as u64;
        rules.insert(
            libc::SYS_socket,
            vec![
                rule(&[(0, SeccompCmpOp::Ne, unix), (0, SeccompCmpOp::Ne, libc::AF_NETLINK as u64)])?,
                rule(&[
                    (0, SeccompCmpOp::Eq, unix),
                    (1, SeccompCmpOp::MaskedEq(0xf), libc::SOCK_DGRAM as u64),
                ])?,
            ],
        );
    }
    let arch = std::env::consts::ARCH.try_into().map_err(|e| format!("no system call filter here: {e}"))?;
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32), arch)
        .and_then(BpfProgram::try_from)
        .map_err(|e| format!("the system call filter cannot be built: {e}"))
}

fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> Result<SeccompRule, String> {
    conditions
        .iter()
        .map(|(argument, op, value)| {
            SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, op.clone(), *value)
        })
        .collect::<Result<Vec<_>, _>>()
        .and_then(SeccompRule::new)
        .map_err(|e| format!("the system call filter cannot be built: {e}"))
}

/// The program as bubblewrap reads it from a descriptor: `struct sock_filter` one after another, native order.
pub(super) fn as_bytes(program: &BpfProgram) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(program.len() * 8);
    for step in program {
        bytes.extend(step.code.to_ne_bytes());
        bytes.extend([step.jt, step.jf]);
        bytes.extend(step.k.to_ne_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_compiles_for_both_networks() {
        let open = filter(None).unwrap();
        let closed = filter(Some(Network::None)).unwrap();
        assert!(closed.len() > open.len());
        assert_eq!(as_bytes(&open).len(), open.len() * 8);
    }
}
