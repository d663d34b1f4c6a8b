// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Glibc
import Testing
import Workers

@testable import Origins

struct KeptStoreTests {
    private let folder: TestFolder
    private let files = WorkerPool(lanes: 4, queueLimit: 64)

    init() throws { folder = try TestFolder() }

    private func store(_ name: String = "kept", budget: DiskBudget = DiskBudget(limit: 0)) throws -> KeptStore
    {
        try KeptStore(root: "\(folder.path)/\(name)", budget: budget, files: files)
    }

    @Test("What is kept is a plain file under its key, and is there for the next process") func keep()
        async throws
    {
        let kept = try store()
        try await kept.keep("8_8_40/0-64_0-64_0-64", Array("chunk".utf8))
        #expect(folder.exists("kept/8_8_40/0-64_0-64_0-64"))
        #expect(try await kept.object("8_8_40/0-64_0-64_0-64", limit: 5)?.text == "chunk")
        #expect(try await store().object("8_8_40/0-64_0-64_0-64", limit: 5)?.text == "chunk")
        #expect(try await kept.object("8_8_40/64-128_0-64_0-64", limit: 5) == nil)
    }

    @Test("A packed object is kept as one") func packed() async throws {
        let kept = try store()
        try await kept.keep("s/a", Array("packed".utf8), coding: .gzip)
        #expect(folder.files == ["kept/s/a.gz"])
        #expect(try await kept.object("s/a", limit: 6)?.coding == .gzip)
    }

    @Test("An object is replaced as a whole") func replace() async throws {
        let kept = try store()
        try await kept.keep("a", Array("first".utf8))
        try await kept.keep("a", Array("second".utf8))
        #expect(try await kept.object("a", limit: 99)?.text == "second")
        #expect(folder.files == ["kept/a"])
    }

    @Test("Many at once are all kept") func atOnce() async throws {
        let kept = try store()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<60 {
                group.addTask { try await kept.keep("\(index % 7)/\(index)", [UInt8(index)]) }
            }
            try await group.waitForAll()
        }
        #expect(folder.files.count == 60)
        for index in 0..<60 {
            #expect(try await kept.object("\(index % 7)/\(index)", limit: 1)?.bytes == [UInt8(index)])
        }
    }

    @Test("A batch is kept as its objects one by one would be, and one that cannot be kept harms no other")
    func batch() async throws {
        let kept = try store()
        try await kept.keep("8/b", Array("old".utf8))
        try folder.write("kept/file", "no folder")
        let keys = ["8/a", "8/b", "../out", "file/below", "16/c"]
        let failures = await kept.keep(keys.map { KeptObject(key: $0, bytes: Array($0.utf8)) })
        #expect(failures.map { $0 == nil } == [true, true, false, false, true])
        #expect(folder.files == ["kept/16/c", "kept/8/a", "kept/8/b", "kept/file"])
        for key in ["8/a", "8/b", "16/c"] { #expect(try await kept.object(key, limit: 9)?.text == key) }
    }

    @Test("A batch counts against the budget of the disk as its objects do") func batchBudget() async throws {
        let budget = DiskBudget(limit: 1 << 20)
        let kept = try store(budget: budget)
        let before = budget.counts.used
        _ = await kept.keep(
            (0..<3).map { KeptObject(key: "s/\($0)", bytes: [UInt8](repeating: 7, count: 5000)) }
        )
        #expect(budget.counts.used - before == 3 * 8192)
    }

    @Test("What a crash left half written is removed at the start, and what is being written is not")
    func leftovers() async throws {
        try folder.write("kept/.tmp/4711-abc/1", "half")
        try folder.write("kept/.tmp/stray", "half")
        try folder.write("kept/s/whole", "whole")
        let first = try store()
        #expect(folder.files == ["kept/s/whole"])
        // Another process opens the store while the first is at work.
        let lent = try #require(TemporaryFolders.names(in: folder.path + "/kept/.tmp").first)
        try folder.write("kept/.tmp/\(lent)/busy", "half")
        _ = try store()
        #expect(folder.exists("kept/.tmp/\(lent)/busy"))
        try await first.keep("s/more", [1])
        #expect(folder.exists("kept/s/more"))
    }

    @Test("A store that ends leaves no folder of its own") func ends() throws {
        _ = try store()
        #expect(TemporaryFolders.names(in: folder.path + "/kept/.tmp").isEmpty)
    }

    @Test(
        "Keys that lead out, or into what is being written, are refused",
        arguments: ["../a", ".tmp/a", "a//b"]
    )
    func keys(_ key: String) async throws {
        let kept = try store()
        let error = await failure { () throws(OriginError) in try await kept.keep(key, [1]) }
        guard case .brokenKey = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(folder.files.isEmpty)
    }

    @Test("A file in the place of a folder is an error with words, and leaves nothing behind") func inTheWay()
        async throws
    {
        let kept = try store()
        try await kept.keep("a", [1])
        let error = await failure { () throws(OriginError) in try await kept.keep("a/b", [2]) }
        guard case .writeFailed(_, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("ENOTDIR"))
        #expect(folder.files == ["kept/a"])
    }

    @Test("A disk that is full is an error with words, and leaves nothing behind") func fullDisk()
        async throws
    {
        // Every system has this device, and writing to it always finds the disk full.
        let error = await failure { () throws(OriginError) in
            guard let file = FileDescriptor.opening("/dev/full", O_WRONLY) else { return }
            guard file.write([1]) else {
                throw .writeFailed(place: "/dev/full", reason: systemReason("write"))
            }
        }
        #expect("\(try #require(error))".contains("ENOSPC"))
        // And through the store, where a file system of a few pages can be had.
        try await TinyDisk.use(at: folder.path + "/disk") { path in
            let kept = try KeptStore(root: path, budget: DiskBudget(limit: 0), files: files)
            let error = await failure { () throws(OriginError) in
                try await kept.keep("large", [UInt8](repeating: 1, count: 1 << 20))
            }
            guard case .writeFailed(_, let reason) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("ENOSPC"))
            #expect(folder.files.isEmpty)
            try await kept.keep("small", [1])
            #expect(try await kept.object("small", limit: 1)?.bytes == [1])
        }
    }

    @Test("Removing a scale removes it and nothing that is named alike") func removePrefix() async throws {
        let kept = try store()
        for key in ["8_8_40/a", "8_8_40/b", "8_8_400/a", "info"] { try await kept.keep(key, [1]) }
        try await kept.remove(prefix: "8_8_40")
        await kept.settled()
        #expect(folder.files == ["kept/8_8_400/a", "kept/info"])
        try await kept.remove(prefix: "8_8_40")
        try await kept.clear()
        await kept.settled()
        #expect(folder.files.isEmpty)
        try await kept.keep("8_8_40/a", [1])
        #expect(folder.files == ["kept/8_8_40/a"])
    }
}

extension KeptStoreTests {
    @Test("A store is cleared and begun anew before any of its old files is removed") func clearing()
        async throws
    {
        let kept = try store()
        for key in ["8/a", "16/a", "info"] { try await kept.keep(key, [1]) }
        kept.undertaker.suspend()
        try await kept.alone {
            try await kept.clear()
            try await kept.keep("info", [2])
        }
        #expect(try await kept.object("8/a", limit: 1) == nil)
        #expect(kept.count(below: "8") == 0)
        let left = folder.files
        kept.undertaker.resume()
        #expect(left.count == 4 && left.count { $0.contains(".tmp/") } == 3)
        await kept.settled()
        #expect(folder.files == ["kept/info"])
    }
}

/// Stores of two processes in one folder.
struct KeptStoreBindingTests {
    private let folder: TestFolder
    private let files = WorkerPool(lanes: 4, queueLimit: 64)

    init() throws { folder = try TestFolder() }

    private func store(_ info: String) async throws -> KeptStore {
        let root = "\(folder.path)/kept"
        let store = try KeptStore(root: root, budget: DiskBudget(limit: 0), files: files)
        try await store.alone {
            if try await store.object("info", limit: 9)?.text != info {
                try await store.clear()
                try await store.keep("info", Array(info.utf8))
            }
            try await store.bind(to: "info", limit: 9)
        }
        await store.settled()
        return store
    }

    @Test("A store that another process has begun anew neither gives nor takes anything") func replaced()
        async throws
    {
        let old = try await store("old")
        try await old.keep("8/a", [1])
        let same = try await store("old")
        try await same.keep("8/b", [2])
        #expect(try await old.object("8/b", limit: 1)?.bytes == [2])
        let new = try await store("new")
        try await new.keep("8/a", [3])
        #expect(try await old.object("8/a", limit: 1) == nil)
        #expect(try await old.contains("8/a") == false)
        let place = "\(folder.path)/kept"
        #expect(await old.keep([KeptObject(key: "8/c", bytes: [4])]) == [.replaced(place: place)])
        #expect(
            await failure { () throws(OriginError) in try await old.keep("8/c", [4]) }
                == .replaced(place: place)
        )
        #expect(try await new.object("8/a", limit: 1)?.bytes == [3])
        #expect(folder.files == ["kept/8/a", "kept/info"])
    }

    @Test("An info that was written anew in its place is another one") func rewritten() async throws {
        let old = try await store("old")
        try await old.keep("8/a", [1])
        let isWritten =
            FileDescriptor.opening("\(folder.path)/kept/info", O_WRONLY)?.write(Array("newer".utf8)) ?? false
        #expect(isWritten)
        #expect(try await old.object("8/a", limit: 1) == nil)
    }

    @Test("An info with the same content is the same one, whatever file it is") func copied() async throws {
        let kept = try await store("same")
        try await kept.keep("8/a", [1])
        try folder.write("copy", "same")
        try #require(rename("\(folder.path)/copy", "\(folder.path)/kept/info") == 0)
        #expect(try await kept.object("8/a", limit: 1)?.bytes == [1])
        #expect(await kept.keep([KeptObject(key: "8/b", bytes: [2])]) == [nil])
        #expect(try await kept.object("8/b", limit: 1)?.bytes == [2])
    }

    @Test("Whenever a store is begun anew, nothing that belongs to the old one is there afterwards")
    func atTheSameTime() async throws {
        for round in 0..<20 {
            let old = try await store("o\(round)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask { _ = await old.keep([KeptObject(key: "8/\(number)", bytes: [1])]) }
                }
                group.addTask { _ = try await store("n\(round)") }
                try await group.waitForAll()
            }
            #expect(folder.files == ["kept/info"])
        }
    }
}

/// The folders that stores write in before they rename.
enum TemporaryFolders {
    static func names(in path: String) -> [String] {
        var names: [String] = []
        FolderListing.each(in: path) { name, _ in
            names.append(name)
            return true
        }
        return names
    }
}

/// A file system of 64 KiB, where the system lets us mount one; the superuser may.
enum TinyDisk {
    static func use(at path: String, _ body: (String) async throws -> Void) async throws {
        try #require(mkdir(path, 0o755) == 0)
        guard mount("tmpfs", path, "tmpfs", 0, "size=64k") == 0 else { return }
        defer { _ = umount2(path, Int32(MNT_DETACH)) }
        try await body(path)
    }
}
