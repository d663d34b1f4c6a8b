// SPDX-License-Identifier: Apache-2.0
import Testing
import UV

@Suite("Endpoints")
struct EndpointTests {
    @Test(
        "An address is read and written back",
        arguments: [
            ("127.0.0.1:8080", Endpoint.tcp(host: "127.0.0.1", port: 8080), "127.0.0.1:8080"),
            ("[::1]:0", .tcp(host: "::1", port: 0), "[::1]:0"),
            ("localhost:65535", .tcp(host: "localhost", port: 65535), "localhost:65535"),
            (":80", .tcp(host: "::", port: 80), "[::]:80"),
            ("unix:/run/p.sock", .unix(path: "/run/p.sock"), "unix:/run/p.sock"),
            ("unix:a:b", .unix(path: "a:b"), "unix:a:b"),
        ]
    )
    func parses(text: String, endpoint: Endpoint, written: String) throws {
        #expect(try Endpoint(parsing: text) == endpoint)
        #expect(endpoint.description == written)
        #expect(try Endpoint(parsing: written) == endpoint)
    }

    @Test(
        "What is no address is refused with a sentence that says what would be right",
        arguments: [
            "", "8080", "host", "host:", "host:65536", "host:-1", "host:+1", "host:8 0", "::1:80", "[]:80",
            "[::1]", "[::1]80",
            "unix:", "unix:\u{0}", "a b:80", "a\u{0}b:80", "h[:80", "hö:80",
        ]
    )
    func refuses(text: String) {
        let error = #expect(throws: Endpoint.Malformed.self) { try Endpoint(parsing: text) }
        #expect(error?.description.contains("expected HOST:PORT, [IPV6]:PORT, :PORT or unix:PATH") == true)
    }
}
