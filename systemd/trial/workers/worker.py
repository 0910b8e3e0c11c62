"""Makes calls under a permit, as fast as it can, until the file STOP exists: worker.py STOP PROVIDER

Each call costs $0.01. The number of calls is printed at the end. An error ends the worker, with a trace.
"""

import pathlib
import sys

from fusebox_client import Client

stop, provider = pathlib.Path(sys.argv[1]), sys.argv[2]
calls = 0
with Client(name="worker in Python") as client:
    while not stop.exists():
        with client.permit(f"{provider}/model") as permit:
            permit.usage(cost="0.01")
        calls += 1
print(calls)
