"""The wheel: built, installed by pip into a fresh environment without an index, and used from there."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import unittest
import venv
import zipfile
from pathlib import Path

from .support import Daemon
from .test_sdks import needs

PROJECT = Path(__file__).resolve().parents[1]
USE = """
import sys
from fusebox_client import Client
with Client(sys.argv[1], spool=False) as client, client.permit("p/m") as permit:
    permit.usage(cost=1)
print(permit.settling.delivery)
"""


@needs("hatchling")
class WheelTests(unittest.TestCase):
    def test_the_wheel(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            built = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
            subprocess.run(built, check=True, cwd=PROJECT, capture_output=True)
            (wheel,) = Path(folder).glob("*.whl")
            self.assertTrue(wheel.name.endswith("-py3-none-any.whl"), wheel.name)
            names = zipfile.ZipFile(wheel).namelist()
            self.assertIn("fusebox_client/py.typed", names)
            self.assertEqual([name for name in names if name.startswith(("tests", "src"))], [])
            environment = Path(folder, "venv")
            venv.create(environment, with_pip=True)
            python = str(environment / "bin" / "python")
            install = [python, "-m", "pip", "install", "-q", "--no-index", "--disable-pip-version-check", str(wheel)]
            subprocess.run(install, check=True, cwd=folder)
            with Daemon() as daemon:
                used = [python, "-I", "-c", USE, daemon.socket]
                ran = subprocess.run(used, check=True, cwd=folder, capture_output=True, text=True)
            self.assertEqual(ran.stdout, "delivered\n")


if __name__ == "__main__":
    unittest.main()
