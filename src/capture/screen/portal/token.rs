//! The restore token: with it the desktop gives the same screen again and asks nobody. It is the user's alone, like a password.

use std::fs::{self, DirBuilder};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::{env, fmt};

/// The name of the file.
const NAME: &str = "screen-token";
/// A token is some letters; what is longer is none.
const LONGEST: u64 = 256;

/// Where the token is kept; nowhere, where no folder for it is known.
#[derive(Clone)]
pub(super) struct TokenFile(Option<PathBuf>);

impl TokenFile {
    /// In the folder for such things: `XDG_STATE_HOME/cyborg-edge`, else `~/.local/state/cyborg-edge`.
    pub(super) fn usual() -> Self {
        let set = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local").join("state")));
        Self(base.map(|base| base.join("cyborg-edge").join(NAME)))
    }

    /// In this place.
    pub(super) fn at(path: PathBuf) -> Self {
        Self(Some(path))
    }

    /// The token that was kept.
    pub(super) fn read(&self) -> Option<String> {
        let mut text = String::new();
        let file = fs::File::open(self.0.as_ref()?).ok()?;
        file.take(LONGEST).read_to_string(&mut text).ok()?;
        let token = text.trim_end();
        let is_one = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        is_one.then(|| token.to_owned())
    }

    /// Keeps the token in place of the last one, which was good for one time; without a new one there is none.
    pub(super) fn keep(&self, token: Option<&str>) {
        let Some(path) = &self.0 else {
            return;
        };
        let kept = match token {
            Some(token) => write(path, token),
            None => fs::remove_file(path).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            }),
        };
        if let Err(error) = kept {
            log::warn!("the desktop will ask again next time: its token can't be kept in {}: {error}", path.display());
        }
    }
}

/// The name alone: what it holds is secret.
impl fmt::Debug for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenFile").field(&self.0).finish()
    }
}

/// In one step, and readable by its owner alone, as any temporary file is.
fn write(path: &Path, token: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = tempfile::Builder::new().prefix(".screen-token").tempfile_in(folder)?;
    writeln!(file, "{token}")?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_kept_for_its_owner_alone_and_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state").join(NAME);
        let file = TokenFile(Some(path.clone()));
        assert_eq!(file.read(), None);
        file.keep(Some("one"));
        file.keep(Some("0b1c-two"));
        assert_eq!(file.read().as_deref(), Some("0b1c-two"));
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().expect("a folder")).expect("it is read").count(), 1);
        file.keep(None);
        file.keep(None);
        assert_eq!(file.read(), None);
    }

    #[test]
    fn what_is_no_token_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        let file = TokenFile(Some(path.clone()));
        for wrong in ["", "\n", "two words", "caf\u{e9}", "\u{1b}[31m"] {
            fs::write(&path, wrong).expect("it is written");
            assert_eq!(file.read(), None, "{wrong:?}");
        }
        fs::write(&path, [0xff, 0xfe]).expect("it is written");
        assert_eq!(file.read(), None);
    }

    #[test]
    fn without_a_folder_nothing_is_kept() {
        TokenFile(None).keep(Some("one"));
        assert_eq!(TokenFile(None).read(), None);
    }
}
