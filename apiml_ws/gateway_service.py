"""The gateway put together from its parts, as one service; the order in which it stops is decided here."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, Final

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from apiml_ws.actuator.application import application_resource, shows_certificate
from apiml_ws.actuator.passwords import PasswordFile
from apiml_ws.core.config import Config
from apiml_ws.core.directory import Directory
from apiml_ws.core.ids import random_id
from apiml_ws.core.lobby import Lobby
from apiml_ws.core.places import Places
from apiml_ws.core.sessions import Sessions
from apiml_ws.core.shares import shared
from apiml_ws.core.stages import Stages
from apiml_ws.core.timetable import Timetable
from apiml_ws.discovery.notices import NoticeResource
from apiml_ws.listening import Listening
from apiml_ws.notify import READY, STOPPING, notify
from apiml_ws.presence import Presence
from apiml_ws.proxy.accepted import as_sockets
from apiml_ws.proxy.backend import BackendDialer
from apiml_ws.proxy.channel import GatewaySite
from apiml_ws.proxy.connecting import Connector
from apiml_ws.proxy.doorway import Doorway
from apiml_ws.proxy.gateway import GatewayResource
from apiml_ws.proxy.names import Names
from apiml_ws.proxy.poller import poller_for
from apiml_ws.proxy.record import LoggingRecorder
from apiml_ws.proxy.tls import ClientTls, ServerTls
from apiml_ws.relay_choice import choose_relays
from apiml_ws.sources import Sources, source_names

#: Seconds between two looks for sessions that are idle.
_SWEEP_INTERVAL: Final = 1.0


class GatewayService(MultiService):
    """The whole gateway, with ``limit`` descriptors for its process, ``taken`` of which were in use before.

    At a stop the registries hear first that the gateway is out of service, and health says so, that nobody is sent to it
    any more; for ``stopNotice`` it takes those that still come.  Then the port stays open, so that a client hears 503 and
    comes back elsewhere, until the last session is gone; only then the gateway leaves the registries, the port is closed,
    and the sources of routes are let go.
    """

    _log = Logger()

    def __init__(self, config: Config, reactor: Any, environment: Mapping[str, str], limit: int, taken: int) -> None:
        super().__init__()
        self._config = config
        self._reactor = reactor
        self._environment = environment
        self._clock = Timetable(reactor)
        self._poller = poller_for(reactor)
        self._stages = Stages(self._clock)
        self._recorder = LoggingRecorder(self._clock)
        self.directory = Directory(source_names(config), reactor.seconds)
        self._relays = choose_relays(config, reactor, self._poller, self._clock)
        self._limit = limit
        self._shares = shared(limit, taken + self._relays.descriptors, registry=config.embedded.enabled)
        client_tls = ClientTls(config.tls, config.verification)
        self.sessions = self._new_sessions(client_tls)
        self._places = Places(self._shares.sessions, self.sessions.__len__)
        self._sweeping = LoopingCall(self._sweep)
        self._sweeping.clock = reactor
        self._sources = Sources(
            config, self.directory, reactor, client_tls.https_policy(), _milliseconds, self._shares.registrants
        )
        self._sources.setServiceParent(self)
        self._presence = Presence(config, self.directory, self._sources.keepers, reactor.resolve, reactor)
        self.listening = self._new_listening()
        self.listening.setServiceParent(self)

    def _new_sessions(self, client_tls: ClientTls) -> Sessions:
        return Sessions(
            self._config.web_socket,
            self.directory,
            self._new_dialer(client_tls),
            self._relays.maker,
            self._clock,
            self._recorder,
            _new_id,
        )

    def _new_dialer(self, client_tls: ClientTls) -> BackendDialer:
        names = Names(self._reactor.nameResolver, self._clock)
        connector = Connector(names, self._poller, self._clock)
        limit = self._config.max_http_header_size
        return BackendDialer(connector, self._poller, self._clock, client_tls, limit, self._stages)

    def _new_listening(self) -> Listening:
        config, reactor = self._config, self._reactor
        notices = NoticeResource(self._sources.refresh, shows_certificate)
        root = GatewayResource(
            config, self.directory, self.sessions, self._places, self._stages, reactor, self._new_actuator(), notices
        )
        lobby = Lobby(self._shares.newcomers, "gateway", reactor.seconds)
        site = GatewaySite(root, reactor, config.max_http_header_size, lobby)
        tls = ServerTls(config.tls) if config.tls.enabled else None
        doorway = Doorway(site, root.entrance, self._poller, self._clock, reactor, tls)
        scheme = "https" if config.tls.enabled else "http"
        return Listening(reactor, config.address, config.port, doorway, scheme, "gateway", lobby.room, as_sockets)

    def _new_actuator(self) -> Any:
        passwords = None if self._config.password_file is None else PasswordFile(self._config.password_file)
        return application_resource(
            sessions=self.sessions,
            directory=self.directory,
            relay=self._relays.choice,
            passwords=passwords,
            clock=self._reactor,
            defer_to_thread=lambda function, *args: deferToThreadPool(
                self._reactor, self._reactor.getThreadPool(), function, *args
            ),
        )

    def startService(self) -> None:
        """Begin, and tell systemd."""
        for warning in self._config.warnings:
            self._log.warn("{warning}", warning=str(warning))
        choice = self._relays.choice
        self._log.info("relay: {kind}, since {reason}", kind=choice.kind, reason=choice.reason)
        self._log.info(
            "{limit} descriptors: room for {sessions} sessions, and {newcomers} connections that are none",
            limit=self._limit,
            sessions=self._shares.sessions,
            newcomers=self._shares.newcomers,
        )
        self._relays.begin()
        super().startService()
        self._sweeping.start(_SWEEP_INTERVAL, now=False)
        self._presence.announce(self.listening.port)
        notify(self._environment, READY)

    def _sweep(self) -> None:
        self.sessions.sweep()
        self._places.look()

    def stopService(self) -> Deferred[Any]:
        """Fires when every session, the registrations, the port and every source are gone."""
        notify(self._environment, STOPPING)
        self.sessions.announce_stop()
        noticed: Deferred[None] = deferLater(self._reactor, self._config.web_socket.stop_notice)
        stopped: Deferred[Any] = DeferredList([self._presence.withdraw(), noticed])
        stopped.addCallback(lambda _: self._end_sessions())
        stopped.addCallback(lambda _: self._presence.leave())
        return stopped.addCallback(lambda _: self._end_services())

    def _end_sessions(self) -> Deferred[None]:
        self._log.info("stopping: {count} sessions are closed", count=len(self.sessions))
        gone: Deferred[None] = Deferred()
        self.sessions.stop(lambda: gone.callback(None))
        return gone

    def _end_services(self) -> object:
        self._sweeping.stop()
        self._relays.stop()
        self._recorder.flush()
        return MultiService.stopService(self)


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


def _new_id() -> str:
    return random_id(os.urandom(16))
