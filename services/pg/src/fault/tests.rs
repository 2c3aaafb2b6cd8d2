use super::*;

fn reason(sqlstate: &str, message: &str) -> ErrorReason {
    Fault::new(classify(sqlstate, message, "c", "col"), "").refusal().reason()
}

#[test]
fn sqlstates_map_to_the_reasons_of_the_runbook() {
    use ErrorReason::*;
    for (sqlstate, expected) in [
        ("23P01", UniqueViolation),
        ("23505", UniqueViolation),
        ("23514", CheckViolation),
        ("23503", FkViolation),
        ("23001", FkViolation),
        ("23502", NotNullViolation),
        ("42703", SchemaDrift),
        ("42P01", SchemaDrift),
        ("42883", SchemaDrift),
        ("42704", SchemaDrift),
        ("3F000", SchemaDrift),
        ("26000", DbUnavailable),
        ("40001", Contention),
        ("40P01", Contention),
        ("40003", OutcomeUnknown),
        ("55P03", LockTimeout),
        ("57014", StatementTimeout),
        ("57P01", DbUnavailable),
        ("08006", DbUnavailable),
        ("08P01", DbError),
        ("53300", DbOverloaded),
        ("53400", DbError),
        ("25006", DbReadOnly),
        ("25P02", DbError),
        ("22P02", InvalidValue),
        ("22021", InvalidValue),
        ("42501", DbError),
        ("28000", DbError),
        ("3D000", DbError),
        ("XX000", DbError),
        ("P0001", DbError),
        ("?", DbError),
    ] {
        assert_eq!(reason(sqlstate, "x"), expected, "{sqlstate}");
    }
    let rls = "new row violates row-level security policy for table \"bookings\"";
    assert_eq!(reason("42501", rls), TenantIsolation);
}

#[test]
fn a_rule_of_another_program_is_told_from_a_failure_of_the_server() {
    for sqlstate in ["P0001", "P0002", "54000", "21000", "39004", "44000", "U0001", "99999"] {
        assert_eq!(classify(sqlstate, "x", "c", "col"), Kind::Refused, "{sqlstate}");
    }
    for sqlstate in ["XX000", "58030", "55000", "72000", "25P02", "28000", "F0000", "HV000", "?", ""] {
        assert_eq!(classify(sqlstate, "x", "c", "col"), Kind::Other, "{sqlstate}");
    }
}

#[test]
fn drift_names_the_object() {
    let kind = classify("42703", "column r.approved_booking_id does not exist", "", "");
    assert_eq!(kind, Kind::SchemaDrift { object: "column r.approved_booking_id".to_owned() });
    let fault = Fault::new(kind, "");
    assert!(fault.lacks("approved_booking_id"));
    assert!(!fault.lacks("booking_id"));
}

#[test]
fn constraints_match_with_and_without_a_shard_id() {
    let on = |constraint: &str| {
        Fault::new(Kind::Constraint { kind: Constraint::Exclusion, name: constraint.to_owned() }, "")
            .on_constraint("no_double_bookings")
    };
    assert!(on("no_double_bookings"));
    assert!(on("no_double_bookings_102055"));
    assert!(!on("no_double_bookings_inv"));
    assert!(!on("no_double_bookings2"));
    assert!(!on("other"));
}
