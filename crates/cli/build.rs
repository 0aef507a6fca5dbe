//! How the program is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // At a fixed address: a program that may lie anywhere has some thirteen thousand pointers put right, page by page,
    // at each start, which is a good part of what a client does in its millisecond.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-link-arg-bin=athanor=-no-pie");
    }
}
