"""What a gateway says of itself in a registry: what Zowe's own gateway says, as far as it is true of this one."""

from __future__ import annotations

from importlib.metadata import version
from types import MappingProxyType
from typing import Final

from apiml_ws.core.config import Config
from apiml_ws.core.registry import Status
from apiml_ws.discovery.registration import LeaseInfo, Port, Registration

#: The version of Zowe's metadata that is spoken; registries translate what has none from an older one.
METADATA_VERSION: Final = "2.2.0"

_NO_PORT: Final = Port(0, enabled=False)

_TITLE: Final = MappingProxyType(
    {
        "apiml.service.title": "API Gateway",
        "apiml.service.description": "Carries WebSocket sessions to the services of this registry",
        "apiml.catalog.tile.id": "apimediationlayer",
        "apiml.catalog.tile.title": "API Mediation Layer API",
        "apiml.catalog.tile.description": "The services of the API Mediation Layer itself",
        "apiml.catalog.tile.version": "1.0.0",
    }
)


def gateway_registration(config: Config, port: int, ip_address: str, status: Status) -> Registration:
    """The gateway as it registers, once its ``port`` is open.

    ``ip_address`` is what its host name stands for; Eureka wants one, though hardly anybody uses it.
    """
    secure, eureka = config.tls.enabled, config.eureka
    base = f"{'https' if secure else 'http'}://{_in_url(config.hostname)}:{port}"
    return Registration(
        app=config.service_id,
        host_name=config.hostname,
        instance_id=f"{config.hostname}:{config.service_id}:{port}",
        ip_addr=ip_address,
        status=status,
        port=_NO_PORT if secure else Port(port, enabled=True),
        secure_port=Port(port, enabled=True) if secure else _NO_PORT,
        lease=LeaseInfo(renewal_interval=round(eureka.renewal_interval), duration=round(eureka.lease_duration)),
        metadata=MappingProxyType(_metadata(config, base, port)),
        texts=MappingProxyType(_addresses(config.service_id, base, secure)),
    )


def _metadata(config: Config, base: str, port: int) -> dict[str, str]:
    return {
        "version": METADATA_VERSION,
        "management.port": str(port),
        **_TITLE,
        "apiml.routes.api_v1.gatewayUrl": "/api/v1",
        "apiml.routes.api_v1.serviceUrl": "/gateway",
        "apiml.apiInfo.0.apiId": "zowe.apiml.gateway",
        "apiml.apiInfo.0.version": version("apiml-ws"),
        "apiml.apiInfo.0.gatewayUrl": "api/v1",
        "apiml.service.apimlId": f"{config.hostname}_{port}",
        "apiml.service.externalUrl": base,
    }


def _addresses(service_id: str, base: str, secure: bool) -> dict[str, str]:
    health = f"{base}/application/health"
    return {
        "homePageUrl": f"{base}/",
        "statusPageUrl": f"{base}/application/info",
        "healthCheckUrl": health,
        **({"secureHealthCheckUrl": health} if secure else {}),
        "vipAddress": service_id,
        "secureVipAddress": service_id,
    }


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
