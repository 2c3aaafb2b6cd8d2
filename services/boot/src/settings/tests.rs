//! What is refused, and with which words.

use super::*;

static PORT: Setting = Setting {
    name: "BOOKING_LISTEN",
    form: Form::Listen,
    unset: Unset::Default("127.0.0.1:50052"),
    example: "0.0.0.0:50052",
    meaning: "Where booking listens.",
    secret: false,
};
static POOL: Setting = Setting {
    name: "DATABASE_POOL_SIZE",
    form: Form::Number { least: 1, most: 1000 },
    unset: Unset::Default("16"),
    example: "32",
    meaning: "Most connections.",
    secret: false,
};
static KEY: Setting = Setting {
    name: "MASTER_KEY",
    form: Form::Described("32 bytes in base64"),
    unset: Unset::Refused,
    example: "$(openssl rand -base64 32)",
    meaning: "Seals signing keys.",
    secret: true,
};
static FORMAT: Setting = Setting {
    name: "LOG_FORMAT",
    form: Form::Word(&["text", "json"]),
    unset: Unset::Means("text on a terminal, else json"),
    example: "json",
    meaning: "How the log looks.",
    secret: false,
};

type Read = (SocketAddr, usize, String, Option<&'static str>);

fn reader(settings: &mut Settings) -> Option<Read> {
    let port = settings.listen(&PORT);
    let pool = settings.number(&POOL);
    let key = settings.parsed(&KEY);
    let format = settings.word_if_set(&FORMAT);
    Some((port?, pool?, key?, format))
}

fn read(variables: &[(&str, &str)]) -> Result<Read, String> {
    let mut settings = Settings::of(variables.iter().copied());
    let value = reader(&mut settings);
    settings.finish(value, &[]).map_err(|error| error.to_string())
}

#[test]
fn defaults_are_used_and_blank_is_not_set() {
    let (port, pool, key, format) = read(&[("MASTER_KEY", "k"), ("DATABASE_POOL_SIZE", " ")]).unwrap();
    assert_eq!((port.to_string().as_str(), pool, key.as_str(), format), ("127.0.0.1:50052", 16, "k", None));
    assert!(read(&[("MASTER_KEY", " \n")]).unwrap_err().contains("is not set"));
}

#[test]
fn blanks_at_the_ends_mean_nothing_except_in_a_secret() {
    let (_, pool, key, format) =
        read(&[("MASTER_KEY", " pass word "), ("DATABASE_POOL_SIZE", " 4\n"), ("LOG_FORMAT", "json ")])
            .unwrap();
    assert_eq!((pool, key.as_str(), format), (4, " pass word ", Some("json")));
    let mut settings = Settings::of([("MASTER_KEY", " k\n")]);
    assert_eq!(settings.parsed::<Trimmed>(&KEY).unwrap().0, "k");
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_form_and_example() {
    let wrong = read(&[
        ("BOOKING_LISTEN", "example.com:1"),
        ("DATABASE_POOL_SIZE", "0"),
        ("LOG_FORMAT", "xml"),
        ("BOOKING_LISTENS", ""),
    ])
    .unwrap_err();
    let lines: Vec<&str> = wrong.lines().collect();
    assert_eq!(lines.len(), 4, "{wrong}");
    assert!(lines[0].starts_with("BOOKING_LISTEN has a value `example.com:1`"), "{wrong}");
    assert!(lines[0].ends_with("for example 0.0.0.0:50052."), "{wrong}");
    assert!(lines[1].contains("`0`") && lines[1].contains("from 1 to 1000, for example 32"), "{wrong}");
    assert!(lines[2].starts_with("MASTER_KEY or MASTER_KEY_FILE is not set: Seals"), "{wrong}");
    assert!(lines[3].contains("text or json"), "{wrong}");
    for number in ["-1", "1001", "x", "1.5", "99999999999999999999"] {
        assert!(read(&[("MASTER_KEY", "k"), ("DATABASE_POOL_SIZE", number)]).is_err(), "{number}");
    }
}

#[test]
fn a_misspelt_setting_refuses_the_start() {
    let wrong = read(&[("MASTER_KEY", "k"), ("DATABASE_POOLSIZE", "4")]).unwrap_err();
    assert!(wrong.contains("did you mean DATABASE_POOL_SIZE?"), "{wrong}");
    assert!(read(&[("MASTER_KEY", "k"), ("DATABASE_POOLSIZE", "4"), ("DATABASE_POOL_SIZE", "4")]).is_ok());
    for empty in ["DATABASE_POOLSIZE", "FRONTDESK_NONSENSE"] {
        assert!(read(&[("MASTER_KEY", "k"), (empty, " ")]).is_ok(), "{empty}");
    }
}

#[test]
fn secrets_come_from_files_too_and_are_not_printed() {
    let path = std::env::temp_dir().join(format!("frontdesk-boot-settings-{}", std::process::id()));
    std::fs::write(&path, "from a file\n").unwrap();
    let file = path.to_str().unwrap();
    assert_eq!(read(&[("MASTER_KEY_FILE", file)]).unwrap().2, "from a file");
    for (text, secret) in [(" a b \r\n", " a b "), ("a\n\n", "a\n"), ("a ", "a ")] {
        std::fs::write(&path, text).unwrap();
        assert_eq!(read(&[("MASTER_KEY_FILE", file)]).unwrap().2, secret, "{text:?}");
    }
    let both = read(&[("MASTER_KEY_FILE", file), ("MASTER_KEY", "k")]).unwrap_err();
    assert!(both.contains("MASTER_KEY and MASTER_KEY_FILE are both set"), "{both}");
    std::fs::write(&path, "\n").unwrap();
    assert!(read(&[("MASTER_KEY_FILE", file)]).unwrap_err().contains("is empty"));
    std::fs::remove_file(&path).unwrap();
    assert!(read(&[("MASTER_KEY_FILE", file)]).unwrap_err().contains("cannot be read"));
    assert!(!KEY.complaint("hunter2", None).contains("hunter2"));
}

#[test]
fn the_table_says_what_each_reader_does_without_a_value() {
    let rows = Settings::read_by(|settings| {
        drop(settings.parsed::<String>(&KEY));
        drop(settings.if_set_else::<String>(&KEY, "not checked"));
        drop(settings.needed::<String>(&FORMAT));
    });
    let unset: Vec<Unset> = rows.iter().map(|row| row.unset).collect();
    assert_eq!(unset, [Unset::Refused, Unset::Means("not checked"), Unset::Refused]);
    let mut settings = Settings::default();
    drop(settings.if_set::<String>(&KEY));
    assert!(settings.finish(Some(()), &[]).is_err(), "the row does not say what no value means");
}

#[test]
fn the_table_is_what_is_read() {
    let rows = Settings::read_by(reader);
    let names: Vec<(&str, bool)> = rows.iter().map(|row| (row.setting.name, row.is_needed())).collect();
    assert_eq!(
        names,
        [
            ("BOOKING_LISTEN", false),
            ("DATABASE_POOL_SIZE", false),
            ("MASTER_KEY", true),
            ("LOG_FORMAT", false)
        ]
    );
}
