// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import Workers

@testable import Origins

struct FolderOriginTests {
    private let folder: TestFolder
    private let files = WorkerPool(lanes: 1, queueLimit: 8)
    private let origin: FolderOrigin

    init() throws {
        folder = try TestFolder()
        origin = FolderOrigin(path: folder.path + "/volume", files: files)
        try folder.write("volume/info", "{}")
        try folder.write("outside", "secret")
    }

    @Test("An object is the bytes of its file, and has a version") func plain() async throws {
        let object = try #require(try await origin.object("info", limit: 2))
        #expect(object.text == "{}")
        #expect(object.coding == .identity)
        #expect(object.version != nil)
    }

    @Test("An object that the system has in memory is read into the memory that is given") func ready() throws
    {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 8, alignment: 1)
        defer { memory.deallocate() }
        try folder.write("volume/s/a", "abcdefgh")
        try folder.write("volume/s/b.gz", "packed")
        try folder.write("volume/s/long", "nine byte")
        try folder.write("volume/s/empty", "")
        try folder.link("volume/s/out", to: "../../outside")
        // Where the file system cannot say what it has in memory, nothing is ever ready.
        var way = ReadyWay()
        let first = origin.readyObject("s/a", into: memory, by: &way)
        try #require(origin.hasReadyObjects == (first != .notReady))
        guard origin.hasReadyObjects else { return }
        #expect(first == .read(byteCount: 8, coding: .identity))
        #expect(memory.elementsEqual("abcdefgh".utf8))
        let second = origin.readyObject("s/b", into: memory, by: &way)
        #expect(second == .read(byteCount: 6, coding: .gzip))
        #expect(memory.prefix(6).elementsEqual("packed".utf8))
        let none = origin.readyObject("s/none", into: memory, by: &way)
        #expect(none == .absent)
        let above = origin.readyObject("../outside", into: memory, by: &way)
        #expect(above == .read(byteCount: 6, coding: .identity))
        for key in ["s/long", "s/empty", "s/out", "a//b", "s"] {
            let object = origin.readyObject(key, into: memory, by: &way)
            #expect(object == .notReady, "\(key)")
        }
    }

    @Test("A folder that is not there has nothing ready, and is not taken for an empty one")
    func readyNowhere() {
        let origin = FolderOrigin(path: folder.path + "/gone", files: files)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 8, alignment: 1)
        defer { memory.deallocate() }
        var way = ReadyWay()
        let object = origin.readyObject("info", into: memory, by: &way)
        #expect(object == .notReady)
    }

    @Test("A file that is replaced has another version") func version() async throws {
        let first = try #require(try await origin.object("info", limit: 9))
        try folder.write("new", "[]")
        #expect(rename(folder.path + "/new", folder.path + "/volume/info") == 0)
        let second = try #require(try await origin.object("info", limit: 9))
        #expect(first.version != second.version)
    }

    @Test("What has no file under its key may have one packed with gzip") func packed() async throws {
        try folder.write("volume/8_8_40/0-1_0-1_0-1.gz", "packed")
        let object = try #require(try await origin.object("8_8_40/0-1_0-1_0-1", limit: 6))
        #expect(object.coding == .gzip)
        #expect(object.text == "packed")
    }

    @Test("Where both are there the plain file is taken") func both() async throws {
        try folder.write("volume/a", "plain")
        try folder.write("volume/a.gz", "packed")
        #expect(try await origin.object("a", limit: 99)?.text == "plain")
    }

    @Test(
        "An object that is not there is nil, whatever is missing",
        arguments: ["missing", "no/such/folder", "info/below-a-file", "dangling", "dangling/file"]
    )
    func missing(_ key: String) async throws {
        try folder.link("volume/dangling", to: "nowhere")
        #expect(try await origin.object(key, limit: 99) == nil)
        #expect(try await origin.range(key, 0..<1) == nil)
    }

    @Test("A folder that is not there is a failure, not an empty volume") func noRoot() async {
        let lost = FolderOrigin(path: folder.path + "/unmounted", files: files)
        let error = await failure { () throws(OriginError) in try await lost.object("info", limit: 9) }
        guard case .readFailed(let place, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(place == folder.path + "/unmounted")
        #expect(reason.contains("ENOENT"))
    }

    @Test(
        "Keys that lead out of the folder, or are none, are refused",
        arguments: [
            "", ".", "..", "a/../..", "/etc/passwd", "a//b", "a/", "a\0b", "./.",
            String(repeating: "a", count: 3000), String(repeating: "a", count: 253),
            String(repeating: "a/", count: 32) + "a",
        ]
    )
    func brokenKeys(_ key: String) async {
        let error = await failure { () throws(OriginError) in try await origin.object(key, limit: 99) }
        guard case .brokenKey = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("A key that begins with dots is read below the folder they lead to, and nothing outside of that")
    func dotsOut() async throws {
        try folder.write("beside/s0/chunk", "c")
        try folder.write("deep/beside", "secret")
        try folder.write("deep/volume/info", "{}")
        try folder.link("deep/volume/link", to: "../../outside")
        #expect(try await origin.object("../beside/s0/chunk", limit: 9)?.text == "c")
        #expect(try await origin.object("a/../../beside/./s0/chunk", limit: 9)?.text == "c")
        #expect(try await origin.object("../beside/s0/none", limit: 9) == nil)
        #expect(try await origin.range("../beside/s0/chunk", 0..<1)?.text == "c")
        try origin.check("../beside/s0")
        let deep = FolderOrigin(path: folder.path + "/deep/./volume/", files: files)
        let error = await failure { () throws(OriginError) in
            try await deep.object("../volume/link", limit: 9)
        }
        guard case .brokenKey(_, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("symbolic link"))
    }

    @Test(
        "Dots that lead to the root of the file system, or where a path's text cannot tell, are refused",
        arguments: [("/data/v", "../../etc/s"), ("/v", "../s"), ("v", "../../s"), ("../v", "../../s")]
    )
    func dotsAway(_ path: String, _ key: String) {
        let origin = FolderOrigin(path: path, files: files)
        #expect(throws: OriginError.self) { try origin.check(key) }
    }

    @Test("Dots that stay inside are resolved") func dots() async throws {
        #expect(try await origin.object("./a/.././info", limit: 9)?.text == "{}")
    }

    @Test(
        "Links that lead out of the folder are refused",
        arguments: ["absolute", "relative", "folder/outside", "twice"]
    )
    func linksOut(_ key: String) async throws {
        try folder.link("volume/absolute", to: folder.path + "/outside")
        try folder.link("volume/relative", to: "../outside")
        try folder.link("volume/folder", to: "..")
        try folder.link("volume/twice", to: "relative")
        let error = await failure { () throws(OriginError) in try await origin.object(key, limit: 99) }
        guard case .brokenKey(_, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("symbolic link"))
    }

    @Test("A folder beside the root whose name begins like it is outside") func sibling() async throws {
        try folder.write("volume-2/a", "secret")
        try folder.link("volume/link", to: "../volume-2/a")
        let error = await failure { () throws(OriginError) in try await origin.object("link", limit: 99) }
        #expect(error != nil)
    }

    @Test("Links that stay inside are followed, and so is the root if it is one") func linksInside()
        async throws
    {
        try folder.link("volume/alias", to: "info")
        try folder.write("volume/real/chunk", "c")
        try folder.link("volume/scale", to: "real")
        try folder.link("root", to: "volume")
        let linked = FolderOrigin(path: folder.path + "/root", files: files)
        for key in ["alias", "scale/chunk"] {
            #expect(try await origin.object(key, limit: 9) != nil)
            #expect(try await linked.object(key, limit: 9) != nil)
        }
    }

    @Test("A pipe does not make a lane wait, and neither it nor a folder is a file") func noFiles()
        async throws
    {
        #expect(mkfifo(folder.path + "/volume/pipe", 0o600) == 0)
        try folder.write("volume/folder/a", "a")
        for key in ["pipe", "folder"] {
            let error = await failure { () throws(OriginError) in try await origin.object(key, limit: 9) }
            #expect(error == .notAFile(place: "\(folder.path)/volume/\(key)"))
        }
    }

    @Test("A file of as many bytes as are taken is read, one of one more is too large") func limit()
        async throws
    {
        try folder.write("volume/four", "four")
        #expect(try await origin.object("four", limit: 4)?.text == "four")
        let error = await failure { () throws(OriginError) in try await origin.object("four", limit: 3) }
        #expect(error == .tooLarge(place: folder.path + "/volume/four", limit: 3))
    }

    @Test("A range is exactly its bytes, and one beyond the end is an error") func ranges() async throws {
        try folder.write("volume/shard", "0123456789")
        #expect(try await origin.range("shard", 3..<6)?.text == "345")
        #expect(try await origin.range("shard", 9..<10)?.text == "9")
        let error = await failure { () throws(OriginError) in try await origin.range("shard", 9..<11) }
        #expect(error == .tooShort(place: folder.path + "/volume/shard", wanted: 9..<11, bytes: 10))
    }

    @Test("A stopped pool says so") func stopped() async {
        await files.stop()
        let error = await failure { () throws(OriginError) in try await origin.object("info", limit: 9) }
        #expect(error == .stopped)
    }
}
