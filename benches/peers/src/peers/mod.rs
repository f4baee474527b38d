//! The peers, a file each.

mod gcp_auth;
mod google_cloud_auth;
mod tame_oauth;
mod yup_oauth2;

use crate::race::Entry;

pub const ALL: [Entry; 4] = [gcp_auth::ENTRY, google_cloud_auth::ENTRY, tame_oauth::ENTRY, yup_oauth2::ENTRY];
