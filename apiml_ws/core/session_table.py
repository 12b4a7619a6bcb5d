"""The life of a session as a table of states and inputs.

States: ``dialing`` (a client, no service yet), ``relaying`` (both), ``reattaching`` (the service was lost, another one is
looked for), ``departing`` (the client said close while a service was looked for, and what it sent before is still to be
delivered), ``closing`` (the cause is known, connections are left), ``closed``.  Both ends are open, too, while a session is
moved away from a service that goes on: ``seeking`` (another one is looked for), ``handing over`` (it is there, and the
present one is to be told so between two messages), ``retiring`` (it was told, and may say what it still has to).  Every
input is declared in every state: what comes too late changes nothing, and a leg that comes too late is let go.
"""

from __future__ import annotations

from collections.abc import Callable

from automat import TypeMachineBuilder

from apiml_ws.core import session_moves as moves
from apiml_ws.core import session_steps as steps
from apiml_ws.core.closing import Cause
from apiml_ws.core.conversation import Conversation
from apiml_ws.core.session_inputs import Inputs
from apiml_ws.core.transitions import indexed

_builder = TypeMachineBuilder(Inputs, Conversation)
_dialing = _builder.state("dialing")
_relaying = _builder.state("relaying")
_seeking = _builder.state("seeking")
_handing_over = _builder.state("handing over")
_retiring = _builder.state("retiring")
_reattaching = _builder.state("reattaching")
_departing = _builder.state("departing")
_closing = _builder.state("closing")
_closed = _builder.state("closed")
#: Those with both ends, and those of them in which the service was not told anything.
_open = (_relaying, _seeking, _handing_over, _retiring)
_served = (_relaying, _seeking, _handing_over)

for _state in (_dialing, _reattaching):
    _state.upon(Inputs.opened).to(_relaying)(steps.attach)
    _state.upon(Inputs.client_closed).to(_closing)(steps.answer_client)
    _state.upon(Inputs.client_closed_early).to(_departing)(steps.note_client_close)

for _state in (_dialing, _reattaching, _departing):
    _state.upon(Inputs.refused).to(_closing)(steps.refuse)
    _state.upon(Inputs.unfit).to(_closing)(steps.refuse_unfit)
    _state.upon(Inputs.deadline).to(_closing)(steps.miss_deadline)

for _state in (_dialing, *_open, _reattaching):
    _state.upon(Inputs.client_lost).to(_closing)(steps.lose_client)
    _state.upon(Inputs.client_ended).to(_closing)(steps.give_up_client)
    _state.upon(Inputs.client_broke).to(_closing)(steps.refuse_client_input)
    _state.upon(Inputs.client_stalled).to(_closing)(steps.give_client_up)

for _state in (_dialing, *_open, _reattaching, _departing):
    _state.upon(Inputs.failed).to(_closing)(steps.fail)
    _state.upon(Inputs.stop).to(_closing)(steps.close_both(Cause.STOPPING))
    _state.upon(Inputs.abort).to(_closed)(steps.cut_short)

for _state in _open:
    _state.upon(Inputs.client_closed).to(_closing)(steps.close_for_client)
    _state.upon(Inputs.service_lost).to(_closing)(steps.lose_service)
    _state.upon(Inputs.service_cut).to(_closing)(steps.cut_service)
    _state.upon(Inputs.service_broke).to(_closing)(steps.refuse_service_input)
    _state.upon(Inputs.service_stalled).to(_closing)(steps.give_service_up)
    _state.upon(Inputs.idle).to(_closing)(steps.close_both(Cause.IDLE))
    _state.upon(Inputs.taken_off).to(_closing)(steps.close_both(Cause.TAKEN_OFF))
    _state.upon(Inputs.view).loop()(steps.view)

for _state in _served:
    _state.upon(Inputs.client_closed_early).to(_closing)(steps.close_for_client)
    _state.upon(Inputs.service_closed).to(_closing)(steps.close_for_service)
    _state.upon(Inputs.service_left).to(_reattaching)(moves.let_service_leave)
    _state.upon(Inputs.service_gone).to(_reattaching)(moves.replace_service)
    _state.upon(Inputs.service_ended).to(_closing)(steps.give_up_service)

_relaying.upon(Inputs.relocate).to(_seeking)(moves.relocate)
_seeking.upon(Inputs.opened).to(_handing_over)(moves.hand_over)
_seeking.upon(Inputs.refused).to(_relaying)(moves.stay_refused)
_seeking.upon(Inputs.unfit).to(_relaying)(moves.stay_unfit)
_handing_over.upon(Inputs.service_stays).to(_relaying)(moves.stay)
_handing_over.upon(Inputs.service_retired).to(_retiring)(moves.note_retired)
_retiring.upon(Inputs.service_left).to(_relaying)(moves.follow_closed)
_retiring.upon(Inputs.service_gone).to(_relaying)(moves.follow_gone)
_retiring.upon(Inputs.service_closed).to(_closing)(moves.break_off)
_retiring.upon(Inputs.service_ended).to(_closing)(steps.lose_service)
_retiring.upon(Inputs.client_closed_early).to(_closing)(moves.follow_and_deliver)

for _state in (_reattaching, _departing):
    _state.upon(Inputs.service_lost).loop()(moves.note_service_end)
    _state.upon(Inputs.service_cut).loop()(moves.note_service_end)
    _state.upon(Inputs.service_gone).loop()(moves.note_service_end)
    _state.upon(Inputs.service_ended).loop()(moves.note_service_end)

_departing.upon(Inputs.opened).to(_closing)(moves.deliver)
_departing.upon(Inputs.client_lost).loop()(steps.note_client_end)
_departing.upon(Inputs.client_ended).loop()(steps.note_client_end)
_departing.upon(Inputs.client_stalled).loop()(steps.drop_client)

_closing.upon(Inputs.client_closed).loop()(steps.pass_client_close)
_closing.upon(Inputs.client_closed_early).loop()(steps.pass_client_close)
_closing.upon(Inputs.service_closed).loop()(steps.pass_service_close)
_closing.upon(Inputs.service_left).loop()(steps.pass_service_close)
_closing.upon(Inputs.client_lost).loop()(steps.finish_client)
_closing.upon(Inputs.client_ended).loop()(steps.finish_client)
_closing.upon(Inputs.service_lost).loop()(steps.finish_service)
_closing.upon(Inputs.service_cut).loop()(steps.finish_service)
_closing.upon(Inputs.service_gone).loop()(steps.finish_service)
_closing.upon(Inputs.service_ended).loop()(steps.finish_service)
_closing.upon(Inputs.client_stalled).loop()(steps.drop_client)
_closing.upon(Inputs.service_stalled).loop()(steps.drop_service)
_closing.upon(Inputs.failed).loop()(steps.fail)
_closing.upon(Inputs.abort).to(_closed)(steps.cut)
_closing.upon(Inputs.settled).to(_closed)(steps.finish)

for _state in (_relaying, _handing_over, _retiring, _closing, _closed):
    _state.upon(Inputs.opened).loop()(steps.abandon_late)
    _state.upon(Inputs.unfit).loop()(steps.abandon_late)

_reattaching.upon(Inputs.view).loop()(steps.view)
for _state in (_dialing, _departing, _closing, _closed):
    _state.upon(Inputs.view).loop().returns(None)

# What is of no consequence, state by state.

_Late = tuple[Callable[..., None], ...]
_service: _Late = (Inputs.service_closed, Inputs.service_left, Inputs.service_broke, Inputs.service_stalled)
_service_end: _Late = (Inputs.service_lost, Inputs.service_cut, Inputs.service_gone, Inputs.service_ended)
_client: _Late = (Inputs.client_closed, Inputs.client_closed_early, Inputs.client_broke)
_client_end: _Late = (Inputs.client_lost, Inputs.client_ended, Inputs.client_stalled)
_broken: _Late = (Inputs.client_broke, Inputs.service_broke)
_search: _Late = (Inputs.refused, Inputs.deadline)
_open_only: _Late = (Inputs.idle, Inputs.taken_off, Inputs.relocate)
_retirement: _Late = (Inputs.service_retired, Inputs.service_stays)

for _late in (*_service, *_service_end, *_open_only):
    _dialing.upon(_late).loop().returns(None)
for _late in (*_service, *_open_only):
    _reattaching.upon(_late).loop().returns(None)
for _late in (*_client, *_service, *_open_only):
    _departing.upon(_late).loop().returns(None)
for _late in (*_broken, *_search, *_open_only):
    _closing.upon(_late).loop().returns(None)
for _late in (*_client, *_client_end, *_service, *_service_end, *_search, *_open_only, Inputs.failed):
    _closed.upon(_late).loop().returns(None)
for _state in (_relaying, _handing_over, _retiring):
    for _late in _search:
        _state.upon(_late).loop().returns(None)
_seeking.upon(Inputs.deadline).loop().returns(None)
for _state in (_seeking, _handing_over, _retiring):
    _state.upon(Inputs.relocate).loop().returns(None)
for _state in (_dialing, _relaying, _seeking, _retiring, _reattaching, _departing, _closing, _closed):
    for _late in _retirement:
        _state.upon(_late).loop().returns(None)

for _state in (_closing, _closed):
    _state.upon(Inputs.stop).loop().returns(None)
_closed.upon(Inputs.abort).loop().returns(None)
for _state in (_dialing, *_open, _reattaching, _departing, _closed):
    _state.upon(Inputs.settled).loop().returns(None)

#: Makes the machine of one session.
machine = indexed(_builder.build())
