//! Faults that are put in on purpose, to see that they are found: statements that are changed on
//! their way to Postgres, and commits that are answered before Postgres has them. Nothing is built
//! anew for them.

/// A fault.
#[derive(Debug, Default)]
pub struct Forgery {
    pub name: &'static str,
    /// A statement, what of its text is changed, and into what.
    changes: &'static [(&'static str, &'static str, &'static str)],
    /// What is done to the database before.
    pub sql: &'static str,
    /// Whether a commit is answered before Postgres has it.
    pub commits_early: bool,
}

/// The number of an event, and the one that was taken before.
const TICK: &str = "nextval('booking_event_ticks')";
const EARLY_TICK: &str =
    "coalesce(nullif(current_setting('app.tick', true), '')::bigint, nextval('booking_event_ticks'))";

/// All of them.
pub static FORGERIES: [Forgery; 7] = [
    Forgery {
        name: "no-lock",
        changes: &[("lock_booking_request", "for update of r", "")],
        sql: "",
        commits_early: false,
    },
    Forgery {
        name: "early-tick",
        changes: &[
            (
                "lock_booking_request",
                "where r.tenant_id",
                "where (select set_config('app.tick', nextval('public.booking_event_ticks')::text, true)) is not null and r.tenant_id",
            ),
            ("book", TICK, EARLY_TICK),
        ],
        sql: "",
        commits_early: false,
    },
    Forgery {
        name: "any-guest",
        changes: &[
            ("lock_surroundings", "and b.guest_id = $", "and b.guest_id is distinct from $"),
            ("read_surroundings", "and b.guest_id = $", "and b.guest_id is distinct from $"),
        ],
        sql: "",
        commits_early: false,
    },
    Forgery {
        name: "no-share",
        changes: &[("lock_surroundings", "for share", "")],
        sql: "",
        commits_early: false,
    },
    Forgery {
        name: "no-group",
        changes: &[("lock_booking_group", "for update", "")],
        sql: "",
        commits_early: false,
    },
    Forgery {
        name: "keeps-range",
        changes: &[("cancel_booking", "set state = 'cancelled'", "set state = 'active'")],
        sql: "",
        commits_early: false,
    },
    Forgery { name: "early-commit", changes: &[], sql: "", commits_early: true },
];

impl Forgery {
    /// The one of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FORGERIES.iter().find(|forgery| forgery.name == name)
    }

    /// The text of a statement, if it is changed.
    pub fn text_of(&self, statement: &str, text: &str) -> Option<String> {
        let mut changed = text.to_owned();
        for (_, from, to) in self.changes.iter().filter(|(of, ..)| *of == statement) {
            changed = changed.replace(from, to);
        }
        (changed != text).then_some(changed)
    }
}
