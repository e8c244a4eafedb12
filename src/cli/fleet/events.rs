//! `cyborg fleet events`: what was seen in the cameras of a fleet, as JSON lines.

use clap::Args;

use super::broker::BrokerArgs;
use super::cameras::camera_name;
use crate::cli::outcome::{Outcome, note};
use crate::cli::{interrupt, machine};
use crate::fleet::cameras::entry::CameraName;
use crate::fleet::cameras::reader::{ReadSettings, Sifted};

#[derive(Args, Debug)]
pub(super) struct EventsArgs {
    /// Of this camera alone
    #[arg(value_name = "CAMERA", value_parser = camera_name)]
    camera: Option<CameraName>,
    /// Wait for further events, until Ctrl-C
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    broker: BrokerArgs,
}

pub(super) fn run(args: &EventsArgs) -> anyhow::Result<Outcome> {
    let settings = ReadSettings { camera: args.camera.clone(), follow: args.follow, stop: interrupt::listen() };
    let (mut superseded, mut malformed) = (0_u64, 0_u64);
    args.broker.open_cameras()?.events(&settings, &mut |sifted| {
        match sifted {
            Sifted::Counts(event) => machine::print(&event.object())?,
            Sifted::Begins(event) => log::info!("camera {} is held by {}", event.camera, event.worker),
            Sifted::Superseded(event) => {
                superseded += 1;
                log::info!("event {} is of a lease that a later one superseded", event.id());
            }
            Sifted::Repeated(event) => log::info!("event {} is there again", event.id()),
            Sifted::Malformed(reason) => {
                malformed += 1;
                log::info!("a message is no event: {reason}");
            }
        }
        Ok(())
    })?;
    if superseded + malformed > 0 {
        note(&format!("left out: {superseded} events of superseded leases, {malformed} messages that are no events"));
    }
    Ok(Outcome::Done)
}
