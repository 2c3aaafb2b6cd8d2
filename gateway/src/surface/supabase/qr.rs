//! A QR code as a drawing. Clients put it behind `data:image/svg+xml;utf-8,` as it is, so
//! nothing in it has a meaning in an address.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// Modules without anything around the code (ISO/IEC 18004).
const QUIET: i32 = 4;

/// The drawing of a text; none of one that is too long.
pub fn svg(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let side = code.size() + 2 * QUIET;
    let dark = path(&code);
    Some(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges"><path fill="white" d="M0,0h{side}v{side}h-{side}z"/><path fill="black" d="{dark}"/></svg>"#
    ))
}

/// A rectangle for each run of dark modules in a row.
fn path(code: &QrCode) -> String {
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|at| code.get_module(*at, y)).fold(0, |run, _| run + 1);
            if run > 0 {
                // Writing to a string does not fail.
                let _ = write!(path, "M{},{}h{run}v1h-{run}z", x + QUIET, y + QUIET);
            }
            x += run.max(1);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "otpauth://totp/Frontdesk:anna%40x.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Frontdesk&algorithm=SHA1&digits=6&period=30";

    /// Reads the rectangles of the drawing back.
    #[test]
    fn the_drawing_has_the_modules_of_the_code_and_a_quiet_zone() {
        let code = QrCode::encode_text(TEXT, QrCodeEcc::Medium).unwrap();
        let svg = svg(TEXT).unwrap();
        let dark = svg.split(r#"fill="black" d=""#).nth(1).unwrap().split('"').next().unwrap();
        let mut drawn = std::collections::BTreeSet::new();
        for run in dark.split_terminator('z') {
            let numbers: Vec<i32> = run[1..].split([',', 'h', 'v']).map(|one| one.parse().unwrap()).collect();
            let [x, y, length, 1, back] = numbers[..] else { panic!("{run}") };
            assert_eq!(back, -length);
            drawn.extend((x..x + length).map(|x| (x - 4, y - 4)));
        }
        let all = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
        let expected = all.filter(|(x, y)| code.get_module(*x, *y)).collect();
        assert_eq!(drawn, expected);
        assert!(svg.starts_with(&format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {0}""#,
            code.size() + 8
        )));
        assert!(!svg.contains(['#', '%', '&', '\n']), "it would be cut or read otherwise in an address");
    }

    #[test]
    fn what_no_code_can_hold_has_no_drawing() {
        assert_eq!(svg(&"x".repeat(3000)), None);
    }
}
