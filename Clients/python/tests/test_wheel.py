"""The wheel: built, installed by pip into a fresh environment without an index, and used from there."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import unittest
import venv
import zipfile
from pathlib import Path

from .support import REPOSITORY, Daemon
from .test_sdks import needs

PROJECT = Path(__file__).resolve().parents[1]
LICENSE = (REPOSITORY / "LICENSE").read_bytes()
USE = """
import sys
from fusebox_client import Client
with Client(sys.argv[1], spool=False) as client, client.permit("p/m") as permit:
    permit.usage(cost=1)
print(permit.settling.delivery)
"""


@needs("hatchling")
class WheelTests(unittest.TestCase):
    def built(self, target: str, folder: str) -> Path:
        """Builds a wheel or an sdist into the folder."""
        build = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder]
        subprocess.run(build, check=True, cwd=PROJECT, capture_output=True)
        return Path(folder)

    def test_the_source_distribution_has_the_license(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            (path,) = self.built("sdist", folder).glob("*.tar.gz")
            with tarfile.open(path) as archive:
                (name,) = [name for name in archive.getnames() if name.endswith("/LICENSE")]
                extracted = archive.extractfile(name)
                assert extracted is not None
                self.assertEqual(extracted.read(), LICENSE)

    def test_the_wheel(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            (wheel,) = self.built("wheel", folder).glob("*.whl")
            self.assertTrue(wheel.name.endswith("-py3-none-any.whl"), wheel.name)
            with zipfile.ZipFile(wheel) as archive:
                names = archive.namelist()
                (license_name,) = [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
                self.assertEqual(archive.read(license_name), LICENSE)
                (metadata_name,) = [name for name in names if name.endswith(".dist-info/METADATA")]
                metadata = archive.read(metadata_name).decode().splitlines()
            self.assertIn("License-File: LICENSE", metadata)
            extras = {line.split(": ")[1] for line in metadata if line.startswith("Provides-Extra: ")}
            modules = {name for name in ("httpx", "httpx2", "litellm") if f"fusebox_client/{name}.py" in names}
            self.assertEqual(extras, modules)
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
