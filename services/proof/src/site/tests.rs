use super::*;
use crate::states::Start;

/// Rows of a starting state are stored without triggers and foreign keys; they are those that a
/// database could have, which has both.
#[tokio::test(flavor = "multi_thread")]
async fn each_state_can_be_stored_with_triggers_and_foreign_keys() {
    access::install_crypto();
    let mut stored = 0;
    for layout in [Layout::Standard, Layout::Single, Layout::Literal] {
        let site = Site::start(layout, None).await;
        let with_triggers = pg::connect(&site.url).await.unwrap();
        for Start { name, world } in Start::all().into_iter().filter(|start| start.world.layout == layout) {
            let (plain, checked) = (site.store(&world, &[]).await.tenant, Uuid::now_v7());
            let script = format!("begin; {} commit", world.sql(checked));
            let done = with_triggers.batch_execute(&script).await;
            assert!(done.is_ok(), "{name}: {done:?}");
            assert_eq!(site.lines_of(checked).await, site.lines_of(plain).await, "{name}");
            stored += 1;
        }
    }
    assert!(stored > 300, "only {stored} states");
}
