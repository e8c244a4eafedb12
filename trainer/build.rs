//! Writes the folder of libtorch into the programs and tests, so that they start without `LD_LIBRARY_PATH`.

use std::env;

fn main() {
    // torch-sys takes libtorch from the same variable, and says so when it is missing.
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    if let Ok(folder) = env::var("LIBTORCH") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}/lib");
    }
}
