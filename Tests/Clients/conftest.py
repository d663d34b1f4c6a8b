# SPDX-License-Identifier: Apache-2.0
"""What the clients' tests share with the live ones: how volumes are written, and what their levels must hold."""
import os
import random
import secrets
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Live"))

SEED = os.environ.get("SEED") or secrets.token_hex(4)


def pytest_report_header():
    return [f"random choices: SEED={SEED}"]


@pytest.fixture
def dice(request):
    """Random choices of this test alone; SEED, printed at the top, gives them again."""
    return random.Random(f"{SEED} {request.node.nodeid}")
