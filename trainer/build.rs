//! Writes the folder of libtorch into the programs and tests, so that they start without `LD_LIBRARY_PATH`.

use std::env;
use std::path::Path;

fn main() {
    // torch-sys takes libtorch from the same variable, and says so when it is missing.
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    let Ok(folder) = env::var("LIBTORCH") else { return };
    println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}/lib");
    // Nothing in our code names a symbol of the CUDA part; it registers itself when it is loaded, so it must be linked all
    // the same.
    if Path::new(&folder).join("lib/libtorch_cuda.so").exists() {
        println!("cargo::rustc-link-arg=-L{folder}/lib");
        println!("cargo::rustc-link-arg=-Wl,--no-as-needed");
        println!("cargo::rustc-link-arg=-ltorch_cuda");
    }
}
