"""Results as JSON: one envelope, whose ``schema_version`` says how to read the rest."""

import json
from collections.abc import Mapping
from pathlib import Path

from spec.files import write_text

__all__ = ["enveloped", "json_text", "write_json"]


def enveloped(data: Mapping, version: int = 1) -> dict:
    """``data`` with ``schema_version`` first. ``version`` changes when the meaning of a key does."""
    return {"schema_version": version} | dict(data)


def json_text(data: Mapping, version: int = 1) -> str:
    """``data`` in its envelope as text, as files and ``--json`` have it."""
    return json.dumps(enveloped(data, version), indent=2) + "\n"


def write_json(path: Path, data: Mapping, version: int = 1) -> Path:
    """Write ``data`` in its envelope to ``path``, whole or not at all, and return the path."""
    return write_text(path, json_text(data, version))
