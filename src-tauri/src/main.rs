//! The desktop program. All of it stands in the library beside this file; here are only the steps that must come
//! before the first thread.

use std::process::ExitCode;

use athanor_desktop::{Arguments, graphics};

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => return ExitCode::SUCCESS,
        Err(unknown) => {
            eprintln!("athanor-desktop: {unknown}");
            return ExitCode::from(2);
        }
    };
    for (name, value) in graphics::guards(graphics::Machine::look()) {
        if std::env::var_os(name).is_none() {
            #[allow(
                unsafe_code,
                reason = "set_var is unsafe beside other threads, and there are none yet; the webview's libraries read these \
                          variables when they are loaded"
            )]
            // SAFETY: nothing before this line starts a thread.
            unsafe {
                std::env::set_var(name, value);
            }
        }
    }
    athanor_desktop::run(&arguments)
}
