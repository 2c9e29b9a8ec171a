//! The system calls that the rows make, as plain functions: everything unsafe of the suite is here.
#![expect(unsafe_code, reason = "the rows try calls that no safe interface offers")]

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd, RawFd};

pub(crate) use libc::SIGALRM;

/// A system call by its number. The error if it was refused.
pub(crate) fn call(number: libc::c_long, arguments: [libc::c_long; 6]) -> io::Result<libc::c_long> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: pointers among the arguments come from values that live over the call; a wild one gives EFAULT.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// True for the ways in which a kernel or a filter says no.
pub(crate) fn is_refusal(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES | libc::ENOSYS))
}

/// A NUL-terminated text for [`call`].
pub(crate) fn text(words: &str) -> CString {
    CString::new(words.replace('\0', "")).unwrap_or_default()
}

/// Its address.
pub(crate) fn at(words: &CString) -> libc::c_long {
    words.as_ptr() as libc::c_long
}

/// The address of any value.
pub(crate) fn address<T>(value: &T) -> libc::c_long {
    std::ptr::from_ref(value) as libc::c_long
}

pub(crate) fn fork() -> io::Result<i32> {
    // SAFETY: this program is single-threaded where rows are played.
    let pid = unsafe { libc::fork() };
    if pid == -1 { Err(io::Error::last_os_error()) } else { Ok(pid) }
}

pub(crate) fn exit_now(status: i32) -> ! {
    // SAFETY: plain system call.
    unsafe { libc::_exit(status) }
}

pub(crate) fn setsid() {
    // SAFETY: plain system call.
    unsafe { libc::setsid() };
}

pub(crate) fn alarm(seconds: u32) {
    // SAFETY: plain system call; the default action ends the process.
    unsafe { libc::alarm(seconds) };
}

/// Ignores the polite signals.
pub(crate) fn ignore_signals() {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGPIPE, libc::SIGQUIT] {
        // SAFETY: plain system call.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

pub(crate) fn pipe() -> io::Result<(File, File)> {
    let mut ends: [RawFd; 2] = [0; 2];
    // SAFETY: the array lives over the call; both descriptors are ours alone.
    unsafe {
        if libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) == -1 {
            return Err(io::Error::last_os_error());
        }
        Ok((File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1])))
    }
}

/// Waits for a child's end, then reads what it left without waiting for more; the signal that ended it.
pub(crate) fn wait_and_read(child: i32, fd: RawFd, read: impl FnOnce()) -> Option<i32> {
    let mut status = 0;
    // SAFETY: plain system calls, a local out parameter.
    unsafe {
        libc::waitpid(child, &raw mut status, 0);
        libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK);
    }
    read();
    libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status))
}

/// Memory of `bytes`, every page written to; `shared` memory is no process's data.
pub(crate) fn memory(bytes: usize, shared: bool) -> io::Result<()> {
    let flags = libc::MAP_ANONYMOUS | if shared { libc::MAP_SHARED } else { libc::MAP_PRIVATE };
    // SAFETY: a new mapping of our own, written inside its bounds, never unmapped.
    unsafe {
        let start = libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        for page in (0..bytes).step_by(4096) {
            start.cast::<u8>().add(page).write_volatile(1);
        }
    }
    Ok(())
}

/// A 32-bit system call, by the gate that 64-bit filters overlook.
#[cfg(target_arch = "x86_64")]
pub(crate) fn call_32(number: u32) -> i32 {
    let result: i32;
    // SAFETY: getpid and its like take no argument; a kernel without the gate raises a signal, which ends this child.
    unsafe {
        std::arch::asm!(
            "push rbx",
            "xor ebx, ebx",
            "int 0x80",
            "pop rbx",
            inout("eax") number => result,
            out("rcx") _, out("rdx") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    result
}

/// Waits for a child's end.
pub(crate) fn wait(child: i32) {
    // SAFETY: plain system call; the status is not asked for.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
}

/// Closes one of the standard streams.
pub(crate) fn close(fd: RawFd) {
    // SAFETY: the streams of this process are its own.
    unsafe { libc::close(fd) };
}

pub(crate) use libc::{SIGKILL, SIGTERM};

pub(crate) fn kill(pid: i32, signal: i32) -> bool {
    // SAFETY: plain system call.
    unsafe { libc::kill(pid, signal) == 0 }
}

/// A file that grew beyond its bound is then an error and no signal.
pub(crate) fn ignore_size_signal() {
    // SAFETY: plain system call.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// What the machine calls a thing: the user's id.
pub(crate) fn uid() -> u32 {
    // SAFETY: plain system call.
    unsafe { libc::getuid() }
}

/// This process's parent.
pub(crate) fn parent() -> i32 {
    // SAFETY: plain system call.
    unsafe { libc::getppid() }
}

/// Starts a program and reads its status before it does anything: `execve` is waited for by a pipe that it closes.
pub(crate) fn start_and_look(program: &str) -> io::Result<String> {
    use std::io::Read;
    let name = text(program);
    let words = [name.as_ptr(), c"--version".as_ptr(), std::ptr::null()];
    let (mut read, write) = pipe()?;
    let child = fork()?;
    if child == 0 {
        // Its output goes nowhere: standard output is the conversation.
        close(1);
        close(2);
        close(0);
        // SAFETY: NUL-terminated texts and a table of them that ends with a null pointer.
        unsafe { libc::execv(name.as_ptr(), words.as_ptr()) };
        exit_now(127);
    }
    drop(write);
    let mut end = Vec::new();
    // Comes back when the descriptor is closed: by the start of the program, or by its end.
    read.read_to_end(&mut end)?;
    kill(child, libc::SIGSTOP);
    let status = std::fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
    kill(child, SIGKILL);
    wait(child);
    Ok(status)
}

/// Becomes a shell that sleeps, with no variable and this word among its arguments.
pub(crate) fn become_sleeper(word: &str) {
    let word = text(word);
    let script = c"while :; do sleep 1; done";
    let words = [c"/bin/sh".as_ptr(), c"-c".as_ptr(), script.as_ptr(), word.as_ptr(), std::ptr::null()];
    let none: [*const libc::c_char; 1] = [std::ptr::null()];
    // SAFETY: NUL-terminated texts and tables of them that end with a null pointer.
    unsafe { libc::execve(c"/bin/sh".as_ptr(), words.as_ptr(), none.as_ptr()) };
}
