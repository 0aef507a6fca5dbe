//! A run of a database: what is told of it, row by row, comes to the same pieces as what a file says.

use std::io;

use athanor_core::runs::{Batch, Fact};

use super::{Before, Piece, Source, encode_here};
use crate::store::runs::{DatabaseStamp, Said};

impl Source {
    /// Takes what a database told of the run; `None` if it is nothing new. `names` are those of the metrics by index,
    /// `generation` counts how often the database was read from its beginning.
    ///
    /// # Errors
    /// Points can't be encoded. After an error the source is to be made anew from the store.
    pub fn take(
        &mut self,
        mut batch: Batch,
        names: &[String],
        generation: i64,
        stamp: DatabaseStamp,
    ) -> io::Result<Option<Piece>> {
        let mut piece = Piece {
            row: self.row.clone(),
            series: Vec::new(),
            settings: None,
            settings_anew: false,
            said_more: false,
            before: Before::Stays,
            more: false,
        };
        let mut is_new = self.row.generation != generation;
        if is_new {
            if self.row.generation > 0 {
                piece.before = Before::Goes;
                piece.settings = Some(Vec::new());
                piece.settings_anew = true;
            }
            self.row.generation = generation;
            self.lines.clear();
            self.problems.clear();
            self.said = Said::default();
        }
        let said = self.said.clone();
        self.supersede(&batch);
        is_new |= !batch.readings.is_empty() || !batch.issues.is_empty();
        self.take_facts(&mut batch, &mut piece, false);
        let mut full = Vec::new();
        self.take_points(&batch, &mut |block| full.push(block));
        let blocks = encode_here(full)?;
        self.hand_out(blocks, &mut piece)?;
        for series in &mut piece.series {
            series.name = names.get(series.position as usize).cloned().unwrap_or_default();
        }
        self.said.modified = self.last_sign(&batch).or(Some(stamp.modified_ns / 1_000_000));
        piece.said_more = self.said != said;
        if !is_new && !piece.said_more && piece.settings.is_none() {
            return Ok(None);
        }
        self.row.known.device = stamp.device;
        self.row.known.inode = stamp.inode;
        self.row.known.size = stamp.size;
        self.row.known.modified_ns = stamp.modified_ns;
        self.row.facts = serde_json::to_string(&self.said).unwrap_or_else(|_| "{}".into());
        self.row.problems = serde_json::to_string(&self.problems).unwrap_or_else(|_| "[]".into());
        piece.row = self.row.clone();
        Ok(Some(piece))
    }

    /// Forgets what the batch says anew in place of it: a run that goes on has no end, and a tag has one value.
    fn supersede(&mut self, batch: &Batch) {
        let says = |is: fn(&Fact) -> bool| batch.facts.iter().any(is);
        if says(|fact| matches!(fact, Fact::Started(_))) && !says(|fact| matches!(fact, Fact::End(_))) {
            self.said.end = None;
            self.said.ended = None;
        }
        for fact in &batch.facts {
            if let Fact::Tag(tag) = fact
                && let Some((key, _)) = tag.split_once('=')
            {
                self.said.tags.retain(|other| {
                    other == tag || other.split_once('=').is_none_or(|(other, _)| other != key)
                });
            }
        }
    }

    /// When the run last did something, as far as the database says. The file's own time would not do: any run of it that
    /// goes on changes that.
    fn last_sign(&self, batch: &Batch) -> Option<i64> {
        let walls = batch.readings.iter().filter_map(|reading| reading.point.wall_ms).max();
        // What an earlier look took for it, where there was nothing better, is the file's time and no sign.
        let before = if self.said.first_point.is_some() { self.said.modified } else { None };
        [walls, before, self.said.started, self.said.ended].into_iter().flatten().max()
    }
}
