//! Statements about inventory ranges: blocks, and what else takes nights of a
//! property.

use access::TenantId;
use jiff::civil::Date;
use pg::{Columns, Fault};
use uuid::Uuid;

use super::change::{Change, Finished, Stamp};
use super::database::Store;
use super::foreign::reach;
use super::properties::{GetProperty, asking_property, neighbours, read_neighbours};
use crate::domain::ids::{BlockId, BookingRequestId, PropertyId, RowId};
use crate::domain::property::{Block, Calendar, Occupancy, Occupant};
use crate::domain::request::BookingRequest;
use crate::domain::rules::Neighbours;
use crate::domain::stay::Stay;
use crate::layout::words;

pg::statements! {
    /// What has nights between two dates, by first night.
    ListOccupancies = "list_occupancies" (tenant: Uuid, property: PropertyId, check_in: Date, check_out: Date);

    /// Stores a block.
    InsertBlock<'a> = "insert_block" (
        tenant: Uuid, property: PropertyId, id: BlockId, check_in: Date, check_out: Date, note: &'a str,
    ) with Stamp;
    /// Locks a block.
    LockBlock = "lock_block" (tenant: Uuid, property: PropertyId, id: BlockId);

    /// Ends a block.
    EndBlock = "end_block" (tenant: Uuid, property: PropertyId, id: BlockId) with Stamp;
    /// Ends the ranges that name a request instead of its booking.
    ReleaseRanges = "release_ranges" (
        tenant: Uuid, request: BookingRequestId, property: PropertyId, check_in: Date, check_out: Date,
    );
}

impl ReleaseRanges {
    /// Of a request.
    pub(super) fn of(tenant: Uuid, request: &BookingRequest) -> Self {
        let BookingRequest { id, property, stay, .. } = request;
        let (check_in, check_out) = (stay.check_in, stay.check_out);
        Self { tenant, request: *id, property: *property, check_in, check_out }
    }
}

impl Store {
    /// A property with what has nights of it between two dates, and the stays next to
    /// them; `None` when the tenant has no such property.
    pub async fn list_occupancies(
        &self,
        tenant: TenantId,
        id: PropertyId,
        dates: Stay,
    ) -> Result<Option<Calendar>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let tx = schema.db.begin(tenant).await?;
            let found = Columns::first(&tx.run(&GetProperty { tenant, id }).await?, asking_property)?;
            let Some(property) = found else { return Ok(None) };
            let near = match property.rules.turnover_days {
                // Whoever asks: of a guest who stays on already, an approve knows.
                Some(days) => neighbours(&tx.run(&read_neighbours(tenant, id, None, dates, days)).await?)?,
                None => Neighbours::default(),
            };
            let Stay { check_in, check_out } = dates;
            let list = ListOccupancies { tenant, property: id, check_in, check_out };
            let occupancies = Columns::all(&tx.run_last(&list).await?, occupancy)?;
            Ok(Some(Calendar { property, occupancies, near }))
        })
        .await
    }
}

impl Change {
    /// What has nights of a property between two dates, by first night.
    pub async fn list_occupancies(&self, property: PropertyId, dates: Stay) -> Result<Vec<Occupancy>, Fault> {
        let Stay { check_in, check_out } = dates;
        let list = ListOccupancies { tenant: self.tenant(), property, check_in, check_out };
        Columns::all(&self.tx.run(&list).await?, occupancy)
    }

    /// Ends the ranges that name a request instead of its booking.
    pub async fn release_ranges(&mut self, request: &BookingRequest) -> Result<(), Fault> {
        let release = ReleaseRanges::of(self.tenant(), request);
        self.wrote = true;
        self.tx.run(&release).await.map(drop)
    }

    /// Stores a block; `None` when the property is not there or a night is taken.
    pub async fn insert_block(mut self, block: &Block) -> Result<Option<Finished<Block>>, Fault> {
        let Block { id, property, nights, note, active: _ } = block;
        let insert = InsertBlock {
            tenant: self.tenant(),
            property: *property,
            id: *id,
            check_in: nights.check_in,
            check_out: nights.check_out,
            note,
            with: self.stamp(),
        };
        self.writes.push(RowId(id.0));
        self.finish(&insert, |rows| Columns::first(rows, stored_block)).await
    }

    /// Locks a block; `None` when the property has none of this id.
    pub async fn lock_block(&self, property: PropertyId, id: BlockId) -> Result<Option<Block>, Fault> {
        let lock = LockBlock { tenant: self.tenant(), property, id };
        Columns::first(&self.tx.run(&lock).await?, stored_block)
    }

    /// Ends a block; `None` when the property has none of this id.
    pub async fn end_block(
        self,
        property: PropertyId,
        id: BlockId,
    ) -> Result<Option<Finished<Block>>, Fault> {
        let end = EndBlock { tenant: self.tenant(), property, id, with: self.stamp() };
        self.finish(&end, |rows| Columns::first(rows, stored_block)).await
    }
}

fn occupancy(row: &mut Columns<'_>) -> Result<Occupancy, Fault> {
    enum Kind {
        Booking,
        Deleted,
        Freed,
        Hold,
        Block,
        Inventory,
        Request,
    }
    let kind = row.word("kind", |word| match word {
        "booking" => Some(Kind::Booking),
        "deleted" => Some(Kind::Deleted),
        "freed" => Some(Kind::Freed),
        "hold" => Some(Kind::Hold),
        "block" => Some(Kind::Block),
        "inventory" => Some(Kind::Inventory),
        "request" => Some(Kind::Request),
        _ => None,
    })?;
    let by = match kind {
        Kind::Booking => Occupant::Booking(row.next("id")?),
        Kind::Deleted => Occupant::Deleted(row.next("id")?),
        Kind::Freed => Occupant::Freed(row.next("id")?),
        Kind::Hold => Occupant::Hold(row.next("id")?),
        Kind::Block => Occupant::Block(row.next("id")?),
        Kind::Inventory => Occupant::Inventory(row.next("id")?),
        Kind::Request => Occupant::Request(row.next("id")?),
    };
    Ok(Occupancy { by, nights: reach(row.or_empty("start_date")?, row.or_empty("end_date")?) })
}

fn stored_block(row: &mut Columns<'_>) -> Result<Block, Fault> {
    Ok(Block {
        id: row.next("id")?,
        property: row.next("property_id")?,
        nights: reach(row.or_empty("start_date")?, row.or_empty("end_date")?),
        note: row.or_empty("note")?,
        active: row.or_empty::<&str>("state")? == words::RANGE_ACTIVE,
    })
}
