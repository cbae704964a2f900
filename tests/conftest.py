"""Shared by all tests: small threads, so that parallel tests do not fight for cores."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
