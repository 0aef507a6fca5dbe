//! A table as an Apache Parquet file.

use std::sync::Arc;

use athanor_core::query::{Field, Kind};
use athanor_engine::store::runs::RunCell;
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::{Table, exact, whole};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Bool,
    Whole,
    Moment,
    Number,
    Text,
}

impl Holds {
    /// - Moments are UTC in milliseconds; metrics are always numbers, so that the files of two exports agree.
    /// - Settings are what they are in all rows: true or false, whole, numbers; else text.
    fn of<'a>(field: &Field, cells: impl Iterator<Item = &'a RunCell> + Clone) -> Self {
        match field.kind() {
            Kind::Moment => return Self::Moment,
            Kind::Duration | Kind::Number => return Self::Number,
            Kind::Text | Kind::Status | Kind::Tags => return Self::Text,
            Kind::Setting => {}
        }
        let all = |fits: &dyn Fn(&RunCell) -> bool| {
            cells.clone().all(|cell| *cell == RunCell::Missing || fits(cell))
        };
        let is_whole = |cell: &RunCell| matches!(cell, RunCell::Number(value) if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0);
        if all(&|_| false) {
            Self::Text
        } else if all(&|cell| matches!(cell, RunCell::Bool(_))) {
            Self::Bool
        } else if all(&is_whole) {
            Self::Whole
        } else if all(&|cell| matches!(cell, RunCell::Number(_))) {
            Self::Number
        } else {
            Self::Text
        }
    }

    fn column(self, name: &str) -> Result<Type, ParquetError> {
        let (physical, logical) = match self {
            Self::Bool => (Physical::BOOLEAN, None),
            Self::Whole => (Physical::INT64, None),
            Self::Number => (Physical::DOUBLE, None),
            Self::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Self::Moment => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        };
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()
    }
}

/// The bytes of a Parquet file: a column for the uid, then the table's, each of which may be null.
///
/// # Errors
/// The library refuses.
pub fn parquet(table: &Table) -> Result<Vec<u8>, ParquetError> {
    let cells = |column: usize| table.rows.iter().map(move |row| &row.cells[column]);
    let holds: Vec<Holds> =
        table.columns.iter().enumerate().map(|(index, field)| Holds::of(field, cells(index))).collect();
    let mut fields = vec![Arc::new(Holds::Text.column("uid")?)];
    for (field, holds) in table.columns.iter().zip(&holds) {
        fields.push(Arc::new(holds.column(&field.column())?));
    }
    let schema = Arc::new(Type::group_type_builder("runs").with_fields(fields).build()?);
    let properties = WriterProperties::builder().set_created_by("athanor".to_owned()).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    let mut rows = writer.next_row_group()?;
    let mut next = 0;
    while let Some(mut column) = rows.next_column()? {
        if next == 0 {
            let uids: Vec<ByteArray> = table.rows.iter().map(|row| row.run.uid.as_str().into()).collect();
            column.typed::<ByteArrayType>().write_batch(&uids, Some(&vec![1; uids.len()]), None)?;
        } else {
            let index = next - 1;
            let there: Vec<i16> = cells(index).map(|cell| i16::from(*cell != RunCell::Missing)).collect();
            let numbers = || {
                cells(index).filter_map(|cell| match cell {
                    RunCell::Number(value) => Some(*value),
                    _ => None,
                })
            };
            match holds[index] {
                Holds::Bool => {
                    let values: Vec<bool> = cells(index)
                        .filter_map(|cell| if let RunCell::Bool(yes) = cell { Some(*yes) } else { None })
                        .collect();
                    column.typed::<BoolType>().write_batch(&values, Some(&there), None)?;
                }
                Holds::Whole | Holds::Moment => {
                    let values: Vec<i64> = numbers().map(whole).collect();
                    column.typed::<Int64Type>().write_batch(&values, Some(&there), None)?;
                }
                Holds::Number => {
                    let values: Vec<f64> = numbers().collect();
                    column.typed::<DoubleType>().write_batch(&values, Some(&there), None)?;
                }
                Holds::Text => {
                    let field = &table.columns[index];
                    let values: Vec<ByteArray> = cells(index)
                        .filter(|cell| **cell != RunCell::Missing)
                        .map(|cell| exact(field, cell).as_str().into())
                        .collect();
                    column.typed::<ByteArrayType>().write_batch(&values, Some(&there), None)?;
                }
            }
        }
        column.close()?;
        next += 1;
    }
    rows.close()?;
    writer.into_inner()
}
