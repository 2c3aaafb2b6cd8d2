use super::*;

fn said<'a>(sqlstate: &'a str, routine: &'a str, message: &'a str) -> Said<'a> {
    Said { sqlstate, routine, is_fatal: false, message, constraint: "c", column: "col" }
}

fn reason(sqlstate: &str) -> ErrorReason {
    Fault::new(said(sqlstate, "", "x").kind(), "").refusal().reason()
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
        ("0A000", DbError),
        ("26000", DbUnavailable),
        ("40001", Contention),
        ("40P01", Contention),
        ("40003", OutcomeUnknown),
        ("55P03", LockTimeout),
        ("57014", StatementTimeout),
        ("57P01", DbUnavailable),
        ("08006", DbUnavailable),
        ("08P01", DbUnavailable),
        ("53300", DbOverloaded),
        ("53400", DbError),
        ("25006", DbReadOnly),
        ("25P02", DbError),
        ("22P02", InvalidValue),
        ("22021", InvalidValue),
        ("42501", SchemaDrift),
        ("28000", DbError),
        ("3D000", DbError),
        ("XX000", DbError),
        ("P0001", DbError),
        ("?", DbError),
    ] {
        assert_eq!(reason(sqlstate), expected, "{sqlstate}");
    }
}

/// As a server says them that speaks German, by which none is told from another.
#[test]
fn what_is_meant_does_not_depend_on_the_language_of_the_server() {
    let isolated = "neue Zeile verletzt Policy für Sicherheit auf Zeilenebene für Tabelle »bookings«";
    let stale = "Typ von Parameter 1 (bigint) stimmt nicht mit dem überein, als der Plan vorbereitet worden ist (integer)";
    let forbidden = "keine Berechtigung für Tabelle bookings";
    let not_a_role = "Rolle »frontdesk_booking« existiert nicht";
    let no_right =
        |words: &str| Kind::NoRight { object: format!("a right of its role{words}"), is_given: false };
    let drift = |object: &str| Kind::SchemaDrift { object: object.to_owned() };
    for (sqlstate, routine, message, kind) in [
        ("42501", "ExecWithCheckOptions", isolated, Kind::RowSecurity),
        ("42501", "aclcheck_error", forbidden, no_right(" (keine Berechtigung für Tabelle bookings)")),
        // Words of anything else are not shown: they may be anybody's.
        ("42501", "PLy_elog_impl", forbidden, no_right("")),
        ("42501", "", forbidden, no_right("")),
        (
            "42501",
            "ReportResultError",
            "new row violates row-level security policy for table \"b\"",
            Kind::RowSecurity,
        ),
        // Whatever the words are: those of another program may be any.
        ("42501", "exec_stmt_raise", "row-level security", Kind::Refused),
        ("42804", "ExecEvalParamExtern", stale, Kind::StaleSession),
        ("42804", "plpgsql_param_eval_generic_ro", stale, Kind::StaleSession),
        ("42804", "transformAssignedExpr", stale, drift(stale)),
        // The plan's columns are others; anything else is what a server cannot do at all.
        ("0A000", "RevalidateCachedQuery", "x", Kind::StaleStatement),
        ("0A000", "exec_stmt_raise", "x", Kind::Refused),
        ("0A000", "transformLockingClause", "x", Kind::Other),
        ("22023", "call_string_check_hook", not_a_role, drift(not_a_role)),
        ("22023", "pg_strtoint32", not_a_role, Kind::InvalidValue),
        (
            "22P02",
            "enum_in",
            "ungültiger Eingabewert für Enum words: »no«",
            drift("ungültiger Eingabewert für Enum words"),
        ),
        ("22P02", "string_to_uuid", "ungültige Eingabesyntax für Typ uuid: »no«", Kind::InvalidValue),
        (
            "42703",
            "errorMissingColumn",
            "Spalte r.note existiert nicht",
            drift("Spalte r.note existiert nicht"),
        ),
    ] {
        assert_eq!(said(sqlstate, routine, message).kind(), kind, "{routine}: {message}");
    }
    let fault = |message| Fault::new(said("42P01", "parserOpenTable", message).kind(), "");
    assert!(fault("Relation »bookings« existiert nicht").lacks("bookings"));
    let lacks = |name: &str| Fault::new(no_right(" (table bookings)"), "").lacks(name);
    assert!(lacks("bookings") && !lacks("booking"));
}

#[test]
fn a_rule_of_another_program_is_told_from_a_failure_of_the_server() {
    for sqlstate in ["P0001", "P0002", "54000", "21000", "39004", "44000", "U0001", "99999"] {
        assert_eq!(said(sqlstate, "", "x").kind(), Kind::Refused, "{sqlstate}");
    }
    for sqlstate in ["XX000", "58030", "55000", "72000", "25P02", "28000", "F0000", "HV000", "?", ""] {
        assert_eq!(said(sqlstate, "", "x").kind(), Kind::Other, "{sqlstate}");
    }
}

#[test]
fn what_a_pooler_says_of_a_lost_server_is_no_refusal() {
    let fatal = |sqlstate, routine| Said { is_fatal: true, ..said(sqlstate, routine, "x") };
    for (said, kind, is_of_a_loss) in [
        // `server conn crashed?` and `query_wait_timeout` of `PgBouncer`, and another pooler's.
        (fatal("08P01", ""), Kind::Unavailable, true),
        (said("08P01", "", "x"), Kind::Unavailable, true),
        (fatal("58000", ""), Kind::Unavailable, true),
        (fatal("57P01", ""), Kind::Unavailable, true),
        (said("08006", "", "x"), Kind::Unavailable, true),
        // Of the server itself.
        (said("08P01", "exec_bind_message", "x"), Kind::Other, false),
        (said("08006", "ReportConnectionError", "x"), Kind::Unavailable, false),
        (fatal("57P01", "ProcessInterrupts"), Kind::Unavailable, false),
        (said("23505", "", "x"), Kind::Constraint { kind: Constraint::Unique, name: "c".to_owned() }, false),
        // Who is not let in.
        (fatal("28P01", ""), Kind::Other, false),
        (fatal("3D000", ""), Kind::Other, false),
        (fatal("53300", ""), Kind::Overloaded, false),
    ] {
        assert_eq!((said.kind(), said.is_of_a_loss()), (kind, is_of_a_loss), "{said:?}");
    }
}

#[test]
fn drift_names_the_object() {
    let kind = said("42703", "", "column r.approved_booking_id does not exist").kind();
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
