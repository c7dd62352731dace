//! What this machine knows of a pipeline: its state and its schemas, brought up to what the destination says.

use indexmap::IndexMap;
use serde_json::Value;
use windlass_core::Result;
use windlass_core::schema::Schema;
use windlass_core::state::{State, StateMark};

use super::Pipeline;
use super::content::LAST_EXTRACTED_HASH;
use crate::destination::Session;

/// Local and remote state and schemas, as read when the run starts and as they are after each commit.
pub(super) struct LocalState {
    pub(super) state: State,
    pub(super) schemas: IndexMap<String, Schema>,
    /// The state at the destination; `None` if nobody looked.
    pub(super) remote: Option<StateMark>,
    /// The load that brought it, where that can be seen before its load record.
    pub(super) remote_load_id: Option<String>,
}

/// What the destination says that the working folder does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// The dataset is gone.
    Dropped,
    /// The destination has a newer state.
    Adopted,
}

impl Pipeline {
    /// Brings the local state and schemas up to what the destination knows, and tells what changed.
    ///
    /// Errors: the destination; a state of another engine.
    pub(super) async fn sync(&self, session: &mut dyn Session) -> Result<(LocalState, Change)> {
        let (local, change) = self.local_state(session).await?;
        match change {
            Change::None => {}
            Change::Dropped => self.work.forget()?,
            Change::Adopted => {
                self.work.forget()?;
                local.schemas.values().try_for_each(|schema| self.work.save_schema(schema))?;
                self.work.save_state(&local.state)?;
            }
        }
        Ok((local, change))
    }

    /// The local state and schemas, or the destination's where that is newer.
    pub(super) async fn local_state(&self, session: &mut dyn Session) -> Result<(LocalState, Change)> {
        let mut change = Change::None;
        let (mut remote, mut remote_load_id) = (None, None);
        let mut state = self.state()?;
        let mut schemas: IndexMap<String, Schema> =
            self.work.schemas()?.into_iter().map(|schema| (schema.name.clone(), schema)).collect();
        if self.settings.restore_from_destination && !self.dev_mode {
            let stored = session.stored().await?;
            remote = Some(stored.state.as_ref().map(State::mark).unwrap_or_default());
            remote_load_id = stored.state_load_id;
            stored.last_load_id.iter().for_each(|load_id| self.env.follow_load(load_id));
            match stored.state {
                None if !stored.has_dataset && !schemas.is_empty() => {
                    // The dataset was dropped; everything begins anew.
                    state = State::new(&self.name);
                    schemas.clear();
                    change = Change::Dropped;
                }
                None => {}
                Some(found) => {
                    let is_newer =
                        found.version() >= state.version() && found.version_hash() != state.version_hash();
                    if is_newer {
                        state = adopt(&state, found);
                        schemas.clear();
                    }
                    for name in state.schema_names() {
                        if !schemas.contains_key(&name)
                            && let Some(schema) = session.stored_schema(&name).await?
                        {
                            schemas.insert(name, schema);
                        }
                    }
                    state.set_local("first_run", false);
                    if is_newer {
                        change = Change::Adopted;
                    }
                }
            }
        }
        Ok((LocalState { state, schemas, remote, remote_load_id }, change))
    }
}

/// The remote state with what is local.
fn adopt(local: &State, remote: State) -> State {
    let mut state = remote;
    if let Some(Value::Object(values)) = local.get("_local") {
        for (key, value) in values {
            state.set_local(key, value.clone());
        }
    }
    if let Some(hash) = state.version_hash().map(str::to_owned) {
        state.set_local(LAST_EXTRACTED_HASH, hash);
    }
    state
}
