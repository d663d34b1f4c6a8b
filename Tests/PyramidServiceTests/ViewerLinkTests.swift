// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import PyramidService

@Test(
    "The state goes right behind the viewer that is configured; an origin alone gets its slash",
    arguments: [
        ("https://x.org", "https://x.org/#!"), ("http://x.org:8080", "http://x.org:8080/#!"),
        ("https://x.org/", "https://x.org/#!"), ("https://x.org/ng", "https://x.org/ng/#!"),
        ("https://x.org/ng/", "https://x.org/ng/#!"),
        ("https://x.org/ng/index.html", "https://x.org/ng/index.html#!"),
        ("https://x.org/?a=b", "https://x.org/?a=b#!"), ("https://x.org/ng#!old", "https://x.org/ng/#!"),
    ]
)
func viewerLinks(_ viewer: String, _ start: String) {
    #expect(VolumeDescription.link(into: viewer, Array("{}".utf8)) == start + "%7B%7D")
}
