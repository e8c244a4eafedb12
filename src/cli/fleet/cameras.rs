//! `cyborg fleet cameras`: adds, removes and lists the cameras of a fleet.

use clap::{Args, Subcommand};

use super::broker::BrokerArgs;
use crate::capture::address::Address;
use crate::cli::machine;
use crate::cli::outcome::{Outcome, UsageError, say};
use crate::fleet::cameras::desk::{Added, Listed};
use crate::fleet::cameras::entry::{Camera, CameraName, NameError};

/// Schemes of cameras.
const SCHEMES: [&str; 4] = ["rtsp://", "rtsps://", "http://", "https://"];

#[derive(Args, Debug)]
pub(super) struct CamerasArgs {
    #[command(subcommand)]
    command: CamerasCommand,
}

#[derive(Debug, Subcommand)]
enum CamerasCommand {
    /// Add a camera, or give the one of this name another address
    Add(AddArgs),
    /// Remove a camera: whoever holds it stops
    Remove(RemoveArgs),
    /// Show the cameras, and who holds which
    List(ListArgs),
}

#[derive(Args)]
struct AddArgs {
    /// Name of the camera
    #[arg(value_name = "NAME", value_parser = camera_name)]
    name: CameraName,
    /// Its address: rtsp://, rtsps://, http:// or https://. A login in it is stored at the broker, and never shown
    #[arg(value_name = "ADDRESS")]
    address: String,
    #[command(flatten)]
    broker: BrokerArgs,
}

/// The address may hold a login.
impl std::fmt::Debug for AddArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddArgs").field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Args, Debug)]
struct RemoveArgs {
    /// Name of the camera
    #[arg(value_name = "NAME", value_parser = camera_name)]
    name: CameraName,
    #[command(flatten)]
    broker: BrokerArgs,
}

#[derive(Args, Debug)]
struct ListArgs {
    /// Write them as JSON, one object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    broker: BrokerArgs,
}

pub(super) fn run(args: &CamerasArgs) -> anyhow::Result<Outcome> {
    match &args.command {
        CamerasCommand::Add(args) => add(args),
        CamerasCommand::Remove(args) => remove(args),
        CamerasCommand::List(args) => list(args),
    }
}

fn add(args: &AddArgs) -> anyhow::Result<Outcome> {
    let AddArgs { name, address, broker } = args;
    if !SCHEMES.iter().any(|scheme| address.starts_with(scheme)) {
        let shown = Address::of(address.as_ref()).name();
        let message = format!("{shown} is no address of a camera: it must begin with {}", SCHEMES.join(", "));
        return Err(UsageError(message).into());
    }
    let camera = Camera::new(name.clone(), address.clone(), Vec::new());
    let word = match broker.open_cameras()?.add(&camera)? {
        Added::New => "was added",
        Added::Changed => "was changed: whoever holds it begins anew",
        Added::Same => "was there already, with the same address",
    };
    say(&format!("camera {name} ({}) {word}", camera.shown()))?;
    Ok(Outcome::Done)
}

fn remove(args: &RemoveArgs) -> anyhow::Result<Outcome> {
    let RemoveArgs { name, broker } = args;
    if !broker.open_cameras()?.remove(name)? {
        anyhow::bail!("there is no camera {name}: `cyborg fleet cameras list` shows all");
    }
    say(&format!("camera {name} was removed"))?;
    Ok(Outcome::Done)
}

fn list(args: &ListArgs) -> anyhow::Result<Outcome> {
    let listed = args.broker.open_cameras()?.list()?;
    if listed.is_empty() && !args.json {
        say("no cameras: `cyborg fleet cameras add NAME ADDRESS` adds one")?;
    }
    for camera in &listed {
        if args.json { machine::print(camera)? } else { say(&text(camera))? }
    }
    Ok(Outcome::Done)
}

fn text(camera: &Listed) -> String {
    let holder = match &camera.worker {
        None => "held by nobody".to_owned(),
        Some(worker) if camera.heard => format!("held by {worker}"),
        Some(worker) => format!("last held by {worker}, of which nothing is heard"),
    };
    format!("camera {} ({}): {holder}", camera.name, camera.address)
}

/// The name of a camera, as a flag or an argument.
pub(super) fn camera_name(text: &str) -> Result<CameraName, String> {
    text.parse().map_err(|error: NameError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_in_words() {
        let mut camera = Listed {
            name: "door".parse().expect("a name"),
            address: "rtsp://***@door.example/live".to_owned(),
            flags: Vec::new(),
            worker: None,
            lease: None,
            since: None,
            heard: false,
        };
        assert_eq!(text(&camera), "camera door (rtsp://***@door.example/live): held by nobody");
        camera.worker = Some("w".to_owned());
        assert!(text(&camera).ends_with("last held by w, of which nothing is heard"));
        camera.heard = true;
        assert!(text(&camera).ends_with(": held by w"));
    }
}
