use super::text::Text;
use super::*;

const NAMES: [&str; 4] = ["tenant", "id", "limit", "note"];

/// The form of a text with every line.
fn numbered(source: &str) -> String {
    let text = Text::cut(source, &NAMES).unwrap();
    text.numbered(&text.used(|_| true), |_| true)
}

fn problem(source: &str) -> String {
    Text::cut(source, &NAMES).unwrap_err()
}

fn writes(source: &str) -> bool {
    Text::cut(source, &NAMES).unwrap().writes
}

#[test]
fn names_become_numbers_in_the_order_of_the_declaration() {
    assert_eq!(
        numbered("select x from t where id = :id and tenant_id=:tenant or (:id) is null"),
        "select x from t where id = $2 and tenant_id=$1 or ($2) is null"
    );
    assert_eq!(numbered("select :note||:limit"), "select $2||$1");
}

#[test]
fn what_only_looks_like_a_name_stays() {
    for source in [
        "select x::id, (x)::text",
        "select ':id', 'it''s :id', e'it\\'s :id', E'\\\\', ':id'",
        "select \":id\", \"a\"\":id\"",
        "select $$ :id ' $$, $tag$ :id $$ :id $tag$",
        "select x[1:id], x[:id], x[1:(array[2])[1]], (x)[a:id]",
        "select f(x => 1, y := id), a$1 from t",
        "select 1:2, 'é:id', é:2",
    ] {
        assert_eq!(numbered(source), source);
    }
    assert_eq!(
        numbered("select array[:id, :note], ARRAY[[:id], [:note]]"),
        "select array[$1, $2], ARRAY[[$1], [$2]]"
    );
    assert_eq!(numbered("select x[f(:id)], :id::text, '':::id"), "select x[f($1)], $1::text, ''::$1");
}

#[test]
fn comments_are_left_out() {
    assert_eq!(
        numbered("-- About :nothing.\n\nselect 1, -- and ' :nothing\n  /* :nothing /* ' */ */ 2\n-- end"),
        "select 1,\n    2\n"
    );
    assert_eq!(numbered("select 'two\n\n-- lines'\nfrom t"), "select 'two\n\n-- lines'\nfrom t");
    assert_eq!(numbered("select 1 /* two\nlines */\nfrom t"), "select 1\nfrom t");
}

#[test]
fn lines_are_left_out_when_their_condition_is_not_met() {
    let source = "select x\nfrom t\nwhere tenant_id = :tenant\n  and id = :id -- if :id\n  and note > :note and note < :note || 'z' -- if :note\nlimit :limit";
    let text = Text::cut(source, &NAMES).unwrap();
    assert_eq!(text.conditions(), [1, 3]);
    let form = |given: &[usize]| {
        let met = |place: usize| given.contains(&place);
        let used = text.used(met);
        (text.numbered(&used, met), used)
    };
    assert_eq!(form(&[]), ("select x\nfrom t\nwhere tenant_id = $1\nlimit $2".to_owned(), vec![0, 2]));
    assert_eq!(
        form(&[3]).0,
        "select x\nfrom t\nwhere tenant_id = $1\n  and note > $3 and note < $3 || 'z'\nlimit $2"
    );
    assert_eq!(form(&[1, 3]).1, [0, 1, 2, 3]);
}

#[test]
fn texts_that_cannot_be_right_are_named() {
    assert_eq!(problem("select :stay_from"), "its :stay_from is not declared");
    assert_eq!(problem("select 1 -- if :stay_from"), "its :stay_from is not declared");
    assert_eq!(problem("select $1"), "it has $1 among names");
    assert_eq!(problem("select {columns} from t"), "its gap {columns} is not filled");
    assert_eq!(problem("select 'x"), "a ' is not closed");
    assert_eq!(problem("select $a$ x $$"), "a $a$ is not closed");
    assert_eq!(problem("select /* /* */"), "a /* is not closed");
    assert_eq!(
        problem("select 'two\nlines', :id -- if :id"),
        "`-- if :id` ends a line that begins in the one before"
    );
}

#[test]
fn writes_are_told_from_reads_that_lock() {
    for read in [
        "select 1",
        "select x from t for update",
        "select x from t FOR NO KEY UPDATE of t skip locked",
        "select 'delete from t', \"update\" from t -- insert",
        "select updated_at, insert_count from t",
    ] {
        assert!(!writes(read), "{read}");
    }
    for write in [
        "insert into t values (1)",
        "DELETE from t",
        "update t set x = 1",
        "with u as (\n    update t\n    set x = 1\n) select 1",
        "with l as (select x from t for update of t), u as (update t set x = 1) select 1",
        "insert into t values (1) on conflict do update set x = 1",
    ] {
        assert!(writes(write), "{write}");
    }
}

fn declaration(texts: &'static [&'static str]) -> &'static Declaration {
    let parameter = |name| Parameter { name, ty: Type::UUID, example: "uuid '…'" };
    let parameters = Vec::leak(vec![parameter("tenant"), parameter("id")]);
    Box::leak(Box::new(Declaration { name: "LockRequest", texts, parameters, shared: Vec::new }))
}

#[test]
fn each_parameter_is_used_in_some_layout_and_each_layout_has_its_text() {
    let compile = |texts: &'static [&'static str]| {
        Statements::of_layout([declaration(texts)], 1, 2, |_, text| text.to_owned())
    };
    let text = |texts| compile(texts).unwrap().named("lock_request").unwrap().full().text().to_owned();
    assert_eq!(text(&["select :tenant, :id", "select :tenant"]), "select $1");
    assert_eq!(text(&["select :tenant, :id"]), "select $1, $2");
    assert_eq!(
        compile(&["select :tenant", "select :tenant"]).unwrap_err().to_string(),
        "the statement lock_request cannot be used: it does not use :id"
    );
    assert_eq!(compile(&["", "", ""]).unwrap_err().problem, "it has 3 texts for 2 layouts");
    let twice =
        Statements::new([declaration(&["select :tenant, :id"]), declaration(&["select :tenant, :id"])]);
    assert_eq!(twice.unwrap_err().problem, "two have this name");
}

#[test]
fn a_layout_fills_its_gaps_before_names_are_read() {
    let fill = |layout, text: &str| text.replace("{id}", if layout == 0 { "r.id = :id" } else { "true" });
    let compile =
        |layout| Statements::of_layout([declaration(&["select :tenant where {id}"])], layout, 2, fill);
    let text = |layout| compile(layout).unwrap().named("lock_request").unwrap().full().text().to_owned();
    assert_eq!(text(0), "select $1 where r.id = $2");
    assert_eq!(text(1), "select $1 where true");
}
