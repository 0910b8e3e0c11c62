#!/usr/bin/env python3
"""Checks format, lint and types, with the tools that are installed. Says loudly which are not."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

CHECKS = {
    "ruff": (
        ["ruff", "format", "--check", "-q", "--config", "pyproject.toml", ".", "../generate"],
        ["ruff", "check", "-q", "--config", "pyproject.toml", ".", "../generate"],
    ),
    "mypy": (["mypy"],),
}

failed = False
for tool, commands in CHECKS.items():
    if find_spec(tool) is None:
        print(f"*** NOT CHECKED: {tool} is not installed ***", file=sys.stderr)
        continue
    for command in commands:
        failed = subprocess.run([sys.executable, "-m", *command]).returncode != 0 or failed
sys.exit(failed)
