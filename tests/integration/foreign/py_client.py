"""Registers with py-eureka-client: URL APP PORT.  Says ``registered``, and leaves when its standard input ends."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from typing import Any


async def live(url: str, app: str, port: int, metadata: dict[str, str]) -> None:
    """Be registered until there is no more input."""
    # Not named in an import statement: only who runs these tests has it.
    library: Any = importlib.import_module("py_eureka_client.eureka_client")
    client = await library.init_async(
        eureka_server=url,
        app_name=app,
        instance_host="127.0.0.1",
        instance_ip="127.0.0.1",
        instance_port=port,
        renewal_interval_in_secs=1,
        duration_in_secs=5,
        metadata=metadata,
    )
    names = [application.name for application in client.applications.applications]
    print(f"registered; sees {' '.join(names)}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await library.stop_async()


if __name__ == "__main__":
    asyncio.run(live(sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])))
