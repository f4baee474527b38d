//! The front page's table for programs that come from `oauth2client`: the code in every line is part of the
//! program below it, which is compiled.

#[test]
fn every_line_of_the_table_is_compiled() {
    let page = include_str!("../src/lib.rs");
    let section = page.split("//! # Coming from oauth2client").nth(1).expect("the section");
    let section = section.split("//! # Errors").next().expect("its end");
    let (table, program) = section.split_once("//! ```no_run").expect("a program");
    let program = program.split("//! ```").next().expect("its end");
    let mut lines = 0;
    for line in table.lines().filter(|line| line.starts_with("//! | ") && line.contains('`')).skip(1) {
        let here = line.split(" | ").nth(2).expect("two columns");
        let code = here.split('`').nth(1).unwrap_or_else(|| panic!("no code in {line}"));
        assert!(program.contains(code), "{code} is not compiled");
        lines += 1;
    }
    for piece in ["Storage(", "authorize(", "refresh(", "invalid`"] {
        assert!(table.contains(piece), "{piece} has no line");
    }
    assert_eq!(lines, 10);
}
