use super::*;

fn secret(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

async fn check(
    passwords: &Passwords,
    password: &str,
    stored: Option<&str>,
) -> Result<Checked, PasswordError> {
    let turn = passwords.wait(None).await.unwrap();
    passwords.check(turn, secret(password), stored.map(str::to_owned)).await
}

#[tokio::test]
async fn only_the_right_password_of_an_existing_user_passes() {
    let passwords = Passwords::new(PasswordCost { memory_kib: 19_456, passes: 2 }).unwrap();
    let stored = passwords.hash(secret("correct horse"), None).await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert_eq!(check(&passwords, "correct horse", Some(&stored)).await.unwrap(), Checked::Right);
    assert_eq!(check(&passwords, "correct horsf", Some(&stored)).await.unwrap(), Checked::Wrong);
    assert_eq!(check(&passwords, "a password that nobody has", None).await.unwrap(), Checked::Wrong);
}

#[tokio::test]
async fn another_cost_is_rehashed_and_nothing_is_cut_off() {
    let cheap = Passwords::new(PasswordCost { memory_kib: 1024, passes: 1 }).unwrap();
    let passwords = Passwords::new(PasswordCost { memory_kib: 2048, passes: 1 }).unwrap();
    let long = "x".repeat(100);
    let stored = cheap.hash(secret(&long), None).await.unwrap();
    let Checked::RightAndRehashed(new) = check(&passwords, &long, Some(&stored)).await.unwrap() else {
        panic!("not rehashed");
    };
    assert_eq!(check(&passwords, &long, Some(&new)).await.unwrap(), Checked::Right);
    assert_eq!(check(&passwords, &long[..99], Some(&new)).await.unwrap(), Checked::Wrong);
}

#[tokio::test]
async fn a_password_is_the_same_however_it_is_coded_and_old_hashes_go_on() {
    let passwords = Passwords::new(PasswordCost { memory_kib: 64, passes: 1 }).unwrap();
    let (composed, apart) = ("pr\u{fc}fung am See", "pru\u{308}fung\u{a0}am See");
    let stored = passwords.hash(secret(apart), None).await.unwrap();
    for spelling in [composed, apart] {
        assert_eq!(check(&passwords, spelling, Some(&stored)).await.unwrap(), Checked::Right);
    }
    // As it was hashed before.
    let old = passwords.hasher.hash(apart).unwrap();
    assert_eq!(check(&passwords, composed, Some(&old)).await.unwrap(), Checked::Wrong);
    let Checked::RightAndRehashed(new) = check(&passwords, apart, Some(&old)).await.unwrap() else {
        panic!("not found, or not hashed anew");
    };
    assert_eq!(check(&passwords, composed, Some(&new)).await.unwrap(), Checked::Right);
    assert_eq!(check(&passwords, apart, None).await.unwrap(), Checked::Wrong);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn whoever_hashes_gives_way_and_nobody_else() {
    let passwords = Passwords::new(PasswordCost { memory_kib: 64, passes: 1 }).unwrap();
    let priority = || rustix::process::getpriority_process(None).unwrap();
    let own = priority();
    assert_eq!(
        run(passwords.wait(None).await.unwrap(), priority).await.unwrap(),
        (own + NICE).min(NICE.max(own))
    );
    assert_eq!(priority(), own);
}

#[tokio::test]
async fn hostile_stored_parameters_are_not_computed() {
    let stored = "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaHNvbWVoYXNoc29tZWhhc2g";
    let passwords = Passwords::new(PasswordCost { memory_kib: 19_456, passes: 2 }).unwrap();
    assert!(check(&passwords, "x", Some(stored)).await.is_err());
}

/// All cores, busy with somebody's passwords.
async fn every_core(passwords: &Passwords) -> Vec<Turn> {
    let mut held = vec![passwords.wait(None).await.unwrap()];
    while held.len() < thread::available_parallelism().map_or(1, usize::from) {
        held.push(passwords.wait(None).await.unwrap());
    }
    held
}

#[tokio::test]
async fn the_clock_is_read_when_the_turn_has_come() {
    let passwords = Passwords::new(PasswordCost { memory_kib: 64, passes: 1 }).unwrap();
    let held = every_core(&passwords).await;
    let came = std::cell::Cell::new(false);
    let turn = passwords.turn(None, || {
        assert!(came.get(), "read while others had every core");
        Timestamp::UNIX_EPOCH
    });
    let free = async {
        while passwords.cores.in_use().1 == 0 {
            tokio::task::yield_now().await;
        }
        came.set(true);
        drop(held);
    };
    let (turn, ()) = tokio::join!(turn, free);
    assert_eq!(turn.unwrap().1, Timestamp::UNIX_EPOCH);
}

#[tokio::test]
async fn one_address_fills_its_own_half_of_the_queue_and_no_more() {
    let passwords = Passwords::new(PasswordCost { memory_kib: 64, passes: 1 }).unwrap();
    let held = every_core(&passwords).await;
    let [flood, neighbour, other] =
        ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"].map(|address| address.parse().ok());
    let wait = |from| {
        let passwords = passwords.clone();
        tokio::spawn(async move { passwords.wait(from).await.map(drop) })
    };
    let mut waiting: Vec<_> = (0..QUEUE_OF_ONE).map(|_| wait(flood)).collect();
    while passwords.cores.in_use().1 < QUEUE_OF_ONE {
        tokio::task::yield_now().await;
    }
    // Over IPv6 one has a whole network of addresses.
    for from in [flood, neighbour] {
        assert!(matches!(passwords.wait(from).await, Err(PasswordError::Overloaded)));
        let hashed = passwords.hash(secret("new"), from).await;
        assert!(matches!(hashed, Err(PasswordError::Overloaded)), "a new password has another queue");
    }
    waiting.push(wait(other));
    while passwords.cores.in_use().1 <= QUEUE_OF_ONE {
        tokio::task::yield_now().await;
    }
    drop(held);
    for turn in waiting {
        turn.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn memory_is_kept_while_passwords_are_hashed_and_freed_after_that() {
    let passwords = Passwords::new(PasswordCost { memory_kib: 64, passes: 1 }).unwrap();
    for _ in 0..2 {
        passwords.hash(secret("new"), None).await.unwrap();
        passwords.free_unused();
        assert_eq!(passwords.hasher.kept().len(), 1);
        assert!(passwords.hasher.kept()[0].capacity() >= MAPPED);
        passwords.free_unused();
        assert!(passwords.hasher.kept().is_empty());
    }
}
