//! The name that a package gives to `wswrapper` in its `Cargo.toml`.

use std::env;

/// Returns the name of `wswrapper` in the crate that is compiled, if it is another one.
///
/// A macro cannot see which crates exist, and rustc only reports that `::wswrapper` does not. So this reads the arguments
/// with which cargo has called rustc. An editor, which calls macros without them, gets no name.
pub(super) fn renamed() -> Option<String> {
    // `args` would panic if any is no Unicode, for example a path.
    let arguments: Vec<String> = env::args_os().filter_map(|argument| argument.into_string().ok()).collect();
    renamed_in(arguments.iter().map(String::as_str))
}

fn renamed_in<'a>(arguments: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut names = arguments.filter_map(name_of_wswrapper).peekable();
    let name = *names.peek()?;
    names.all(|name| name != "wswrapper").then(|| name.to_owned())
}

/// Returns the `rpc` of `rpc=target/debug/deps/libwswrapper-0123456789abcdef.rmeta`, the value of `--extern`.
fn name_of_wswrapper(argument: &str) -> Option<&str> {
    let (name, path) = argument.rsplit_once('=')?;
    let file = path.rsplit(['/', '\\']).next()?;
    file.strip_prefix("libwswrapper-").filter(|rest| !rest.contains('-'))?;
    name.rsplit([':', '=']).next()
}

#[cfg(test)]
mod tests {
    use super::renamed_in;

    #[test]
    fn the_name_is_read_from_the_arguments_of_rustc() {
        let renamed = |arguments: &str| renamed_in(arguments.split_whitespace());
        let rmeta = "target/debug/deps/libwswrapper-0123456789abcdef.rmeta";
        assert_eq!(renamed(&format!("--edition=2024 --extern rpc={rmeta}")).as_deref(), Some("rpc"));
        assert_eq!(renamed(&format!("--extern=priv:rpc={rmeta} -C opt-level=3")).as_deref(), Some("rpc"));
        assert_eq!(renamed("--extern rpc=D:\\deps\\libwswrapper-0123456789abcdef.rlib").as_deref(), Some("rpc"));
        assert_eq!(renamed(&format!("--extern wswrapper={rmeta}")), None);
        assert_eq!(renamed(&format!("--extern rpc={rmeta} --extern wswrapper={rmeta}")), None);
        assert_eq!(renamed("--extern proto=target/debug/deps/libwswrapper_proto-0123456789abcdef.rmeta"), None);
        assert_eq!(renamed("--crate-name=app src/main.rs"), None);
    }
}
