//! Parquet: a file for each day, `report=pages/site=blog/date=2026-03-10/day.parquet`, which engines read as
//! one table with the columns `report`, `site` and `date`.
//!
//! A file is written beside its place and renamed, so a reader sees the old day or the new one. The record of
//! the day is in the file itself, under the key `nightly`; `runs.jsonl` has a line for each download.

use super::{Days, Sink, Use, failed, lock::lock};
use crate::day::{Cell, Day, Kind, Record};
use jiff::civil::Date;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};
use serde::Serialize;
use shortway::Error;
use shortway::analytics::Report;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The key of a file's metadata that has the record of its day, as JSON.
const KEY: &str = "nightly";

pub(super) struct Parquet {
    folder: PathBuf,
    _lock: Option<File>,
}

impl Parquet {
    pub(super) fn open(folder: &Path, how: Use) -> Result<Self, Error> {
        let lock = match how {
            Use::Reading => None,
            Use::Writing => {
                fs::create_dir_all(folder).map_err(|error| {
                    failed(&format!("cannot make the folder {}", folder.display()), error)
                })?;
                Some(lock(&folder.join(".lock"), folder)?)
            }
        };
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// The folder of a report's days.
    fn days_of(&self, site: &str, report: &str) -> PathBuf {
        self.folder.join(format!("report={report}")).join(format!("site={site}"))
    }
}

impl Sink for Parquet {
    fn days(&mut self, site: &str, report: &str) -> Result<Days, Error> {
        let folder = self.days_of(site, report);
        if !folder.exists() {
            return Ok(Days::new());
        }
        let cannot = |error| failed(&format!("cannot read the folder {}", folder.display()), error);
        let mut days = Days::new();
        for entry in fs::read_dir(&folder).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            let name = entry.file_name();
            let date = name.to_str().and_then(|name| name.strip_prefix("date=")?.parse::<Date>().ok());
            // A file that cannot be read is a day that is missing: it is downloaded again.
            if let Some(date) = date
                && let Some(record) = read_record(&entry.path().join("day.parquet"))
            {
                days.insert(date, record);
            }
        }
        Ok(days)
    }

    fn replace(&mut self, day: &Day<'_>) -> Result<(), Error> {
        let folder = self.days_of(day.site, day.report).join(format!("date={}", day.record.date));
        // Engines pass over names that begin with a dot.
        let beside = folder.join(".day.parquet.part");
        let store = || {
            fs::create_dir_all(&folder)?;
            write_file(&beside, day)?;
            fs::rename(&beside, folder.join("day.parquet"))?;
            let mut runs = File::options().create(true).append(true).open(self.folder.join("runs.jsonl"))?;
            Ok(runs.write_all(line(day).as_bytes())?)
        };
        store().map_err(|error: ParquetError| failed("cannot store the day", error))
    }
}

fn read_record(path: &Path) -> Option<Record> {
    let reader = SerializedFileReader::new(File::open(path).ok()?).ok()?;
    let metadata = reader.metadata().file_metadata().key_value_metadata()?;
    let record = metadata.iter().find(|item| item.key == KEY)?.value.as_ref()?;
    serde_json::from_str(record).ok()
}

/// The line of `runs.jsonl`, written at once, so that no part of it can be there.
fn line(day: &Day<'_>) -> String {
    #[derive(Serialize)]
    struct Run<'d> {
        site: &'d str,
        report: &'d str,
        #[serde(flatten)]
        record: &'d Record,
    }
    let run = Run { site: day.site, report: day.report, record: &day.record };
    format!("{}\n", super::json(&run))
}

/// Writes the file and waits until it is on the disk.
fn write_file(path: &Path, day: &Day<'_>) -> Result<(), ParquetError> {
    let record = KeyValue::new(KEY.to_owned(), super::json(&day.record));
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(vec![record]))
        .build();
    let mut file = SerializedFileWriter::new(File::create(path)?, schema(day)?, Arc::new(properties))?;
    for page in day.pages.iter().filter(|page| !page.is_empty()) {
        let mut group = file.next_row_group()?;
        for (place, column) in page.columns().iter().enumerate() {
            let mut writer = group.next_column()?.ok_or(ParquetError::General("a column too few".into()))?;
            write_column(&mut writer, Kind::of(column), page, place)?;
            writer.close()?;
        }
        group.close()?;
    }
    Ok(file.into_inner()?.sync_all()?)
}

fn schema(day: &Day<'_>) -> Result<TypePtr, ParquetError> {
    let mut columns = Vec::new();
    for column in day.columns() {
        let (physical, logical) = match Kind::of(column) {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Integer => (Physical::INT64, None),
            Kind::Real => (Physical::DOUBLE, None),
        };
        let column = Type::primitive_type_builder(&column.name, physical)
            .with_logical_type(logical)
            .with_repetition(Repetition::OPTIONAL);
        columns.push(Arc::new(column.build()?));
    }
    Ok(Arc::new(Type::group_type_builder("day").with_fields(columns).build()?))
}

/// A column of a page: the values, and for each row whether it has one.
fn write_column(
    writer: &mut SerializedColumnWriter<'_>,
    kind: Kind,
    page: &Report,
    place: usize,
) -> Result<(), ParquetError> {
    let (mut texts, mut integers, mut reals) = (Vec::new(), Vec::new(), Vec::new());
    let mut levels = Vec::with_capacity(page.len());
    for row in page.each_row() {
        let cell = Cell::read(kind, row.get(place).unwrap_or_default());
        match cell.map_err(|error| ParquetError::External(error.into()))? {
            Cell::Text(text) => texts.push(ByteArray::from(text)),
            Cell::Integer(number) => integers.push(number),
            Cell::Real(number) => reals.push(number),
            Cell::Null => {
                levels.push(0);
                continue;
            }
        }
        levels.push(1);
    }
    match kind {
        Kind::Text => writer.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None)?,
        Kind::Integer => writer.typed::<Int64Type>().write_batch(&integers, Some(&levels), None)?,
        Kind::Real => writer.typed::<DoubleType>().write_batch(&reals, Some(&levels), None)?,
    };
    Ok(())
}
