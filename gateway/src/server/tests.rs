use boot::{AtOnce, StopPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use super::*;
use crate::call::upstreams::Upstreams;
use crate::config::Policy;
use crate::pages::Pages;

const PING: u8 = 6;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
/// More than a client may leave unread.
const STREAMS: u32 = 100;

/// A connection to a gateway before which there is nothing else.
fn connected() -> DuplexStream {
    connected_for(Duration::from_hours(1))
}

/// One that is ended after it has asked nothing for so long.
fn connected_for(idle: Duration) -> DuplexStream {
    let pages = Pages::new(boot::Version { number: "0", commit: "none" });
    let edge = Edge::new(crate::routes::compile().unwrap(), pages, Upstreams::nowhere(), Policy::default());
    let (client, stream) = duplex(1024 * 1024);
    let hour = Duration::from_hours(1);
    let one = One {
        edge,
        stop: Stop::new(StopPolicy::AT_ONCE),
        life: Life::new(idle, hour, 0),
        peer: SocketAddr::from(([127, 0, 0, 1], 1)),
    };
    let place = AtOnce::new(1, 1).take(None).unwrap();
    tokio::spawn(async move { one.serve(builders(), stream, place).await });
    client
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Asks for a long page on each of so many streams, which take so many bytes.
async fn ask(client: &mut DuplexStream, streams: u32, window: u32) {
    let settings = [&[0, 4][..], &window.to_be_bytes()].concat();
    let begin = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(4, 0, 0, &settings)].concat();
    client.write_all(&begin).await.unwrap();
    // GET, http, a path and an authority that are written out (RFC 7541, 6.2.2).
    let fields = b"\x82\x86\x04\x0d/openapi.json\x01\x09localhost";
    for stream in 0..streams {
        client.write_all(&frame(HEADERS, 5, 2 * stream + 1, fields)).await.unwrap();
    }
}

/// How many frames of each kind come until the connection ends, to a client whose system
/// answers pings, and how long that takes; `opens` is the window that it opens with each.
async fn until_the_end(client: &mut DuplexStream, opens: u32) -> ([usize; 16], Duration) {
    let (began, mut kinds) = (Instant::now(), [0; 16]);
    loop {
        let mut head = [0; 9];
        if client.read_exact(&mut head).await.is_err() {
            return (kinds, began.elapsed());
        }
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        client.read_exact(&mut payload).await.unwrap();
        let (kind, flags) = (head[3], head[4]);
        kinds[usize::from(kind)] += 1;
        let mut answer = Vec::new();
        if kind == PING && flags == 0 {
            answer = frame(PING, 1, 0, &payload);
            if opens > 0 {
                // That of the connection, and that of the first stream.
                answer.extend([0, 1].map(|stream| frame(8, 0, stream, &opens.to_be_bytes())).concat());
            }
        }
        client.write_all(&answer).await.unwrap_or_default();
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_opens_no_window_for_its_answers_is_let_go() {
    let mut client = connected();
    ask(&mut client, STREAMS, 0).await;
    let (kinds, took) = until_the_end(&mut client, 0).await;
    assert_eq!((kinds[usize::from(HEADERS)], kinds[usize::from(DATA)]), (STREAMS as usize, 0));
    assert!(kinds[usize::from(PING)] > 0, "it would be let go for that");
    assert!((60..80).contains(&took.as_secs()), "{took:?}");
}

/// It takes a little of one of them, so that the connection is never at rest.
#[tokio::test(start_paused = true)]
async fn so_is_one_that_opens_it_for_one_of_many() {
    let mut client = connected();
    ask(&mut client, STREAMS, 1).await;
    let (_, took) = until_the_end(&mut client, 32 * 1024).await;
    assert!((60..80).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_its_answer_slowly_gets_all_of_it() {
    let mut client = connected();
    ask(&mut client, 1, 1).await;
    let patience = Duration::from_mins(10);
    let ended = tokio::time::timeout(patience, until_the_end(&mut client, 32 * 1024)).await;
    assert!(ended.is_err(), "it was let go: {ended:?}");
}

/// Asks over HTTP/1.1, in parts between which some time passes, and reads a short answer.
async fn asked(client: &mut DuplexStream, parts: &[&str]) -> String {
    for part in parts {
        client.write_all(part.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let mut answer = vec![0; 4096];
    let length = client.read(&mut answer).await.unwrap();
    String::from_utf8(answer[..length].to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_rests_goes_on_where_it_was_however_its_next_request_comes() {
    const WHOLE: &str = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut client = connected();
    for _ in 0..3 {
        for parts in
            [&[WHOLE][..], &[&WHOLE[..1], &WHOLE[1..]], &[&WHOLE[..20], &WHOLE[20..30], &WHOLE[30..]]]
        {
            let answer = asked(&mut client, parts).await;
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\"alive\"}"), "{answer}");
            // It is looked at every ten seconds.
            tokio::time::sleep(Duration::from_secs(25)).await;
        }
    }
    // Two at once are two, and half of a third one has its time.
    client.write_all([WHOLE, WHOLE, "GET /li"].concat().as_bytes()).await.unwrap();
    let mut rest = String::new();
    let began = Instant::now();
    client.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest.matches("HTTP/1.1 200").count(), 2, "{rest}");
    assert!((10..31).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn one_that_rests_is_closed_in_its_time() {
    let mut client = connected_for(Duration::from_secs(40));
    asked(&mut client, &["GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"]).await;
    let began = Instant::now();
    assert_eq!(client.read(&mut [0; 9]).await.unwrap(), 0);
    assert!((38..51).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}
