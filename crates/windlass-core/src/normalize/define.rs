//! The slow path of a worker: one record by the definition, into the columns of the plan.
//!
//! It takes the records that the columnar walk cannot decide on: those where two keys have one name.

use super::flatten::{FlatCell, FlatRow, Flattener, KeptKeys, RowVisitor};
use super::observe::{Observer, Stop};
use super::plan::{Link, NONE};
use crate::error::{Error, Result};
use crate::json::NodePosition;
use crate::schema::Schema;

impl Observer<'_, '_> {
    /// Notes the rows of one record, made by [`Flattener`]. On any stop the record leaves no trace.
    ///
    /// What a table has no room for depends on all records before, so it takes the chunk's turn to decide on that.
    pub(super) fn define(
        &mut self,
        root_table: &str,
        item: NodePosition,
        ordinal: u32,
        id: &str,
        has_turn: bool,
    ) -> Result<(), Stop> {
        self.begin();
        let mut flattener = Flattener::new(self.from.ctx, self.from.start, self.tape);
        let mut define = Define { observer: self, ordinal, has_turn, above: Vec::new(), stop: None };
        let result = flattener.record(item, root_table, id, &mut define);
        let result = match (define.stop.take(), result) {
            (Some(stop), _) => Err(stop),
            (None, Err(error)) => Err(Stop::Failed(error)),
            (None, Ok(())) => Ok(()),
        };
        self.settle(result)
    }
}

struct Define<'d, 'p, 't> {
    observer: &'d mut Observer<'p, 't>,
    ordinal: u32,
    has_turn: bool,
    /// Table and row of the rows above.
    above: Vec<(u32, u32)>,
    stop: Option<Stop>,
}

impl RowVisitor for Define<'_, '_, '_> {
    fn check(&mut self, row: &FlatRow, kept: &KeptKeys) -> Result<KeptKeys> {
        let Observer { from, tape, memory, .. } = &mut *self.observer;
        let more = from.state.without_room(from.ctx, tape, row, kept, &mut memory.names);
        if more.is_empty() || self.has_turn { Ok(more) } else { Err(self.stop(Stop::Novel)) }
    }

    fn take(&mut self, row: FlatRow) -> Result<bool> {
        self.place(row).map_err(|stop| self.stop(stop))
    }

    fn schema(&self) -> &Schema {
        &self.observer.from.state.schema
    }
}

impl Define<'_, '_, '_> {
    fn stop(&mut self, stop: Stop) -> Error {
        self.stop = Some(stop);
        Error::internal("the walk over a record was stopped")
    }

    fn place(&mut self, mut flat: FlatRow) -> Result<bool, Stop> {
        self.above.truncate(flat.depth);
        let link = self.above.last().map(|parent| Link { parent: *parent, index: flat.index });
        let observer = &mut *self.observer;
        let parent = link.map(|link| link.parent.0);
        let table = observer.plan.table(observer.from, &flat.table, parent);
        let Some(row) = observer.begin_row(table)? else { return Ok(false) };
        let from = observer.from;
        from.filters.apply(&flat.table, &mut flat.cells);
        match from.state.without_refused(from.ctx, observer.tape, &mut flat) {
            Some(values) => observer.drop_values(table, values),
            None => {
                observer.drop_row(table, row);
                return Ok(false);
            }
        }
        let names = &from.ctx.names;
        let own = [&names.id, &names.load_id, &names.parent_id, &names.list_index];
        for (name, cell) in &flat.cells {
            // What the engine makes is filled in when the chunk is encoded.
            if matches!(cell, FlatCell::Text(_) | FlatCell::Int(_)) && own.contains(&name) {
                continue;
            }
            let column = observer.plan.tables[table as usize].column(observer.from, name);
            observer.take_over(table, column, row);
            let node = match cell {
                FlatCell::Node(node) => *node,
                _ => NONE,
            };
            match observer.scalar(table, column, row, &cell.scalar(observer.tape), node) {
                Ok(()) => {}
                Err(Stop::DropRow) => {
                    observer.drop_row(table, row);
                    return Ok(false);
                }
                Err(stop) => return Err(stop),
            }
        }
        observer.system_columns(table, row, link.is_some())?;
        observer.lose(table, std::mem::take(&mut flat.lost));
        observer.end_row(table, row, link, self.ordinal, flat.node);
        self.above.push((table, row));
        Ok(true)
    }
}
