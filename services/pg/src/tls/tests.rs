use std::fs;

use super::*;

fn certificate() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    rcgen::CertificateParams::new(vec!["db".to_owned()]).unwrap().self_signed(&key).unwrap().pem()
}

#[test]
fn while_a_file_is_half_written_the_old_one_is_used() {
    let file = std::env::temp_dir().join(format!("frontdesk-half-{}", std::process::id()));
    let tls = || Tls::new(Roots::File(file.clone()), true, None);
    let problem = |of: &Tls| of.of.built.lock().unwrap().as_ref().unwrap().problem.clone();
    let (old, new) = (certificate(), certificate());
    fs::write(&file, &old).unwrap();
    let running = tls();
    running.check().unwrap();
    for broken in ["", &new[..new.len() / 2]] {
        fs::write(&file, broken).unwrap();
        running.check().unwrap();
        let told = problem(&running).unwrap();
        assert!(told.contains("sslrootcert"), "{told}");
        // Who begins with it is told.
        assert_eq!(tls().check().unwrap_err(), told);
    }
    fs::write(&file, &new).unwrap();
    running.check().unwrap();
    assert_eq!(problem(&running), None, "the new one is used");
    fs::remove_file(&file).unwrap();
    running.check().unwrap();
    assert!(problem(&running).unwrap().contains("cannot be read"));
}
