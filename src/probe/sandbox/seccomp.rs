//! System calls no server needs to answer `tools/list`: refused in every box.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    sock_filter,
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
    libc::SYS_pidfd_getfd,
    libc::SYS_memfd_secret,
    // Memory that is no process's: it would count for no limit, and stay behind where no namespace ends with the box.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
];

/// Flags of `clone` that put the new process into a namespace of its own.
const NEW_NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// What the kernel runs before every call of a box, both at once: the stricter word counts.
#[derive(Debug, Clone)]
pub(super) struct Filters {
    /// Refused calls fail with `EPERM`, io_uring too (libuv then falls back to its thread pool). Numbers of another
    /// processor's interface (`int 0x80`) end the process.
    pub(super) calls: BpfProgram,
    /// The gates around the first: see [`gates`].
    pub(super) gates: BpfProgram,
}

/// The filters of a box.
///
/// Without a network namespace of its own (`own_network` false) a box for [`Network::None`] can make no socket but a Unix
/// stream, and connect to nothing: Landlock cannot refuse Unix sockets that lie at a path (research/live.md section 5).
pub(super) fn filters(network: Network, own_network: bool) -> Result<Filters, String> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, vec![])).collect();
    // TIOCSTI and TIOCLINUX would type into the user's terminal.
    rules.insert(
        libc::SYS_ioctl,
        vec![rule(&[(1, SeccompCmpOp::Eq, 0x5412)])?, rule(&[(1, SeccompCmpOp::Eq, 0x541C)])?],
    );
    let clones: Result<Vec<_>, _> = NEW_NAMESPACES
        .iter()
        .map(|flag| u64::from(flag.cast_unsigned()))
        .map(|flag| rule(&[(0, SeccompCmpOp::MaskedEq(flag), flag)]))
        .collect();
    rules.insert(libc::SYS_clone, clones?);
    // Nobody's but its own: without a process namespace those of the same user could be had.
    rules.insert(libc::SYS_prlimit64, vec![rule(&[(0, SeccompCmpOp::Ne, 0)])?]);
    rules.insert(
        libc::SYS_setpriority,
        vec![rule(&[(0, SeccompCmpOp::Ne, 0)])?, rule(&[(1, SeccompCmpOp::Ne, 0)])?],
    );
    let (unix, netlink) = (libc::AF_UNIX as u64, libc::AF_NETLINK as u64);
    // Of netlink only the one that lists interfaces, which libuv and glibc ask.
    let mut sockets = vec![rule(&[(0, SeccompCmpOp::Eq, netlink), (2, SeccompCmpOp::Ne, 0)])?];
    if network == Network::None {
        // Its pages count for no process. Installers are not strangers, and bun wants it.
        rules.insert(libc::SYS_memfd_create, vec![]);
    }
    if network == Network::None && !own_network {
        rules.insert(libc::SYS_connect, vec![]);
        sockets.push(rule(&[(0, SeccompCmpOp::Ne, unix), (0, SeccompCmpOp::Ne, netlink)])?);
        let datagram = SeccompCmpOp::MaskedEq(0xf);
        sockets.push(rule(&[(0, SeccompCmpOp::Eq, unix), (1, datagram, libc::SOCK_DGRAM as u64)])?);
    } else {
        // What a network namespace does not hold: VSOCK reaches the hypervisor. Four families are let through.
        let families = [unix, libc::AF_INET as u64, libc::AF_INET6 as u64, netlink];
        let others: Vec<_> = families.iter().map(|f| (0, SeccompCmpOp::Ne, *f)).collect();
        sockets.push(rule(&others)?);
    }
    rules.insert(libc::SYS_socket, sockets);
    let arch = std::env::consts::ARCH.try_into().map_err(|e| format!("no system call filter here: {e}"))?;
    let calls =
        SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32), arch)
            .and_then(BpfProgram::try_from)
            .map_err(|e| format!("the system call filter cannot be built: {e}"))?;
    Ok(Filters { calls, gates: gates() })
}

/// Two ways around a filter of numbers. The x32 interface has every call once more from 2^30 on: refused. `clone3` hides
/// its flags behind a pointer, where no filter can look: it is said not to exist, and everybody goes back to `clone`.
fn gates() -> BpfProgram {
    const LOAD: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const JUMP_IF_NOT_LESS: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const ALLOW: u32 = 0x7fff_0000;
    const FAIL_WITH: u32 = 0x0005_0000;
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        // The call's number is the first member of what the kernel shows.
        step(LOAD, 0, 0, 0),
        step(JUMP_IF_NOT_LESS, 0, 1, 0x4000_0000),
        step(RETURN, 0, 0, FAIL_WITH | libc::EPERM as u32),
        step(JUMP_IF_EQUAL, 0, 1, libc::SYS_clone3 as u32),
        step(RETURN, 0, 0, FAIL_WITH | libc::ENOSYS as u32),
        step(RETURN, 0, 0, ALLOW),
    ]
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
        let open = filters(Network::None, true).unwrap().calls;
        let closed = filters(Network::None, false).unwrap().calls;
        assert!(closed.len() > open.len());
        assert_eq!(as_bytes(&open).len(), open.len() * 8);
        assert_eq!(as_bytes(&gates()).len(), 48);
    }
}
