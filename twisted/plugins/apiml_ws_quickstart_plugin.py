"""Makes the quick start known to twistd as ``apiml-ws-quickstart``."""

from twisted.application.service import ServiceMaker

apiml_ws_quickstart = ServiceMaker(
    "apiml-ws-quickstart",
    "apiml_ws.quickstart_tap",
    "The gateway with a registry and two sample services, on this machine",
    "apiml-ws-quickstart",
)
