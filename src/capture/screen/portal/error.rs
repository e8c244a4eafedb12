//! Why the desktop's portal lets no screen be watched, or no longer.

/// A screen that the desktop doesn't give, or no longer, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PortalError {
    /// There is no desktop session here, or it can't be reached.
    #[error(
        "no D-Bus session to ask for a screen in ({0}); run it within the desktop's session, as a user's service where it is one"
    )]
    Session(String),
    /// Nobody answers for the desktop.
    #[error(
        "no desktop portal answers ({0}); install xdg-desktop-portal and its part for this desktop \
         (xdg-desktop-portal-gnome, -kde, -wlr), and log in again"
    )]
    NoPortal(String),
    /// The portal is there, and its part that shares screens isn't.
    #[error(
        "the desktop's portal shares no screens ({0}); install its part for this desktop (xdg-desktop-portal-gnome, -kde, \
         -wlr), and see that XDG_CURRENT_DESKTOP names the desktop in the session's environment"
    )]
    NoScreenCast(String),
    /// It doesn't answer.
    #[error(
        "the desktop's portal gave no answer within {0} s; restart it (systemctl --user restart xdg-desktop-portal)"
    )]
    Silent(u64),
    /// It says no, and not because somebody wanted it so.
    #[error(
        "the desktop's portal failed at {request} ({reason}); its log says more (journalctl --user -u 'xdg-desktop-portal*')"
    )]
    Failed {
        /// What was asked.
        request: &'static str,
        /// What it says.
        reason: String,
    },
    /// Nobody has answered the dialog yet.
    #[error("the desktop asks whether the screen may be watched; answer its dialog")]
    Waiting,
    /// Whoever was asked said no.
    #[error("the desktop's dialog was cancelled, so nothing may be watched; start again, and choose a screen there")]
    Cancelled,
    /// The sharing was ended from the desktop: by whoever uses it, or because the window was closed.
    #[error("the desktop ended the sharing of the screen; start again to share one")]
    Withdrawn,
    /// The pictures can't be had.
    #[error(
        "PipeWire, which brings the pictures, can't be reached ({0}); is it running (systemctl --user status pipewire wireplumber)?"
    )]
    PipeWire(String),
    /// The stream is there and nothing comes.
    #[error(
        "the desktop sent no picture within {0} s; some send none before something is drawn, or else see that PipeWire's session \
         manager runs (systemctl --user status wireplumber)"
    )]
    NoPicture(u64),
    /// The stream was lost.
    #[error("the stream of the screen was lost: {0}")]
    Lost(String),
}
