"""LiteLLM's callback: with a small double of its interface, and with the package where it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path

from .fake_provider import FakeProvider
from .support import Daemon
from .test_sdks import needs

HERE = Path(__file__).parent


class LiteLLMTests(unittest.TestCase):
    def check(self, kind: str) -> None:
        provider = FakeProvider()
        self.addCleanup(provider.close)
        paths = [str(HERE / "doubles")] if kind == "double" else []
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, *filter(None, sys.path)])}
        # The package must not look for newer lists of models.
        environment |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        with Daemon() as daemon:
            arguments = [sys.executable, str(HERE / "litellm_checks.py"), kind, daemon.socket, provider.url]
            ran = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=300)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        print(f"\n{ran.stdout.strip()}", file=sys.stderr)

    def test_the_double(self) -> None:
        self.check("double")

    @needs("litellm")
    def test_the_package(self) -> None:
        self.check("package")


if __name__ == "__main__":
    unittest.main()
