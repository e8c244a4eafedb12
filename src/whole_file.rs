//! A file that is whole or isn't there: it is written beside its place under another name, and takes the place in one step.

use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// Begins a file for the place `path`: in its folder, with a name that starts with a dot, removed unless [`NamedTempFile::persist`]
/// puts it in place. It gets the permissions that any new file gets.
///
/// # Errors
///
/// When the folder takes no new file.
pub(crate) fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".part");
    // Cut by the process' mask. Without it, a temporary file is the owner's alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Puts `bytes` in the place `path`, whole or not at all.
///
/// # Errors
///
/// When the file can't be written or put in place; what stood there is as it was.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = beside(path)?;
    io::Write::write_all(&mut file, bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn it_takes_the_place_in_one_step_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.txt");
        write(&path, b"first").expect("it is written");
        write(&path, b"second").expect("it is replaced");
        drop(beside(&path).expect("it is begun"));
        assert_eq!(fs::read(&path).expect("it is there"), b"second");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
        // A folder can't be replaced by a file.
        fs::create_dir(folder.path().join("b")).expect("a folder");
        assert!(write(&folder.path().join("b"), b"third").is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_it_as_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let mode = |name: &str| fs::metadata(folder.path().join(name)).expect("it is there").permissions().mode();
        write(&folder.path().join("ours"), b"").expect("it is written");
        fs::write(folder.path().join("plain"), b"").expect("it is written");
        assert_eq!(mode("ours"), mode("plain"));
    }
}
