// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Testing
import Workers

@testable import Origins

struct FolderSetTests {
    private let folder: TestFolder
    private let files = WorkerPool(lanes: 4, queueLimit: 64)
    private let set: FolderSet

    init() throws {
        folder = try TestFolder()
        set = try FolderSet(root: folder.path + "/volumes", files: files)
    }

    private var generations: [String] {
        TemporaryFolders.names(in: folder.path + "/volumes/.generations").sorted()
    }

    @discardableResult
    private func publish(_ name: String, _ text: String, replacing: Bool = false, by set: FolderSet? = nil)
        async throws
        -> PublishedFolder
    {
        let draft = try await (set ?? self.set).begin()
        try await draft.write("info", Array(text.utf8))
        try await draft.write("8_8_40/0-64_0-64_0-64", Array(text.utf8))
        return try await draft.commit(name: name, replacing: replacing)
    }

    private func text(_ published: PublishedFolder?) async throws -> String? {
        guard let published else { return nil }
        let origin = FolderOrigin(path: published.path, files: files)
        return try await origin.object("8_8_40/0-64_0-64_0-64", limit: 99)?.text
    }

    @Test("A draft is seen as a whole once it is committed, and not before") func publishing() async throws {
        let draft = try await set.begin()
        try await draft.write("info", [1, 2, 3])
        #expect(draft.bytes == 3)
        #expect(try await set.list().isEmpty)
        #expect(try await set.open("a") == nil)
        let published = try await draft.commit(name: "a", replacing: false)
        #expect(try await set.list() == ["a"])
        #expect(try await set.open("a")?.generation == published.generation)
        #expect(folder.exists("volumes/a/info"))
    }

    @Test("What is published is there for the next process, whoever holds it") func reopening() async throws {
        let first = try await publish("a", "one")
        try await publish("b", "two")
        let again = try FolderSet(root: set.root, files: files)
        #expect(try await again.list() == ["a", "b"])
        #expect(try await text(again.open("a")) == "one")
        #expect(try await text(again.open("b")) == "two")
        #expect(try await text(first) == "one")
    }

    @Test("A replaced folder stays for those who hold it, and goes when they let go") func replacing()
        async throws
    {
        var old = Optional(try await publish("a", "old"))
        let new = try await publish("a", "new", replacing: true)
        await set.settled()
        #expect(generations.count == 2)
        #expect(try await text(old) == "old")
        #expect(try await text(set.open("a")) == "new")
        old = nil
        await set.settled()
        #expect(generations == [new.generation])
    }

    @Test("Replacing what is not there is publishing") func replacingNothing() async throws {
        try await publish("a", "new", replacing: true)
        #expect(try await text(set.open("a")) == "new")
    }

    @Test("A name that is taken is refused, and nothing is left of the draft") func taken() async throws {
        let kept = try await publish("a", "one")
        await #expect(throws: OriginError.nameTaken("a")) { try await publish("a", "two") }
        await set.settled()
        #expect(generations == [kept.generation])
        #expect(try await text(set.open("a")) == "one")
        #expect(folder.files.allSatisfy { !$0.contains(".tmp") })
    }

    @Test("Of many who publish under one name at the same time one wins") func race() async throws {
        let wins = await withTaskGroup(of: PublishedFolder?.self) { group in
            for index in 0..<16 { group.addTask { try? await publish("a", "\(index)") } }
            return await group.reduce(into: [PublishedFolder]()) { wins, published in
                if let published { wins.append(published) }
            }
        }
        #expect(wins.count == 1)
        await set.settled()
        #expect(generations == wins.map(\.generation))
    }

    @Test("Readers find a whole folder at all times while it is replaced again and again") func noGap()
        async throws
    {
        try await publish("a", "0")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 1...30 { group.addTask { try await publish("a", "\(index)", replacing: true) } }
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<50 {
                        let held = try #require(try await set.open("a"))
                        let text = try #require(try await text(held))
                        let origin = FolderOrigin(path: held.path, files: files)
                        #expect(try await origin.object("info", limit: 99)?.text == text)
                    }
                }
            }
            try await group.waitForAll()
        }
        await set.settled()
        #expect(generations.count == 1)
    }

    @Test("A removed folder is gone at once, and its files when its reader lets go") func removing()
        async throws
    {
        var held = Optional(try await publish("a", "one"))
        #expect(try await set.remove("a"))
        #expect(try await set.list().isEmpty)
        #expect(try await set.open("a") == nil)
        #expect(try await text(held) == "one")
        held = nil
        await set.settled()
        #expect(generations.isEmpty)
        #expect(try await set.remove("a") == false)
        try await publish("a", "two")
        #expect(try await text(set.open("a")) == "two")
    }

    @Test("What is discarded, or neither committed nor discarded, leaves nothing") func discarding()
        async throws
    {
        let draft = try await set.begin()
        try await draft.write("a/b", [1])
        await draft.discard()
        await #expect(throws: OriginError.stopped) { try await draft.write("c", [1]) }
        await #expect(throws: OriginError.stopped) { _ = try await draft.commit(name: "a", replacing: false) }
        var forgotten = Optional(try await set.begin())
        try await forgotten?.write("a/b", [1])
        forgotten = nil
        await set.settled()
        #expect(folder.files.isEmpty)
    }

    @Test("What a crash left is removed at the start: drafts, and generations without a name") func sweep()
        async throws
    {
        let kept = try await publish("a", "one")
        let held = try await publish("b", "held")
        #expect(try await set.remove("b"))
        try folder.write("volumes/.tmp/4711-abc/1/info", "half")
        try folder.write("volumes/.generations/c@1/info", "no link")
        try folder.write("volumes/.generations/a@1/info", "older")
        try folder.write("volumes/.generations/stray/info", "?")
        _ = try FolderSet(root: set.root, files: files)
        #expect(generations == [kept.generation, held.generation].sorted())
        #expect(!folder.exists("volumes/.tmp/4711-abc"))
    }

    @Test("An object of a draft is written once, and its key stays inside") func keys() async throws {
        let draft = try await set.begin()
        try await draft.write("a", [1])
        let twice = await failure { () throws(OriginError) in try await draft.write("a", [2]) }
        guard case .writeFailed(_, let reason) = twice else {
            Issue.record()
            return
        }
        #expect(reason.contains("EEXIST"))
        let outside = await failure { () throws(OriginError) in try await draft.write("../a", [2]) }
        guard case .brokenKey = outside else {
            Issue.record()
            return
        }
        await draft.discard()
    }

    @Test(
        "What is no name is refused everywhere",
        arguments: [
            "", ".tmp", "-a", "A", "a/b", "..", "ä", "a b", "a@1", String(repeating: "a", count: 129),
        ]
    )
    func names(_ name: String) async throws {
        await #expect(throws: OriginError.brokenName(name)) { _ = try await set.open(name) }
        await #expect(throws: OriginError.brokenName(name)) { _ = try await set.remove(name) }
        await #expect(throws: OriginError.brokenName(name)) { try await publish(name, "a") }
        await #expect(throws: OriginError.brokenName(name)) { try await publish(name, "a", replacing: true) }
        #expect(try await set.list().isEmpty)
    }

    @Test("A file or folder that somebody put under a name is neither listed nor replaced") func foreign()
        async throws
    {
        try folder.write("volumes/mine/info", "{}")
        #expect(try await set.list().isEmpty)
        #expect(try await set.open("mine") == nil)
        await #expect(throws: OriginError.self) { try await publish("mine", "a") }
        await #expect(throws: OriginError.self) { try await publish("mine", "a", replacing: true) }
        await #expect(throws: OriginError.self) { _ = try await set.remove("mine") }
        #expect(folder.exists("volumes/mine/info"))
        await set.settled()
        #expect(generations.isEmpty)
    }

    /// Says of one folder that it cannot be synced, for as long as it is set.
    private final class Fault: Sendable {
        private let folder = Mutex<String?>(nil)

        func set(_ name: String?) { folder.withLock { $0 = name } }

        func sync(_ path: String) -> Bool {
            guard folder.withLock({ $0.map(path.hasSuffix) ?? false }) else {
                return FolderListing.sync(path)
            }
            errno = EIO
            return false
        }
    }

    @Test("A removal that cannot be made durable is an error, and the folder is there as before")
    func removingUnsynced() async throws {
        let fault = Fault()
        let set = try FolderSet(root: set.root, files: files) { fault.sync($0) }
        let kept = try await publish("a", "one", by: set)
        fault.set("/volumes")
        let error = await failure { () throws(OriginError) in try await set.remove("a") }
        #expect(error == .writeFailed(place: set.root, reason: systemReason("fsync", EIO)))
        #expect(try await set.open("a")?.generation == kept.generation)
        fault.set(nil)
        #expect(try await set.remove("a"))
        #expect(try await set.open("a") == nil)
    }

    @Test(
        "A folder that cannot be published leaves nothing",
        arguments: ["/volumes", "/.generations"],
        [false, true]
    )
    func publishingUnsynced(folder: String, replacing: Bool) async throws {
        let fault = Fault()
        let set = try FolderSet(root: set.root, files: files) { fault.sync($0) }
        if replacing { try await publish("a", "old", by: set) }
        let before = generations
        fault.set(folder)
        await #expect(throws: OriginError.self) {
            try await publish("a", "new", replacing: replacing, by: set)
        }
        await set.settled()
        #expect(generations == before)
        #expect(try await text(set.open("a")) == (replacing ? "old" : nil))
    }
}
