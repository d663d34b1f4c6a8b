# SPDX-License-Identifier: Apache-2.0
"""What the tests from outside stand on: a strict HTTP client, the server process, arrays as bodies and answers."""
