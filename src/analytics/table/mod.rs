//! Rows as text in a few large blocks.
//!
//! In: an array of rows of a report, straight from the JSON: from the scanner, or from serde where that does
//! not take it. Out: `&str` cells by row and column. A quarter of a million rows cost some hundred
//! allocations instead of millions. A block does not grow, so that a table costs what its text does and a
//! thirty-second of the answer at most.

mod read;
mod scan;

pub(super) use read::Rows;
pub(super) use scan::scan;

/// How many columns a report may have: 200. Google allows 9 dimensions, a date range and 10 metrics; a pivot
/// report more.
pub(super) const MAX_COLUMNS: usize = 200;

/// Before how many rows empty aggregates are kept: 4096. Google sends one or two.
const MAX_EMPTY: usize = 4096;

/// The size of the first block: 1 KiB, a few rows.
const FIRST_BLOCK: usize = 1 << 10;

/// Rows of equal width: dimensions first, then metrics.
#[derive(Clone, Default)]
pub(super) struct Table {
    blocks: Vec<Block>,
    /// How many dimensions and metrics the first row has; every other row has the same.
    shape: Option<(usize, usize)>,
    rows: usize,
    /// Aggregates that came as an empty object: before which row, and how many.
    empty: Vec<(usize, usize)>,
}

/// Whole rows, one after the other; the last one may still be read.
#[derive(Clone, Default)]
struct Block {
    /// Each cell as its length, then its text; [`UNSET`] for one that came without a value.
    text: String,
    /// The first row in it.
    first: usize,
    /// Where each of its rows begins in `text`.
    starts: Vec<u32>,
    /// Where the row that is being read begins.
    begun: usize,
}

impl Table {
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether nothing was read into it.
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0 && self.empty.is_empty()
    }

    /// Aggregates that came as an empty object: before which row, in their order, and how many.
    pub(super) fn empty(&self) -> &[(usize, usize)] {
        &self.empty
    }

    /// Dimensions and metrics of each row, if there is a row.
    pub(super) fn shape(&self) -> Option<(usize, usize)> {
        self.shape
    }

    /// The cells of a row, in the order of the columns; none past the end.
    pub(super) fn row(&self, row: usize) -> Cells<'_> {
        let block = self.blocks.partition_point(|block| block.first <= row).saturating_sub(1);
        self.row_in(row, block).unwrap_or_default()
    }

    /// The cells of a row in this block, if it is there.
    #[inline]
    fn row_in(&self, row: usize, block: usize) -> Option<Cells<'_>> {
        let block = self.blocks.get(block)?;
        let start = *block.starts.get(row.checked_sub(block.first)?)?;
        let width = self.shape.map_or(0, |(dimensions, metrics)| dimensions + metrics);
        Some(Cells { text: block.text.get(start as usize..)?, at: 0, left: width })
    }

    /// The cells of every row.
    pub(super) fn walk(&self) -> Walk<'_> {
        Walk { table: self, next: 0, block: 0 }
    }

    /// The text of a cell; `None` past the edges.
    pub(super) fn cell(&self, row: usize, column: usize) -> Option<&str> {
        self.row(row).nth(column)
    }

    /// Room for `need` bytes more in the row that is being read; `most` is the largest block.
    fn room(&mut self, need: usize, most: usize) -> &mut Block {
        let full = self.blocks.last().is_none_or(|b| b.text.capacity() - b.text.len() < need);
        if full {
            let filled: usize = self.blocks.iter().map(|b| b.text.len()).sum();
            let mut last = self.blocks.pop().unwrap_or_default();
            let row = &last.text[last.begun..];
            // A row that has outgrown a block may go on growing.
            let size = filled.min(most).max(FIRST_BLOCK).max(2 * row.len() + need);
            let mut text = String::with_capacity(size);
            text.push_str(row);
            last.text.truncate(last.begun);
            if last.text.capacity() - last.text.len() > last.text.capacity() / 16 {
                last.text.shrink_to_fit();
            }
            if !last.starts.is_empty() {
                self.blocks.push(last);
            }
            self.blocks.push(Block { text, first: self.rows, ..Block::default() });
        }
        let last = self.blocks.len() - 1;
        &mut self.blocks[last]
    }

    fn push_cell(&mut self, text: &str, most: usize) {
        let block = self.room(LENGTH + text.len(), most);
        let (length, digits) = length_bytes(text.len());
        block.text.extend(length[..digits].iter().map(|byte| char::from(*byte)));
        block.text.push_str(text);
    }

    /// A cell that came without a value.
    fn push_unset(&mut self, most: usize) {
        let block = self.room(UNSET.len(), most);
        block.text.extend(UNSET.map(char::from));
    }

    /// An aggregate that came as an empty object.
    fn push_empty(&mut self) {
        let kept = self.empty.len();
        match self.empty.last_mut() {
            Some((row, count)) if *row == self.rows => *count += 1,
            _ if kept < MAX_EMPTY => self.empty.push((self.rows, 1)),
            _ => {}
        }
    }

    /// Rows that have been read elsewhere: their cells, and where each begins among them.
    fn push_rows(&mut self, cells: &str, starts: &[u32], most: usize) {
        let block = self.room(cells.len(), most);
        let base = u32::try_from(block.text.len()).unwrap_or(u32::MAX);
        if block.starts.is_empty() {
            block.starts.reserve_exact(block.text.capacity() * starts.len() / cells.len().max(1));
        }
        block.starts.extend(starts.iter().map(|start| base.saturating_add(*start)));
        block.text.push_str(cells);
        block.begun = block.text.len();
        self.rows += starts.len();
    }

    fn end_row(&mut self) {
        if let Some(block) = self.blocks.last_mut() {
            // A block holds at most 64 MiB, or twice the longest row: 200 cells of 64 KiB.
            block.starts.push(u32::try_from(block.begun).unwrap_or(u32::MAX));
            block.begun = block.text.len();
        }
        self.rows += 1;
    }
}

/// The most bytes that a length takes: 11 of 6 bits each.
const LENGTH: usize = 11;

/// In place of a length: the cell came without a value, and is read as empty. It is 0 in two bytes, which no
/// length is written as.
const UNSET: [u8; 2] = [0x40, 0];

/// A length in ASCII: 6 bits a byte, the lowest first, bit 6 set if another follows. Gives how many bytes
/// count, too.
fn length_bytes(length: usize) -> ([u8; LENGTH], usize) {
    let (mut bytes, mut digits, mut rest) = ([0; LENGTH], 1, length);
    while rest >= 0x40 {
        bytes[digits - 1] = (rest & 0x3f) as u8 | 0x40;
        rest >>= 6;
        digits += 1;
    }
    bytes[digits - 1] = rest as u8;
    (bytes, digits)
}

/// Goes through the rows in their order.
#[derive(Clone)]
pub(super) struct Walk<'r> {
    table: &'r Table,
    next: usize,
    /// The block that has the next row, or the one before.
    block: usize,
}

impl<'r> Iterator for Walk<'r> {
    type Item = Cells<'r>;

    #[inline]
    fn next(&mut self) -> Option<Cells<'r>> {
        if self.next == self.table.rows {
            return None;
        }
        let cells = self.table.row_in(self.next, self.block).or_else(|| {
            self.block += 1;
            self.table.row_in(self.next, self.block)
        });
        self.next += 1;
        cells
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.table.rows - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Walk<'_> {}

/// The cells of one row.
#[derive(Clone, Default)]
pub(super) struct Cells<'r> {
    text: &'r str,
    /// Where the next cell begins.
    at: usize,
    left: usize,
}

impl<'r> Iterator for Cells<'r> {
    type Item = &'r str;

    #[inline(always)]
    fn next(&mut self) -> Option<&'r str> {
        self.left = self.left.checked_sub(1)?;
        let (length, digits) = match self.text.as_bytes().get(self.at)? {
            // Nearly every cell.
            short @ ..0x40 => (usize::from(*short), 1),
            _ => long_length(self.text.get(self.at..)?),
        };
        let begin = self.at + digits;
        self.at = begin + length;
        self.text.get(begin..self.at)
    }
}

impl<'r> Cells<'r> {
    /// The cells; `None` for each that came without a value.
    pub(super) fn values(mut self) -> impl Iterator<Item = Option<&'r str>> {
        std::iter::from_fn(move || {
            let is_unset = self.text.as_bytes().get(self.at..)?.starts_with(&UNSET);
            self.next().map(|text| (!is_unset).then_some(text))
        })
    }
}

/// The length at the beginning of `cells`, and how many bytes it takes.
#[cold]
fn long_length(cells: &str) -> (usize, usize) {
    let (mut length, mut digits) = (0, 0);
    for byte in cells.bytes().take(LENGTH) {
        length |= usize::from(byte & 0x3f) << (6 * digits);
        digits += 1;
        if byte & 0x40 == 0 {
            break;
        }
    }
    (length, digits)
}
