# SPDX-License-Identifier: Apache-2.0
"""Every case of the parser's corpus on a live socket: what is answered, with what, and whether the connection goes on.

The corpus says what the bytes mean; here the whole server has to behave like it, and a request that is smuggled behind
them must never be answered where the framing was in doubt.
"""
import pytest

from support.arrays import target
from support.corpus import cases
from support.wire import head

CASES = cases()
NEXT = head("GET", "/version", host="next")
# Reads any body there is, and finds it too short.
READER = b"POST " + target(shape=(1000, 1000), dtype="uint8").encode() + b" HTTP/"


def test_the_whole_corpus_is_read():
    assert len(CASES) > 330
    assert all(case.content and case.events for case in CASES)


def requests_of(events):
    """[(head line, how it ended)]: "end", "failed STATUS", or None where the bytes stop before the end."""
    found = []
    for line in events:
        if line.startswith("head "):
            found.append([line, None])
        elif line == "end":
            found[-1][1] = "end"
        elif line.startswith("failed "):
            ending = " ".join(line.split()[:2])
            if found and found[-1][1] is None:
                found[-1][1] = ending
            else:
                found.append([None, ending])
    return found


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_the_corpus_says_is_what_the_server_does(case, server):
    requests = requests_of(case.events)
    content = case.content
    if content.startswith(b"POST / HTTP/1.1") and any(ending and "failed" in ending for head, ending in requests if head):
        content = content.replace(b"POST / HTTP/", READER, 1)
    complete = not requests or requests[-1][1] is not None
    with server.connect() as wire:
        wire.send(content + (NEXT if requests and complete else b""))
        wire.finish_sending()
        for line, ending in requests:
            words = line.split() if line else ["", "GET", "", "", "", "", "keep-alive"]
            if ending is None:
                # The client is gone in mid-body: no answer is owed, and whatever it is, nothing comes behind it.
                rest = wire.read_to_end()
                assert rest.count(b"HTTP/1.1 ") <= 1, rest
                return
            reply = wire.read(words[1])
            if ending.startswith("failed"):
                assert reply.status == int(ending.split()[1]), (reply.status, reply.body)
                assert reply.problem and reply.closes
                wire.expect_closed()
                return
            assert reply.status != 500
            if "close" in words[6:]:
                assert reply.closes
            elif "body=none" in words:
                assert not reply.closes, reply.fields
            if reply.closes:
                wire.expect_closed()
                return
        if requests:
            reply = wire.read("GET")
            assert reply.status == 200 and b"version" in reply.body
        wire.expect_closed()
