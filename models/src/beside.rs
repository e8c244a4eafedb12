//! Where an installation keeps what the program needs: in folders beside the program.
//!
//! A Debian package or an archive brings its files along and lays them out as the cache folder has them. The runtime looks here
//! first, so that an installed program uses what it came with.

use std::env;
use std::path::{Path, PathBuf};

/// Where packages put what they bring along, from the folder above the program's.
pub const PACKAGED: &str = "lib/cyborg";

/// The folders, the first one first; none when the system doesn't tell where the program is.
#[must_use]
pub fn folders() -> Vec<PathBuf> {
    env::current_exe().map(|program| of(&program)).unwrap_or_default()
}

/// The file of this relative path, in the first folder that has it.
#[must_use]
pub fn file(path: impl AsRef<Path>) -> Option<PathBuf> {
    folders().into_iter().map(|folder| folder.join(&path)).find(|path| path.is_file())
}

/// The program's own folder, and beside that `lib/cyborg` and `lib`.
fn of(program: &Path) -> Vec<PathBuf> {
    let own = program.parent();
    let above = own.and_then(Path::parent);
    let libraries = above.map(|above| [above.join(PACKAGED), above.join("lib")]);
    own.map(Path::to_owned).into_iter().chain(libraries.into_iter().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_go_with_the_program() {
        let places = |program: &str| of(Path::new(program));
        let expected = ["/usr/bin", "/usr/lib/cyborg", "/usr/lib"].map(PathBuf::from);
        assert_eq!(places("/usr/bin/cyborg"), expected);
        assert_eq!(places("/a b/cyborg-1/bin/cyborg")[1], Path::new("/a b/cyborg-1/lib/cyborg"));
        assert_eq!(places("/cyborg"), [Path::new("/")]);
        assert!(places("/").is_empty());
    }

    #[test]
    fn a_file_is_found_where_it_is_and_nowhere_else() {
        let own = env::current_exe().expect("the system tells");
        let name = own.file_name().expect("it has a name");
        assert_eq!(file(name).as_deref(), Some(own.as_path()));
        assert!(file("no-such-file").is_none());
    }
}
