//! The property that is asked: one of Google's, or one of a fake Google on this machine.

use crate::arguments::{Arguments, Figures};
use crate::wait::Watched;
use crate::{Failure, fake, say, usage, wrong_value};
use shortway::analytics::{Analytics, Property, PropertyId};
use shortway::testing::FakeGoogle;
use shortway::{Error, FileStore, ServiceAccountKey, StoreStatus, TokenSource, scope};
use std::path::Path;

pub(crate) struct Site {
    property: Property,
    /// Tells what is late; a fake on this machine is not.
    watched: Option<Watched>,
    _google: Option<FakeGoogle>,
}

impl Site {
    pub(crate) fn of(arguments: &Arguments) -> Result<Self, Failure> {
        match arguments.figures()? {
            Figures::MadeUp => {
                let words =
                    "these figures are made up: they come from a fake Google on this machine, see --help";
                say("note", words);
                let (google, property) = fake::property(arguments.v3.is_some())?;
                Ok(Self { property, watched: None, _google: Some(google) })
            }
            Figures::Of(property) => Self::at_google(property, arguments),
        }
    }

    fn at_google(property: &str, arguments: &Arguments) -> Result<Self, Failure> {
        let property: PropertyId = property.parse().map_err(usage)?;
        let key = match &arguments.key {
            Some(path) => ServiceAccountKey::from_file(path)?,
            None => ServiceAccountKey::from_env()?,
        };
        let watched = Watched::default();
        let mut tokens =
            shortway::service_account(key, [scope::ANALYTICS_READONLY]).transport(watched.clone());
        if let Some(url) = &arguments.token_url {
            tokens = tokens.token_endpoint(url);
        }
        if let Some(path) = &arguments.store {
            tokens = tokens.store(FileStore::at(path).map_err(|error| wrong_value("--store", &error))?);
        }
        let tokens = tokens.build().map_err(|error| match &arguments.token_url {
            // With an endpoint named on the command line that is what `build` can find fault with.
            Some(_) => wrong_value("--token-url", &error),
            None => error.into(),
        })?;
        let mut analytics = Analytics::with_transport(tokens.clone(), watched.apart());
        if let Some(url) = &arguments.api_url {
            analytics = analytics.with_endpoint(url).map_err(|error| wrong_value("--api-url", &error))?;
        }
        // The client would get the token itself; first, it can be told which of the two is late.
        watched.announced("token", || tokens.token())?;
        tell_origin(arguments, &tokens.source().status());
        Ok(Self { property: analytics.property(property), watched: Some(watched), _google: None })
    }

    pub(crate) fn property(&self) -> &Property {
        &self.property
    }

    /// Calls the property, and says once that `what` has not come if that takes long.
    pub(crate) fn ask<T>(
        &self,
        what: &'static str,
        call: impl FnOnce(&Property) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match &self.watched {
            Some(watched) => watched.announced(what, || call(&self.property)),
            None => call(&self.property),
        }
    }
}

/// Says where the token comes from, if that is wanted, and what is wrong with the file of `--store`.
fn tell_origin(arguments: &Arguments, status: &StoreStatus) {
    if let Some(error) = &status.last_failure {
        say("warning", error);
    }
    let file = arguments.store.as_deref().unwrap_or(Path::new("")).display();
    match (status.loaded > 0, status.saved > 0) {
        _ if !arguments.verbose => {}
        (true, _) => say("note", format!("the token comes from {file}, no request was made for it")),
        (_, true) => say("note", format!("the token was requested, and saved in {file}")),
        _ => say("note", "the token was requested, and not saved"),
    }
}
