//! The flags that say where the broker is and who we are there.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use crate::fleet::broker::BrokerSettings;
use crate::fleet::cameras::desk::CameraDesk;
use crate::fleet::desk::Desk;
use crate::fleet::error::FleetError;
use crate::fleet::store::StoreSettings;

#[derive(Args, Clone)]
pub(super) struct BrokerArgs {
    /// Address of the NATS server, or several of a cluster with commas between them; tls:// for TLS
    #[arg(long, value_name = "URL", default_value = "nats://127.0.0.1:4222")]
    nats: String,
    /// File of credentials for the NATS server, as `nsc` makes it
    #[arg(long, value_name = "FILE", conflicts_with = "nats_nkey")]
    nats_creds: Option<PathBuf>,
    /// File with the seed of an nkey for the NATS server
    #[arg(long, value_name = "FILE")]
    nats_nkey: Option<PathBuf>,
    /// Certificates in PEM of those who vouch for the NATS server, which is then spoken to by TLS [default: the system's]
    #[arg(long, value_name = "FILE")]
    nats_ca: Option<PathBuf>,
    /// On how many servers of a cluster all is kept; counts for whoever sets the fleet up first
    #[arg(long, value_name = "N", default_value = "1")]
    replicas: NonZeroUsize,
}

/// The address may hold a login.
impl std::fmt::Debug for BrokerArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.settings().fmt(f)
    }
}

impl BrokerArgs {
    pub(super) fn settings(&self) -> BrokerSettings {
        BrokerSettings {
            url: self.nats.clone(),
            credentials: self.nats_creds.clone(),
            nkey: self.nats_nkey.clone(),
            authorities: self.nats_ca.clone(),
        }
    }

    /// How what isn't there yet is made.
    pub(super) fn store(&self) -> StoreSettings {
        StoreSettings { replicas: self.replicas.get(), ..StoreSettings::default() }
    }

    pub(super) fn open(&self) -> Result<Desk, FleetError> {
        Desk::open(&self.settings(), self.store())
    }

    pub(super) fn open_cameras(&self) -> Result<CameraDesk, FleetError> {
        CameraDesk::open(&self.settings(), self.replicas.get())
    }
}
