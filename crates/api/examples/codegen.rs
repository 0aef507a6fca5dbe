//! Writes the generated TypeScript to the file that is named, or with `--check` says whether it is current.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: codegen FILE [--check]")?;
    let module = athanor_api::typescript::module();
    if arguments.next().as_deref() == Some("--check") {
        let current = std::fs::read_to_string(&path).unwrap_or_default();
        return match current == module {
            true => Ok(()),
            false => Err(format!("{path} is stale: run “cargo xtask codegen” and commit the result").into()),
        };
    }
    std::fs::write(&path, module)?;
    Ok(())
}
