"""Makes the gateway known to twistd as ``apiml-ws``."""

from twisted.application.service import ServiceMaker

apiml_ws = ServiceMaker(
    "apiml-ws", "apiml_ws.tap", "A WebSocket API gateway for the services of a Eureka registry", "apiml-ws"
)
