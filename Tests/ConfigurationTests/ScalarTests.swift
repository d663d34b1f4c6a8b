// SPDX-License-Identifier: Apache-2.0
import Configuration
import Testing

@Test(
    "A size is digits and perhaps a unit",
    arguments: [
        ("0", 0), ("512", 512), ("1B", 1), ("64KiB", 65_536), ("2GiB", 2 << 30), ("1TiB", 1 << 40),
        ("", nil), ("KiB", nil), ("1 KiB", nil), ("1kib", nil), ("1KB", nil), ("-1", nil), ("+1", nil),
        ("1.5GiB", nil),
        ("9223372036854775807", Int.max), ("9223372036854775808", nil), ("8388608TiB", nil), ("٣", nil),
    ]
)
func sizes(text: String, bytes: Int?) {
    #expect(ByteSize.parse(text) == bytes)
}

@Test("A size is written as it is read", arguments: [0, 1, 1_023, 1_024, 65_536, 3 << 30, 1 << 50])
func sizeRoundTrip(bytes: Int) {
    #expect(ByteSize.parse(ByteSize.text(bytes)) == bytes)
}

@Test(
    "A time is digits and a unit",
    arguments: [
        ("500ms", Duration.milliseconds(500)), ("30s", .seconds(30)), ("10m", .seconds(600)),
        ("1h", .seconds(3_600)),
        ("0s", .zero), ("24h", .seconds(86_400)), ("25h", nil), ("30", nil), ("s", nil), ("ms", nil),
        ("1.5s", nil),
        ("-1s", nil), ("1 s", nil), ("99999999999999999999s", nil), ("9223372036854775807h", nil),
    ]
)
func times(text: String, time: Duration?) {
    #expect(TimeSpan.parse(text) == time)
}

@Test(
    "A time is written as it is read",
    arguments: [Duration.zero, .milliseconds(10), .seconds(90), .seconds(7_200)]
)
func timeRoundTrip(time: Duration) {
    #expect(TimeSpan.parse(TimeSpan.text(time)) == time)
}

@Test(
    "Addresses are numeric hosts with ports, or paths",
    arguments: [
        ("127.0.0.1:8080", ListenAddress.tcp(host: "127.0.0.1", port: 8_080)),
        ("[::]:0", .tcp(host: "::", port: 0)),
        ("unix:/run/p.sock", .unix(path: "/run/p.sock")), ("unix:p", .unix(path: "p")),
        ("::1:80", nil), ("[127.0.0.1]:80", nil), ("127.0.0.1", nil), (":80", nil), ("127.0.0.1:65536", nil),
        ("127.0.0.1:", nil), ("127.0.0.1:-1", nil), ("localhost:80", nil), ("unix:", nil), ("", nil),
        ("[]:80", nil),
    ]
)
func addresses(text: String, address: ListenAddress?) {
    #expect(ListenAddress(text) == address)
    if let address { #expect(address.description == text) }
}

@Test("A path that a Unix socket cannot have is refused")
func longSocketPath() {
    #expect(ListenAddress("unix:" + String(repeating: "a", count: 107)) != nil)
    #expect(ListenAddress("unix:" + String(repeating: "a", count: 108)) == nil)
}
