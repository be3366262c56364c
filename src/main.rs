//! The `poolcast` binary: everything is in `poolcast::cli`.

fn main() {
    std::process::exit(poolcast::cli::main())
}
