//! Proxies, head to foot: the views that the threads of one interpreter make of one buffer become one view, the proxy,
//! as long as it has clones.
//!
//! The first message costs a visit to the owner. Further ones are *absorbed*: the proxy takes over their reference. Two
//! threads that find no proxy at the same time both visit; the second one brings its export as well.

use super::{Moment, Plan};
use crate::spec::action::Cause;
use crate::spec::state::{State, ViewState};
use crate::spec::thread::{Claim, Todo, Value, Window, small};
use crate::spec::{Fault, Rules};

impl Rules {
    /// What is done with a message: look for the proxy. A thread that belongs to no interpreter has none.
    pub(super) fn open_by_proxy(&self, state: &State, thread: usize, buffer: u8, window: Window) -> Plan {
        match state.threads[thread].home {
            None => self.open_at_owner(state, thread, buffer, window),
            Some(_) if self.has(Fault::ProxyNotSought) => self.fetch(state, thread, buffer, window),
            Some(_) => vec![Todo::Seek { buffer, window }],
        }
    }

    /// The proxy absorbs the message, or there is none: then a view is made at the owner, and brought here.
    pub(in crate::spec) fn seek(&self, state: &mut State, thread: usize, buffer: u8, window: Window) {
        if let Some(view) = self.proxy(state, thread, buffer) {
            state.threads[thread].put_down(|claim| claim.message() == Some(buffer));
            self.absorb(state, thread, view, window.into, 0);
            return;
        }
        if self.revives_the_dead(state, thread, buffer, window) {
            return;
        }
        let me = &mut state.threads[thread];
        let message = me.put_down(|claim| claim.message() == Some(buffer));
        if let Some((_, version)) = message.and_then(Claim::shows) {
            me.hands.push(Claim::Sought { buffer, version });
        }
        let plan = self.fetch(state, thread, buffer, window);
        let plan = self.amend(state, thread, Moment::Creating { buffer }, plan);
        state.threads[thread].first(plan);
    }

    /// Make a view at the owner, and bring it to the proxy before going back.
    fn fetch(&self, state: &State, thread: usize, buffer: u8, window: Window) -> Plan {
        let owner = self.owner(buffer);
        let join = Todo::Join { buffer, window };
        match state.current(thread) {
            Some(current) if current == owner => vec![Todo::ExportFresh(buffer), join],
            current => {
                let mut plan = self.visit(owner, Cause::ViewCreation, vec![Todo::ExportFresh(buffer)]);
                plan.push(join);
                self.away(current, plan)
            }
        }
    }

    /// The proxy absorbs the new view, or the view becomes the proxy.
    pub(in crate::spec) fn join(&self, state: &mut State, thread: usize, buffer: u8, window: Window) {
        let fresh = |claim| matches!(claim, Claim::Fresh { buffer: b, .. } if b == buffer);
        let Some(Claim::Fresh { version, .. }) = state.threads[thread].put_down(fresh) else { return };
        if let Some(view) = self.proxy(state, thread, buffer) {
            self.absorb(state, thread, view, window.into, 1);
            return;
        }
        let proxy = state.threads[thread].home;
        *state.view(window.view) = Some(ViewState { proxy, ..ViewState::new(buffer, version, window.is_copy) });
        state.threads[thread].assign(window.into, Value::View(window.view));
    }

    /// The proxy of a buffer in the interpreter to which a thread belongs: a view without clones is none any more.
    fn proxy(&self, state: &State, thread: usize, buffer: u8) -> Option<u8> {
        let home = state.threads[thread].home?;
        let is_it = |view: &Option<ViewState>| view.is_some_and(|v| v.buffer == buffer && v.proxy == Some(home));
        state.views.iter().position(is_it).map(small)
    }

    /// One more clone of the proxy, which takes over a reference and maybe an export.
    fn absorb(&self, state: &mut State, thread: usize, view: u8, into: u8, exports: u8) {
        state.threads[thread].assign(into, Value::View(view));
        let Some(there) = state.view(view) else { return };
        there.clones += 1;
        if !self.has(Fault::AbsorbedForgotten) {
            there.references += 1;
            there.exports += exports;
        }
    }
}
