//! The two forms of a connection string as libpq reads them: `postgresql://` and
//! `key=value`. What a parameter means is not known here.

/// Parameters in the order in which they stand; a later one of the same name wins.
pub(super) type Pairs = Vec<(String, String)>;

/// Cuts a connection string into its parameters. Errors say what is wrong and hold
/// nothing of the string but names.
pub(super) fn pairs(text: &str) -> Result<Pairs, String> {
    for scheme in ["postgresql://", "postgres://"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            return of_url(rest);
        }
    }
    match text.split_once("://") {
        // Other programs' names for the same: `jdbc:postgresql:`, `postgresql+asyncpg:`.
        Some((scheme, _)) if scheme.contains("postgres") && is_scheme(scheme) => {
            Err(format!("it begins with `{scheme}://`: write `postgresql://`"))
        }
        Some((scheme, _)) if is_scheme(scheme) => {
            Err(format!("`{scheme}://` is not a database of PostgreSQL: write `postgresql://`"))
        }
        _ => of_words(text),
    }
}

fn is_scheme(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-:".contains(&byte))
}

/// `user:password@host:port,host:port/dbname?name=value&name=value`
fn of_url(rest: &str) -> Result<Pairs, String> {
    let mut pairs = Pairs::new();
    let mut rest = rest;
    if let Some(end) = rest.find(['@', '/'])
        && rest.as_bytes()[end] == b'@'
    {
        let (user, password) = match rest[..end].split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (&rest[..end], None),
        };
        pairs.push(("user".to_owned(), decoded(user, "the user's name")?));
        if let Some(password) = password {
            pairs.push(("password".to_owned(), decoded(password, "the password")?));
        }
        rest = &rest[end + 1..];
    }
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
    if !hosts.is_empty() {
        let (mut names, mut ports) = (Vec::new(), Vec::new());
        for host in hosts.split(',') {
            let (name, port) = host_and_port(host)?;
            names.push(decoded(name, "a host's name")?);
            ports.push(decoded(port, "a port")?);
        }
        pairs.push(("host".to_owned(), names.join(",")));
        if ports.iter().any(|port| !port.is_empty()) {
            pairs.push(("port".to_owned(), ports.join(",")));
        }
    }
    if !database.is_empty() {
        pairs.push(("dbname".to_owned(), decoded(database, "the database's name")?));
    }
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let name = decoded(parameter.split('=').next().unwrap_or_default(), "a parameter's name")?;
        let Some((_, value)) = parameter.split_once('=') else {
            return Err(format!("the parameter `{name}` has no value"));
        };
        let value = decoded(value, &format!("the value of `{name}`"))?;
        match (name.as_str(), value.as_str()) {
            // As libpq does for those who come from JDBC.
            ("ssl", "true") => pairs.push(("sslmode".to_owned(), "require".to_owned())),
            _ => pairs.push((name, value)),
        }
    }
    Ok(pairs)
}

fn host_and_port(host: &str) -> Result<(&str, &str), String> {
    let Some(rest) = host.strip_prefix('[') else {
        return Ok(host.split_once(':').unwrap_or((host, "")));
    };
    let closed = || "an IPv6 address of it is not closed by `]`".to_owned();
    let (address, rest) = rest.split_once(']').ok_or_else(closed)?;
    match rest.strip_prefix(':') {
        Some(port) => Ok((address, port)),
        None if rest.is_empty() => Ok((address, "")),
        None => Err("only `:` and a port may follow the `]` of an IPv6 address".to_owned()),
    }
}

fn decoded(text: &str, what: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits =
            [rest.next(), rest.next()].map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
        match digits {
            [Some(high), Some(low)] if high + low > 0 => {
                // Two digits of 16 fit into a byte.
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
            }
            _ => {
                return Err(format!(
                    "in {what} a `%` is not followed by two hexadecimal digits: write `%25` for `%`"
                ));
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| format!("{what} is not UTF-8"))
}

/// `name = value name='a value with blanks, \' and \\'`
fn of_words(text: &str) -> Result<Pairs, String> {
    let mut pairs = Pairs::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|letter: char| letter == '=' || letter.is_whitespace()).unwrap_or(rest.len());
        let name = &rest[..end];
        let Some(value) = rest[end..].trim_start().strip_prefix('=') else {
            // The word may be a piece of a password.
            return Err("it is neither a postgresql:// URL nor `name=value` words".to_owned());
        };
        let (value, behind) =
            word(value.trim_start()).map_err(|problem| format!("the value of `{name}` {problem}"))?;
        pairs.push((name.to_owned(), value));
        rest = behind.trim_start();
    }
    Ok(pairs)
}

/// The first value of a text, and what comes after it.
fn word(text: &str) -> Result<(String, &str), &'static str> {
    let quoted = text.starts_with('\'');
    let mut letters = text.char_indices();
    if quoted {
        letters.next();
    }
    let mut value = String::new();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            '\'' if quoted => return Ok((value, &text[place + 1..])),
            _ if !quoted && letter.is_whitespace() => return Ok((value, &text[place..])),
            _ => value.push(letter),
        }
    }
    if quoted { Err("is not closed by a quote") } else { Ok((value, "")) }
}

#[cfg(test)]
// A test that cannot go on says where.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let pairs = pairs(text).unwrap();
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_url_is_read_as_libpq_reads_it() {
        for (text, wanted) in [
            ("postgresql://", ""),
            ("postgres://h", "host=h"),
            ("postgresql://u:p%40%2F@h:5433/d", "user=u password=p@/ host=h port=5433 dbname=d"),
            ("postgresql://u@a,b:2,[::1]:3/d", "user=u host=a,b,::1 port=,2,3 dbname=d"),
            ("postgresql://a,b/d?target_session_attrs=any", "host=a,b dbname=d target_session_attrs=any"),
            ("postgresql:///d?host=/tmp/a%20b&user=u", "dbname=d host=/tmp/a b user=u"),
            ("postgresql://%2Ftmp/d", "host=/tmp dbname=d"),
            ("postgresql://h/d?ssl=true&password=a@b/c", "host=h dbname=d sslmode=require password=a@b/c"),
        ] {
            assert_eq!(read(text), wanted, "{text}");
        }
    }

    #[test]
    fn words_are_read_as_libpq_reads_them() {
        for (text, wanted) in [
            ("", ""),
            ("host=h  port = 5433", "host=h port=5433"),
            (r"password='it\'s \\' host=''", r"password=it's \ host="),
            (r"password=a\ b user=", "password=a b user="),
        ] {
            assert_eq!(read(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_without_the_secret() {
        for (text, wanted) in [
            ("jdbc:postgresql://h/d?password=secret", "`jdbc:postgresql://`: write `postgresql://`"),
            ("postgresql+asyncpg://u:secret@h/d", "`postgresql+asyncpg://`: write"),
            ("mysql://u:secret@h/d", "`mysql://` is not a database of PostgreSQL"),
            ("postgresql://u:secret%zz@h/d", "in the password a `%`"),
            ("postgresql://[::1/d", "not closed by `]`"),
            ("postgresql://h/d?gssencmode", "`gssencmode` has no value"),
            ("password='secret", "the value of `password` is not closed"),
            ("secret", "neither a postgresql:// URL nor"),
        ] {
            let said = pairs(text).unwrap_err();
            assert!(said.contains(wanted) && !said.contains("secret"), "{text}: {said}");
        }
    }
}
