// SPDX-License-Identifier: Apache-2.0
import Configuration
import Testing
import VolumeNames

/// Merges `text` as a file named `test.yaml`.
func merged(
    _ text: String,
    environment: [String: String] = [:],
    flags: [Configuration.FlagValue] = []
) throws(ConfigurationError) -> Configuration {
    try Configuration.merged(file: ("test.yaml", Array(text.utf8)), environment: environment, flags: flags)
}

@Test("Without file, environment and flags everything has its default")
func defaultsAlone() throws {
    #expect(try Configuration.merged(file: nil, environment: [:], flags: []) == Configuration())
}

@Test(
    "An empty file and a file of comments change nothing",
    arguments: ["", "# nothing\n", "---\n", "null\n"]
)
func emptyFiles(text: String) throws {
    #expect(try merged(text) == Configuration())
}

@Test("The environment wins over the file, and a flag over both")
func precedence() throws {
    let file = "workers: 1\nlimits:\n  mips: 3\n  memory: 2GiB\n"
    let environment = ["PYRAMIDION_WORKERS": "2", "PYRAMIDION_LIMITS_MIPS": "4", "HOME": "/root"]
    let flags = [Configuration.FlagValue(flag: "--workers", path: "workers", values: ["7"])]
    let configuration = try merged(file, environment: environment, flags: flags)
    #expect(configuration.workers == 7)
    #expect(configuration.limits.mips == 4)
    #expect(configuration.limits.memory == 2 << 30)
}

@Test("Lists come from files as lists, and from the environment separated by commas")
func lists() throws {
    let fromFile = try merged(
        "listen: ['[::1]:80', unix:/run/p.sock]\ncors: { origins: [https://a.example] }"
    )
    #expect(fromFile.listen == [.tcp(host: "::1", port: 80), .unix(path: "/run/p.sock")])
    #expect(fromFile.cors.origins == ["https://a.example"])
    for text in ["127.0.0.1:1,0.0.0.0:2", "127.0.0.1:1, 0.0.0.0:2", " 127.0.0.1:1 ,  0.0.0.0:2 "] {
        let fromEnvironment = try merged("", environment: ["PYRAMIDION_LISTEN": text])
        #expect(
            fromEnvironment.listen == [.tcp(host: "127.0.0.1", port: 1), .tcp(host: "0.0.0.0", port: 2)]
        )
    }
}

@Test("Port 0 is another address each time")
func chosenPorts() throws {
    #expect(try merged("listen: ['127.0.0.1:0', '127.0.0.1:0']\n").listen.count == 2)
}

@Test("A complaint about the use of a setting says where it stands")
func complaints() throws {
    let configuration = try merged(
        "workers: 1\ntokens: nix\n",
        environment: ["PYRAMIDION_DATA": "a"],
        flags: [Configuration.FlagValue(flag: "--workers", path: "workers", values: ["2"])]
    )
    func complaint(_ path: String) -> String {
        configuration.complaint(path, "it is bad", allowed: "good").description
    }
    #expect(complaint("tokens") == "test.yaml:2: `tokens`: it is bad; allowed: good")
    #expect(complaint("data") == "PYRAMIDION_DATA: `data`: it is bad; allowed: good")
    #expect(complaint("workers") == "--workers: `workers`: it is bad; allowed: good")
    #expect(complaint("listen") == "the defaults: `listen`: it is bad; allowed: good")
}

@Test(
    "A wrong file is refused with its line and what is allowed",
    arguments: [
        (
            "workers: 1\nworkrs: 2\n", 2,
            "there is no key `workrs`; allowed here: listen, workers, loops, limits"
        ),
        ("limits:\n  head: 3\n", 2, "there is no key `limits.head`; allowed here: target_bytes, head_bytes"),
        ("\nworkers: -1\n", 2, "`workers` cannot be that; allowed: a whole number, 0 to 1024"),
        ("workers: +1\n", 1, "`workers`"),
        ("workers: 1.5\n", 1, "`workers`"),
        ("workers: 99999999999999999999\n", 1, "`workers`"),
        ("workers: [1]\n", 1, "`workers`"),
        ("workers: null\n", 1, "`workers`"),
        (
            "limits: { memory: 2GB }\n", 1,
            "a size as 64KiB or 2GiB, 1MiB to 1024TiB, or 0: half of the machine"
        ),
        ("limits: { memory: 9999999999999TiB }\n", 1, "a size as"),
        ("timeouts:\n\n  head: 30\n", 3, "a time as 500ms or 30s, 10ms to 24h"),
        ("timeouts: { idle: 25h }\n", 1, "a time as"),
        ("log: { level: loud }\n", 1, "trace, debug, info"),
        ("log: json\n", 1, "`log` is a single value; allowed: a mapping with the keys level, format"),
        ("listen: [example.org:80]\n", 1, "HOST:PORT with a numeric host"),
        ("listen: []\n", 1, "a list of 1 to 64"),
        ("cors: { origins: [\"*\", https://a.example] }\n", 1, "\"*\" alone"),
        ("cors: { origins: [https://a.example/path] }\n", 1, "a list of origins"),
        ("workers: 1\nworkers: 2\n", 2, "the key `workers` stands here twice"),
        ("- 1\n", 1, "a list; allowed: a mapping of keys"),
        ("workers: &a 1\n", 1, "anchors are not taken"),
        ("listen: *a\n", 1, "aliases are not taken"),
        ("a: [\n", 2, "did not find expected node content"),
        ("workers: 1\n---\nworkers: 2\n", 2, "one document is enough"),
        ("data: \"\"\n", 1, "a path, or null"),
        (
            "listen: ['127.0.0.1:1', 'unix:/s', '127.0.0.1:1']\n", 1,
            "`listen` cannot be that; allowed: a list of 1 to 64, each once"
        ),
        ("listen: ['unix:/s', 'unix:/s']\n", 1, "each once"),
        ("cache: { memory: 1 }\n", 1, "a size as"),
        ("viewer: neuroglancer\n", 1, "an address as"),
        ("volumes: 3\n", 1, "a mapping of names to volumes"),
        ("volumes:\n  v: /data\n", 2, "a mapping that has a `source`"),
        ("volumes:\n  v: { source: ftp://a }\n", 2, "a folder, or a URL"),
        ("volumes:\n  v: { source: \"http://\" }\n", 2, "a folder, or a URL"),
        ("volumes:\n  v: { source: \"https:///em\" }\n", 2, "a folder, or a URL"),
        ("volumes:\n  v: { source: \"http://user@:80/em\" }\n", 2, "a folder, or a URL"),
        ("volumes:\n  v: { source: /d, factor: [2, 0] }\n", 2, "from 1 to 64"),
        ("volumes:\n  v: { source: /d, factor: [1, 1, 1] }\n", 2, "not all 1"),
        ("volumes:\n  v: { source: /d, factor: [2, 2, 2, 2] }\n", 2, "1 to 3 whole numbers"),
        ("volumes:\n  v: { source: /d, mips: 33 }\n", 2, "0 to 32, or all"),
        ("volumes:\n  v: { source: /d, method: mean }\n", 2, "average, mode"),
        ("volumes:\n  v: { source: /d, precision: fast }\n", 2, "exact, compat"),
        ("volumes:\n  v: { source: /d, encoding: jxl }\n", 2, "raw, jpeg, png"),
        ("volumes:\n  v: { source: /d, sparse: 1 }\n", 2, "true, false"),
        (
            "volumes:\n  v:\n    source: /d\n    sparse: true\n    method: min\n", 4,
            "says nothing for its method min"
        ),
        (
            "volumes:\n  v: { source: /d, sparse: true, method: average, precision: compat }\n", 2,
            "precision exact"
        ),
        ("volumes:\n  V:\n    source: /data\n", 2, "no name of a volume"),
        ("volumes:\n  v:\n    sauce: /data\n", 3, "a volume has no key `sauce`; allowed: encoding, factor"),
        ("volumes:\n  v: { mips: all }\n", 2, "has no `source`"),
    ]
)
func refusedFiles(text: String, line: Int, message: String) {
    let error = #expect(throws: ConfigurationError.self) { try merged(text) }
    #expect(error?.place == .file("test.yaml", line: line))
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "no error")")
}

@Test(
    "An empty volumes section is no reason to stop",
    arguments: ["volumes: {}", "volumes:", "volumes: null"]
)
func emptyVolumes(text: String) throws {
    #expect(try merged(text) == Configuration())
}

@Test("A volume has its defaults, and what its entry says")
func volumes() throws {
    let text = """
        volumes:
          seg: { source: "https://example.org/seg?a=b", method: mode, mips: 6, factor: auto, encoding: raw }
          em:
            source: /data/em
            factor: [2, 2, 2]
            precision: compat
            sparse: true
        """
    let volumes = try merged(text).volumes
    var em = VolumeSettings(name: "em", source: "/data/em", place: .file("test.yaml", line: 3))
    em.factor = .fixed([2, 2, 2])
    em.precision = .compat
    em.sparse = true
    var seg = VolumeSettings(
        name: "seg",
        source: "https://example.org/seg?a=b",
        place: .file("test.yaml", line: 2)
    )
    seg.method = .mode
    seg.mips = .count(6)
    seg.factor = .auto
    seg.encoding = .raw
    #expect(volumes == [em, seg])
}

@Test(
    "Names of volumes are lower case, digits, and . _ - behind the first",
    arguments: [
        ("em", true), ("0-a.b_c", true), ("", false), (".a", false), ("-a", false), ("A", false),
        ("a/b", false),
        ("ä", false), (String(repeating: "a", count: 128), true), (String(repeating: "a", count: 129), false),
    ]
)
func names(text: String, isValid: Bool) {
    #expect(VolumeName.isValid(text) == isValid)
}

@Test("A file nested deeper than the limit is refused")
func deepNesting() {
    let text = "volumes: " + String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
    let error = #expect(throws: ConfigurationError.self) { try merged(text) }
    #expect(error?.message == "nested deeper than 16 levels")
}

@Test("A file longer than the limit is refused unread")
func longFile() {
    let error = #expect(throws: ConfigurationError.self) {
        try merged(String(repeating: "#", count: Configuration.maxFileBytes + 1))
    }
    #expect(error?.message == "longer than 1MiB")
}

@Test("An unknown variable of ours is refused, and what Kubernetes sets for a service is not")
func unknownVariables() throws {
    let error = #expect(throws: ConfigurationError.self) {
        try merged("", environment: ["PYRAMIDION_WORKER": "1"])
    }
    #expect(error?.place == .environment("PYRAMIDION_WORKER"))
    let kubernetes = [
        "PYRAMIDION_SERVICE_HOST": "10.0.0.1", "PYRAMIDION_PORT_8080_TCP": "tcp://10.0.0.1:8080",
    ]
    #expect(try merged("", environment: kubernetes) == Configuration())
}

@Test("A wrong flag is refused by its own name")
func wrongFlag() {
    let error = #expect(throws: ConfigurationError.self) {
        try merged("", flags: [Configuration.FlagValue(flag: "--workers", path: "workers", values: ["many"])])
    }
    #expect(error?.description.hasPrefix("--workers: `workers` cannot be that; allowed:") == true)
}
