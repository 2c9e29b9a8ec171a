//! TLS to the database: a certificate that is checked, and one that nobody signed for.

use std::process::{Command, Stdio};

use catalogue::queue::{Link, QueueAddress, QueueError};

use crate::postgres::{PASSWORD, queue, runtime};

#[test]
fn the_servers_certificate_is_checked_by_authority_and_by_name() {
    let Some(database) = queue() else { return };
    let server = &database.server;
    let folder = server.folder().join("data");
    let (key, certificate) = (folder.join("server.key"), folder.join("server.crt"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]);
    openssl.args([
        "-addext",
        "subjectAltName=DNS:localhost",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ]);
    openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    server.as_user(&mut openssl);
    if !openssl.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        println!("skipped: TLS to PostgreSQL: openssl is not on this machine");
        return;
    }
    server.sql("postgres", "ALTER SYSTEM SET ssl = on").unwrap();
    server.sql("postgres", "SELECT pg_reload_conf()").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    let roots = tempfile::NamedTempFile::new().unwrap();
    std::fs::copy(&certificate, roots.path()).unwrap();
    let ask = |host: &str, parameters: &str| {
        let address = format!("{}?{parameters}", database.address("keeper").replace("127.0.0.1", host));
        let address: QueueAddress = address.parse().unwrap();
        runtime().block_on(async { Link::new(address.with_password(PASSWORD)).check_version().await })
    };
    let named = format!("sslmode=verify-full&sslrootcert={}", roots.path().display());
    ask("localhost", &named).unwrap();
    let encrypted = "SELECT count(*) FROM pg_stat_ssl WHERE ssl";
    assert_eq!(database.number(encrypted), 0, "the keeper of the tests itself is not");
    for (host, parameters, why) in [
        ("localhost", "sslmode=require", "nobody signed for it"),
        ("127.0.0.1", named.as_str(), "another name"),
    ] {
        let error = ask(host, parameters).expect_err(why);
        assert!(matches!(error, QueueError::Unreachable { .. }), "{why}: {error:?}");
    }
}
