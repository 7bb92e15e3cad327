//! What a new cloud has, and what to type next: told at the first start and by `init`.

use std::path::Path;

use crate::appliance::Made;
use crate::clouds;

/// What `made` has, then `next`.
#[must_use]
pub fn of(made: &Made, next: &str) -> String {
    let (guests, range) = &made.guests;
    let dir = made.data_dir.display();
    let trust = match &made.ca_file {
        Some(file) => format!("https; clients trust it by {}", file.display()),
        None if made.public_url.starts_with("https:") => "https; clients know its authority".to_owned(),
        None => "plain HTTP".to_owned(),
    };
    format!(
        "\n{}:\n  \
         data            {dir}\n  \
         APIs            {}: {trust}\n  \
         administrator   admin; the password is in {dir}/{}, for root alone\n  \
         networks        {guests} ({range}: DHCP, DNS, NAT), public ({}: gateways and floating IPs)\n  \
         flavors         `cloudbox flavor list`\n\
         \nNext:\n{next}\n",
        if made.first { "This is a new cloud" } else { "The cloud is there" },
        made.public_url,
        clouds::FILE_NAME,
        made.external,
    )
}

/// What to type in a cloud that runs.
#[must_use]
pub fn next_in(made: &Made) -> String {
    let usual = made.data_dir == Path::new(super::global::DATA_DIR);
    let option = if usual { String::new() } else { format!(" --data-dir {}", made.data_dir.display()) };
    let commands = [
        "image pull debian-13",
        "keypair create me",
        "security-group allow default --protocol tcp --port 22",
        "vm create web",
        "vm ssh web",
    ];
    commands.map(|command| format!("  cloudbox {command}{option}")).join("\n")
}
