// A test that cannot go on says where.
#![allow(clippy::unwrap_used)]

use std::future::ready;
use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// What a server says of itself.
#[derive(Clone, Copy)]
enum Is {
    Silent,
    Standby,
    Primary,
}

/// As much of a server as it takes to let a connection in and to say what it is.
async fn serve(listener: TcpListener, is: Is) {
    let mut held = Vec::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        if matches!(is, Is::Silent) {
            held.push(stream);
            continue;
        }
        tokio::spawn(async move {
            let mut asked = vec![0; 4096];
            // Whatever begins it is let in: authenticated, and ready for queries.
            assert_ne!(stream.read(&mut asked).await.unwrap(), 0);
            stream.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").await.unwrap();
            while let Ok(1..) = stream.read(&mut asked).await {
                if asked.first() != Some(&b'Q') {
                    return;
                }
                let answer = if matches!(is, Is::Standby) { b't' } else { b'f' };
                let mut row =
                    b"T\0\0\0\x1a\0\x01c\0\0\0\0\0\0\0\0\0\0\x10\0\x01\xff\xff\xff\xff\0\0".to_vec();
                row.extend_from_slice(b"D\0\0\0\x0b\0\x01\0\0\0\x01");
                row.push(answer);
                row.extend_from_slice(b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I");
                stream.write_all(&row).await.unwrap();
            }
        });
    }
}

/// Servers of one port, each at an address of its own.
async fn servers(each: &[Is]) -> (u16, Vec<IpAddr>) {
    let (mut port, mut addresses) = (0, Vec::new());
    for (place, is) in (1..).zip(each) {
        let address = IpAddr::from([127, 0, 7, place]);
        let listener = TcpListener::bind(SocketAddr::new(address, port)).await.unwrap();
        port = listener.local_addr().unwrap().port();
        tokio::spawn(serve(listener, *is));
        addresses.push(address);
    }
    (port, addresses)
}

fn connector(port: u16, more: &str) -> Connector {
    let url = format!("postgresql://u@db.example/d?sslmode=disable&port={port}{more}");
    Connector::new(url.parse().unwrap())
}

/// The server that let the last connection in.
fn good(connector: &Connector) -> String {
    connector.good.lock().unwrap().name.clone()
}

#[tokio::test]
async fn each_address_of_a_name_has_the_time_of_a_host() {
    let (port, addresses) = servers(&[Is::Silent, Is::Primary]).await;
    let connector = connector(port, "&connect_timeout=2");
    let look_up = |name: String| {
        assert_eq!(name, "db.example");
        ready(Ok(addresses.clone()))
    };
    let began = Instant::now();
    drop(connector.open_by(&look_up).await.unwrap());
    assert!(began.elapsed() >= Duration::from_secs(2), "the first one was not tried");
    assert_eq!(good(&connector), format!("db.example:{port} at 127.0.7.2"));
    // The one that answered is asked first from then on.
    let began = Instant::now();
    drop(connector.open_by(&look_up).await.unwrap());
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_primary_is_found_among_the_addresses_of_a_name() {
    let (port, addresses) = servers(&[Is::Standby, Is::Primary]).await;
    let look_up = |_| ready(Ok(addresses.clone()));
    let insists = connector(port, "&target_session_attrs=primary");
    drop(insists.open_by(&look_up).await.unwrap());
    assert_eq!(good(&insists), format!("db.example:{port} at 127.0.7.2"));
    // As of several hosts, where nobody says what is wanted.
    let first = connector(port, "");
    drop(first.open_by(&look_up).await.unwrap());
    assert_eq!(good(&first), format!("db.example:{port} at 127.0.7.2"));
    let anybody = connector(port, "&target_session_attrs=any");
    drop(anybody.open_by(&look_up).await.unwrap());
    assert_eq!(good(&anybody), format!("db.example:{port} at 127.0.7.1"));
}

#[tokio::test]
async fn what_became_of_each_address_is_told_once() {
    let told = async |addresses: &[[u8; 4]], more: &str, port| {
        let look_up = |_| ready(Ok(addresses.iter().map(|one| IpAddr::from(*one)).collect()));
        let error = connector(port, more).open_by(&look_up).await.map(drop).unwrap_err();
        Fault::from(error).advice().to_string()
    };
    let (port, _) = servers(&[Is::Standby]).await;
    let nobody = told(&[[127, 0, 8, 1], [127, 0, 8, 2]], "", port).await;
    assert!(nobody.starts_with("nothing takes connections there: start the database"), "{nobody}");
    let insists = "&target_session_attrs=primary";
    let both = told(&[[127, 0, 7, 1], [127, 0, 8, 1]], insists, port).await;
    let each = format!(
        "db.example:{port} at 127.0.7.1: it is a standby; db.example:{port} at 127.0.8.1: nothing takes connections there"
    );
    assert!(both.starts_with(&each), "{both}");
    let unknown = told(&[], "", port).await;
    assert!(unknown.starts_with("its host is not known"), "{unknown}");
}
