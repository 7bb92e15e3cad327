//! The nouns that a description is enough for: one short file each, with where a thing is found, what is shown of it, and what can be
//! said with its verbs. [`line`] makes the command line of it, [`said`] the request, [`run`] does it.
//!
//! The next noun is a file here and a row in [`ALL`]. Verbs that need more than a request (waiting, files, several services) are
//! written by hand beside this module; both kinds can be verbs of one noun.

mod line;
mod resource;
mod run;
mod said;

mod access_rule;
mod access_token;
mod application_credential;
mod availability_zone;
mod compute_service;
mod consumer;
mod credential;
mod domain;
mod ec2_credential;
mod endpoint;
mod endpoint_group;
mod extension;
mod flavor;
mod floating_ip;
mod group;
mod hypervisor;
mod identity_provider;
mod image;
mod image_cache;
mod image_task;
mod limit;
mod mapping;
mod metadef;
mod network;
mod network_agent;
mod port;
mod project;
mod region;
mod registered_limit;
mod resource_provider;
mod role;
mod role_assignment;
mod router;
mod security_group;
mod security_group_rule;
mod server_group;
mod service;
mod service_provider;
mod subnet;
mod trust;
mod user;
mod vm;
mod volume;
mod volume_attachment;
mod volume_service;
mod volume_type;

use clap::{ArgMatches, Command};

use super::problem::Result;
use super::session::Session;
use resource::{Resource, Verb};

/// Every one of them, in the order of the help.
static ALL: &[&Resource] = &[
    &vm::RESOURCE,
    &flavor::RESOURCE,
    &server_group::RESOURCE,
    &hypervisor::RESOURCE,
    &compute_service::RESOURCE,
    &resource_provider::RESOURCE,
    &availability_zone::RESOURCE,
    &image::RESOURCE,
    &image_task::RESOURCE,
    &image_cache::RESOURCE,
    &metadef::RESOURCE,
    &network::RESOURCE,
    &subnet::RESOURCE,
    &port::RESOURCE,
    &router::RESOURCE,
    &floating_ip::RESOURCE,
    &security_group::RESOURCE,
    &security_group_rule::RESOURCE,
    &network_agent::RESOURCE,
    &extension::RESOURCE,
    &volume::RESOURCE,
    &volume_type::RESOURCE,
    &volume_attachment::RESOURCE,
    &volume_service::RESOURCE,
    &user::RESOURCE,
    &group::RESOURCE,
    &project::RESOURCE,
    &domain::RESOURCE,
    &role::RESOURCE,
    &role_assignment::RESOURCE,
    &application_credential::RESOURCE,
    &access_rule::RESOURCE,
    &consumer::RESOURCE,
    &access_token::RESOURCE,
    &trust::RESOURCE,
    &credential::RESOURCE,
    &ec2_credential::RESOURCE,
    &service::RESOURCE,
    &endpoint::RESOURCE,
    &endpoint_group::RESOURCE,
    &region::RESOURCE,
    &registered_limit::RESOURCE,
    &limit::RESOURCE,
    &identity_provider::RESOURCE,
    &mapping::RESOURCE,
    &service_provider::RESOURCE,
];

/// `command` with all of them.
#[must_use]
pub fn add(command: Command) -> Command {
    ALL.iter().fold(command, |command, resource| line::add(command, resource))
}

/// A verb of a description, with what was said.
pub struct Said<'a> {
    resource: &'static Resource,
    verb: &'static Verb,
    matches: &'a ArgMatches,
}

/// What `matches` says, where it is a verb of a description.
#[must_use]
pub fn said(matches: &ArgMatches) -> Option<Said<'_>> {
    let (noun, below) = matches.subcommand()?;
    let (verb, matches) = below.subcommand()?;
    // A noun may be described in two places.
    let mut resources = ALL.iter().filter(|resource| resource.noun.command == noun);
    resources.find_map(|resource| {
        let verb = resource.verbs.iter().find(|known| known.name == verb)?;
        Some(Said { resource, verb, matches })
    })
}

impl Said<'_> {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        run::run(self.resource, self.verb, self.matches, session).await
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
