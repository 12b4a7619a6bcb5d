"""Makes the sample service known to twistd as ``discoverableclient``."""

from twisted.application.service import ServiceMaker

discoverableclient = ServiceMaker(
    "discoverableclient", "apiml_ws.sample_tap", "A sample WebSocket service for the gateway", "discoverableclient"
)
