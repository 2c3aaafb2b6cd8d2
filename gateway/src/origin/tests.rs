use super::*;

#[test]
fn origins_compare_normalised_and_nothing_else_is_one() {
    let origins: Origins = "https://Admin.Example:443, http://localhost:3000".parse().unwrap();
    let cors = Cors::new(origins, "API.example".parse().unwrap());
    let judge = |origin: &'static str| {
        cors.judge(
            &Request::builder().header(ORIGIN, origin).header(HOST, "api.example:8080").body(()).unwrap(),
        )
    };
    assert!(matches!(judge("https://admin.example"), Verdict::Allowed(_)));
    assert!(matches!(judge("http://localhost:3000"), Verdict::Allowed(_)));
    assert_eq!(judge("http://api.example:8080"), Verdict::Same);
    for bad in [
        "null",
        "http://admin.example",
        "https://admin.example.evil",
        "https://evil@admin.example",
        "http://localhost:30000",
        "https://admin.example/x",
    ] {
        assert!(matches!(judge(bad), Verdict::Refused(_)), "{bad}");
    }
    assert_eq!(cors.judge(&Request::new(())), Verdict::Same);
    for bad in ["https://x", "x:80", "x/y", "*"] {
        assert!(bad.parse::<Hosts>().is_err(), "{bad}");
    }
    for bad in ["*", "admin.example", "ftp://x", "https://x/y", "https://"] {
        assert!(bad.parse::<Origins>().is_err(), "{bad}");
    }
}

/// A page whose name leads to another address by now is of the origin that it calls.
#[test]
fn a_page_is_the_gateways_own_at_a_host_that_is() {
    let cors = Cors::new(Origins::default(), "api.example, other.example".parse().unwrap());
    let judge = |host: &str| {
        let origin = format!("http://{host}");
        cors.judge(&Request::builder().header(ORIGIN, &origin).header(HOST, host).body(()).unwrap())
    };
    for own in
        ["api.example", "Other.Example:8080", "localhost:8080", "x.localhost", "10.1.2.3:1", "[::1]:8080"]
    {
        assert_eq!(judge(own), Verdict::Same, "{own}");
    }
    for strange in
        ["rebound.example", "rebound.example:8080", "api.example.evil", "xlocalhost", "10.1.2.3.evil"]
    {
        assert!(matches!(judge(strange), Verdict::Refused(_)), "{strange}");
    }
}

#[test]
fn a_call_to_a_foreign_host_is_answered_unless_it_is_said_which_are_the_gateways() {
    let misdirected = |hosts: &Hosts, host: &str| {
        let cors = Cors::new(Origins::default(), hosts.clone());
        let refusal = cors.misdirected(&Request::builder().header(HOST, host).body(()).unwrap());
        refusal.map(|refusal| refusal.reason())
    };
    let named: Hosts = "api.example".parse().unwrap();
    let here = Hosts::default().alone();
    for unnamed in [Hosts::default(), "".parse().unwrap(), " , ".parse().unwrap()] {
        assert_eq!(misdirected(&unnamed, "rebound.example:8080"), None);
    }
    let refused = Some(ErrorReason::OriginNotAllowed);
    for foreign in ["rebound.example", "rebound.example:8080", "api.example.evil", "", "a b"] {
        for hosts in [&named, &here] {
            assert_eq!(misdirected(hosts, foreign), refused, "{foreign}");
        }
    }
    // A name may have the dot of the root, there and here.
    let with_dot: Hosts = "api.example.".parse().unwrap();
    assert!(".".parse::<Hosts>().is_err());
    assert_eq!(misdirected(&here, "localhost.:8080"), None);
    for own in ["API.example:8080", "api.example", "api.example.", "api.example.:8080"] {
        assert_eq!(misdirected(&named, own), None, "{own}");
        assert_eq!(misdirected(&with_dot, own), None, "{own}");
        assert_eq!(misdirected(&here, own), refused, "{own}");
    }
    for own in ["localhost:8080", "app.localhost", "127.0.0.1", "10.1.2.3:1", "[::1]:8080"] {
        for hosts in [&named, &here] {
            assert_eq!(misdirected(hosts, own), None, "{own}");
        }
    }
    let of_http2 = Request::builder().uri("http://rebound.example/v1/me").body(()).unwrap();
    let cors = Cors::new(Origins::default(), named);
    assert!(cors.misdirected(&of_http2).is_some());
    assert!(cors.misdirected(&Request::new(())).is_none(), "it names nothing");
}
