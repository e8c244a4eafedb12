//! Cameras, through nokhwa. So far they can be listed; the live pipeline is to come.

use nokhwa::utils::ApiBackend;

/// A camera that the system knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Camera {
    /// Its index, as the system counts.
    pub index: String,
    /// Its name for people.
    pub name: String,
}

/// The cameras that can't be listed, and why.
#[derive(Debug, thiserror::Error)]
#[error("cameras can't be listed: {0}")]
pub struct CameraError(#[from] nokhwa::NokhwaError);

/// All cameras that the system knows.
///
/// # Errors
///
/// When the system can't be asked.
pub fn list() -> Result<Vec<Camera>, CameraError> {
    let found = nokhwa::query(ApiBackend::Auto)?;
    Ok(found.iter().map(|camera| Camera { index: camera.index().to_string(), name: camera.human_name() }).collect())
}
