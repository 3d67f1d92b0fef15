//! Finds the shared library: in the folder GEMMA4_LIB_DIR, or through pkg-config.
use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=GEMMA4_LIB_DIR");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    if let Ok(folder) = env::var("GEMMA4_LIB_DIR") {
        println!("cargo:rustc-link-search=native={folder}");
    } else {
        let found = Command::new("pkg-config").args(["--libs-only-L", "gemma4-c"]).output();
        match found {
            Ok(output) if output.status.success() => {
                for word in String::from_utf8_lossy(&output.stdout).split_whitespace() {
                    if let Some(folder) = word.strip_prefix("-L") {
                        println!("cargo:rustc-link-search=native={folder}");
                    }
                }
            }
            _ => println!(
                "cargo:warning=gemma4-c is not known to pkg-config; set GEMMA4_LIB_DIR to the folder of libgemma4_c"
            ),
        }
    }
    println!("cargo:rustc-link-lib=dylib=gemma4_c");
}
