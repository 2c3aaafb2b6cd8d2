//! Whether files have changed, as far as can be seen without reading them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What some files were like; those that are not there, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStamps(Vec<Option<Stamp>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
    bytes: u64,
}

impl FileStamps {
    /// As they are now.
    pub fn of(files: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        let stamp = |file: &Path| {
            let file = fs::metadata(file).ok()?;
            let (seconds, nanoseconds) = (file.mtime(), file.mtime_nsec());
            Some(Stamp { inode: file.ino(), seconds, nanoseconds, bytes: file.len() })
        };
        Self(files.into_iter().map(|file| stamp(file.as_ref())).collect())
    }
}
