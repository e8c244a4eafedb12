//! The name of a worker: the one that it is given, or one that it makes.

/// A name, as a flag.
pub(super) fn worker_name(text: &str) -> Result<String, String> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '=');
    let is_name = (1..=128).contains(&text.len()) && text.chars().all(fits);
    if is_name { Ok(text.to_owned()) } else { Err("expected up to 128 letters, digits, -, _ and =".to_owned()) }
}

/// The machine's name and the number of this process.
pub(super) fn own_name() -> String {
    #[cfg(unix)]
    let machine = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    #[cfg(not(unix))]
    let machine = std::env::var("COMPUTERNAME").ok();
    let machine: String = machine.unwrap_or_default().chars().take(100).collect();
    let plain = machine.replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-', "-");
    let plain = if plain.is_empty() { "worker".to_owned() } else { plain };
    format!("{plain}-{}", std::process::id())
}
