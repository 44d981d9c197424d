//! The tables of the documentation.

const DOCUMENTATION: &str = include_str!("../../../../wswrapper/docs/values.md");

/// Returns the rows of all tables with these columns, without their heads.
pub(super) fn tables(columns: &[&str]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut in_table = false;
    for line in DOCUMENTATION.lines() {
        let Some(line) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
            in_table = false;
            continue;
        };
        let cells: Vec<_> = line.split(" | ").map(strip_code_span).collect();
        if cells.starts_with(&columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>()) {
            in_table = true;
        } else if in_table && cells[0] != "---" {
            rows.push(cells);
        }
    }
    assert!(!rows.is_empty(), "no tables of {columns:?}");
    rows
}

/// Returns the content of a code span if the whole cell is one.
fn strip_code_span(cell: &str) -> String {
    let inner = cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).filter(|inner| !inner.contains('`'));
    inner.unwrap_or(cell).to_owned()
}
