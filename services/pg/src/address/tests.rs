// A test that cannot go on says where.
#![allow(clippy::unwrap_used)]

use super::*;

fn read(text: &str) -> Address {
    text.parse().unwrap_or_else(|said| panic!("{text}: {said}"))
}

fn said(text: &str) -> String {
    let said = text.parse::<Address>().unwrap_err();
    assert!(said.starts_with("DATABASE_URL cannot be used: ") && !said.contains("secret"), "{said}");
    said
}

#[test]
fn without_a_word_of_tls_only_this_machine_may_go_without() {
    for (text, wanted) in [
        ("postgresql:///d?host=/tmp", Security::Plain),
        ("postgresql:///d?host=/tmp&sslmode=require", Security::Plain),
        ("postgresql://127.0.0.1/d", Security::TlsOrPlain),
        ("postgresql://[::1]/d", Security::TlsOrPlain),
        ("postgresql://localhost/d", Security::TlsOrPlain),
        ("postgresql://db/d?hostaddr=127.0.0.1", Security::TlsOrPlain),
        ("postgresql://db.example.com/d", Security::Tls),
        ("postgresql://10.0.0.7/d", Security::Tls),
        ("postgresql://localhost/d?hostaddr=10.0.0.7", Security::Tls),
        ("postgresql://db/d?sslmode=disable", Security::Plain),
        ("postgresql://db/d?sslmode=allow", Security::PlainOrTls),
        ("postgresql://db/d?sslmode=prefer", Security::TlsOrPlain),
        ("postgresql://127.0.0.1/d?sslmode=require", Security::Tls),
        ("postgresql://127.0.0.1/d?ssl=true", Security::Tls),
    ] {
        assert_eq!(read(text).hosts[0].security, wanted, "{text}");
    }
}

#[test]
fn several_hosts_have_their_ports_and_addresses() {
    let address = read("postgresql://u@a,b:6432,[::1]/d");
    assert_eq!(address.hosts(), "a:5432, b:6432, ::1:5432");
    assert_eq!((address.target, address.database()), (TargetServer::PrimaryFirst, Some("d")));
    let address = read("host=a,b hostaddr=10.0.0.1,10.0.0.2 port=7 target_session_attrs=read-write");
    assert_eq!((address.hosts().as_str(), address.target), ("a:7, b:7", TargetServer::Primary));
    assert_eq!(address.hosts[1].config.get_hostaddrs(), ["10.0.0.2".parse::<IpAddr>().unwrap()]);
    assert_eq!(
        read("postgresql://a/d").target,
        TargetServer::PrimaryFirst,
        "a name may have several addresses"
    );
    assert_eq!(read("postgresql://a/d?target_session_attrs=any").target, TargetServer::Any);
    assert!(read("postgresql://a,b/d?load_balance_hosts=random").is_shuffled);
}

#[test]
fn what_libpq_takes_is_taken() {
    for parameter in [
        "gssencmode=disable",
        "fallback_application_name=x",
        "client_encoding=UTF8",
        "sslcompression=0",
        "krbsrvname=postgres",
        "replication=false",
        "sslcertmode=allow",
        "sslsni=0",
        "keepalives_count=2",
        "ssl_min_protocol_version=TLSv1.3",
        "max_protocol_version=latest",
        "options=-c%20geqo%3Doff",
        "channel_binding=require",
        "sslmode=",
        "passfile=",
    ] {
        read(&format!("postgresql://u:secret@h/d?{parameter}"));
    }
    let config = &read("host=/tmp tcp_user_timeout=2500 keepalives_idle=7 connect_timeout=3").hosts[0].config;
    assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_millis(2500)));
    assert_eq!(config.get_keepalives_idle(), Duration::from_secs(7));
    assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(3)));
}

#[test]
fn what_is_not_taken_is_named_with_the_way_out() {
    for (parameters, wanted) in [
        ("pgbouncer=true", "`pgbouncer` is not libpq's: leave it out"),
        ("schema=public", "`schema` is not libpq's: leave it out"),
        ("nonsense=1", "`nonsense` is not a parameter"),
        ("gssencmode=require", "`gssencmode` takes disable, prefer: Kerberos"),
        ("client_encoding=LATIN1", "`client_encoding` takes UTF8"),
        ("passfile=/x", "`passfile` is not read: put the address"),
        ("service=main", "`service` is not looked up"),
        ("requirepeer=postgres", "`requirepeer` is not looked at"),
        ("sslmode=maybe", "`sslmode` takes disable, allow, prefer, require, verify-ca, verify-full"),
        ("sslmode=verify-full", "need sslrootcert"),
        ("sslmode=require&sslrootcert=system", "sslrootcert=system goes with sslmode=verify-full"),
        (
            "sslmode=verify-ca&sslrootcert=/nowhere/ca.pem",
            "sslrootcert /nowhere/ca.pem: the file cannot be read",
        ),
        ("sslcert=/nowhere/c.pem", "sslcert and sslkey go together"),
        ("sslnegotiation=direct", "sslnegotiation=direct goes with sslmode=require"),
        ("ssl_min_protocol_version=SSLv3", "take TLSv1.2 and TLSv1.3"),
        ("target_session_attrs=read-only", "target_session_attrs takes read-write"),
        ("channel_binding=maybe", "`channel_binding` takes disable, prefer, require"),
        ("connect_timeout=soon", "`connect_timeout` takes a whole number"),
        ("port=0", "port takes numbers from 1"),
        ("port=1,2", "port has 2 values for 1 hosts"),
        ("hostaddr=db", "hostaddr takes IP addresses"),
    ] {
        let said = said(&format!("postgresql://u:secret@h/d?{parameters}"));
        assert!(said.contains(wanted), "{parameters}: {said}");
    }
}
