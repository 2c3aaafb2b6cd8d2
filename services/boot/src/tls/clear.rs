//! Where calls may go in the clear. Tokens and guests' data are in them, so that beyond
//! this machine somebody has to say so.

use std::net::{IpAddr, SocketAddr};

use crate::settings::{Form, Setting, Settings, Unset};

static CLEARTEXT: Setting = Setting {
    name: "CLEARTEXT",
    form: Form::Word(&["loopback", "operator-port", "everywhere"]),
    unset: Unset::Means("loopback"),
    example: "everywhere",
    meaning: "What may go without TLS: what stays on this machine's loopback, the operator port beside it, which speaks no TLS, or calls everywhere, for a network that nobody else reads or a proxy that ends TLS.",
    secret: false,
};

/// Where calls may go in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleartext {
    everywhere: bool,
    operator_port: bool,
}

impl Cleartext {
    /// Reads `CLEARTEXT`.
    pub fn read(settings: &mut Settings) -> Self {
        let word = settings.word_if_set(&CLEARTEXT);
        let everywhere = word == Some("everywhere");
        Self { everywhere, operator_port: everywhere || word == Some("operator-port") }
    }

    /// Refuses to listen where it is not allowed.
    pub fn check_listening(
        self,
        settings: &mut Settings,
        setting: &Setting,
        addr: SocketAddr,
        has_tls: bool,
    ) {
        if !has_tls && !self.everywhere && others_reach(addr) {
            settings.refuse_because::<()>(format!(
                "{} is {addr}, which others can reach, and calls there would go in the clear: set TLS_CERTIFICATE and TLS_KEY or, if nobody else reads that network, CLEARTEXT=everywhere.",
                setting.name
            ));
        }
    }

    /// Refuses to answer operators where it is not allowed.
    pub fn check_operator_port(self, settings: &mut Settings, setting: &Setting, addr: SocketAddr) {
        if !self.operator_port && others_reach(addr) {
            settings.refuse_because::<()>(format!(
                "{} is {addr}, which others can reach, and the operator port answers whoever asks, in the clear: let it listen on this machine alone or, if only operators reach it there, set CLEARTEXT=operator-port.",
                setting.name
            ));
        }
    }

    /// Refuses to call where it is not allowed.
    pub fn check_calling<'a>(
        self,
        settings: &mut Settings,
        setting: &Setting,
        hosts: impl IntoIterator<Item = &'a str>,
        has_tls: bool,
    ) {
        let beyond = hosts.into_iter().find(|host| !is_here(host));
        if let Some(host) = beyond.filter(|_| !has_tls && !self.everywhere) {
            settings.refuse_because::<()>(format!(
                "{} has {host}, which is not this machine, and calls there would go in the clear: set UPSTREAM_AUTHORITY or, if nobody else reads that network, CLEARTEXT=everywhere.",
                setting.name
            ));
        }
    }
}

fn others_reach(addr: SocketAddr) -> bool {
    !addr.ip().to_canonical().is_loopback()
}

fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|addr| addr.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    static LISTEN: Setting = Setting {
        name: "X_LISTEN",
        form: Form::Listen,
        unset: Unset::Refused,
        example: "x",
        meaning: "X.",
        secret: false,
    };

    #[test]
    fn operators_beyond_this_machine_need_a_word_too() {
        for (said, listen, wrong) in [
            (None, "127.0.0.1:1", 0),
            (None, "0.0.0.0:1", 1),
            (Some("loopback"), "[::]:1", 1),
            (Some("operator-port"), "0.0.0.0:1", 0),
            (Some("everywhere"), "0.0.0.0:1", 0),
        ] {
            let admin = ("ADMIN_LISTEN", listen);
            let mut settings = Settings::of(said.map(|word| ("CLEARTEXT", word)).into_iter().chain([admin]));
            let addr = crate::AdminPort::read(&mut settings);
            assert_eq!(addr, listen.parse().ok());
            let problems = settings.finish(Some(()), &[]).err().map_or_else(Vec::new, |error| error.0);
            assert_eq!(problems.len(), wrong, "{said:?} {listen}: {problems:?}");
            assert!(problems.iter().all(|text| text.contains("CLEARTEXT=operator-port")), "{problems:?}");
        }
    }

    #[test]
    fn beyond_this_machine_somebody_has_to_say_so() {
        for (said, listen, host, has_tls, wrong) in [
            (None, "127.0.0.1:1", "localhost", false, 0),
            (None, "[::1]:1", "[::1]", false, 0),
            (None, "0.0.0.0:1", "identity", false, 2),
            (None, "[::]:1", "10.0.0.7", false, 2),
            (None, "0.0.0.0:1", "identity", true, 0),
            (Some("everywhere"), "0.0.0.0:1", "identity", false, 0),
            (Some("loopback"), "192.0.2.1:1", "127.0.0.1.example.com", false, 2),
            (Some("operator-port"), "0.0.0.0:1", "identity", false, 2),
        ] {
            let mut settings = Settings::of(said.map(|word| ("CLEARTEXT", word)));
            let clear = Cleartext::read(&mut settings);
            clear.check_listening(&mut settings, &LISTEN, listen.parse().unwrap(), has_tls);
            clear.check_calling(&mut settings, &LISTEN, [host], has_tls);
            let problems = settings.finish(Some(()), &[]).err().map_or_else(Vec::new, |error| error.0);
            assert_eq!(problems.len(), wrong, "{said:?} {listen} {host}: {problems:?}");
            assert!(problems.iter().all(|text| text.contains("CLEARTEXT=everywhere")), "{problems:?}");
        }
    }
}
