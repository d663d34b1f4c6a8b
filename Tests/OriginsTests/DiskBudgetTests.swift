// SPDX-License-Identifier: Apache-2.0
import Testing
import Workers

@testable import Origins

struct DiskBudgetTests {
    private let folder: TestFolder
    private let files = WorkerPool(lanes: 2, queueLimit: 8)
    private static let block = [UInt8](repeating: 1, count: 4096)

    init() throws { folder = try TestFolder() }

    private func store(_ name: String, _ budget: DiskBudget) throws -> KeptStore {
        try KeptStore(root: "\(folder.path)/\(name)", budget: budget, files: files)
    }

    @Test("What is there at the start is counted in whole blocks") func count() async throws {
        try folder.write("a/s/1", [1])
        try folder.write("a/s/2", [UInt8](repeating: 1, count: 4097))
        try folder.write("b/info", "{}")
        let budget = DiskBudget(limit: 1 << 20)
        let stores = (try store("a", budget), try store("b", budget))
        await budget.settled()
        #expect(budget.counts.used == 4 * 4096)
        try await stores.0.keep("s/3", Self.block)
        try await stores.0.keep("s/2", Self.block)
        #expect(budget.counts.used == 4 * 4096)
    }

    @Test("A folder that is opened twice is counted once") func twice() async throws {
        try folder.write("a/s/1", Self.block)
        let budget = DiskBudget(limit: 1 << 20)
        let stores = (try store("a", budget), try store("a", budget))
        await budget.settled()
        #expect(budget.counts.used == 4096)
        withExtendedLifetime(stores) {}
    }

    @Test("Files with holes, which may claim 2^63 - 1 bytes each, are counted up to the largest number")
    func holes() async throws {
        let budget = DiskBudget(limit: .max)
        for _ in 0..<3 { budget.wrote("hole", bytes: .max, replaced: nil) }
        #expect(budget.counts.used == .max)
        for _ in 0..<3 { budget.wrote("hole", bytes: 0, replaced: .max) }
        #expect(budget.counts.used < 0)
        #expect(Int.max.addingClamped(1) == .max && Int.min.addingClamped(-1) == .min)
        #expect(5.addingClamped(-7) == -2)
        await budget.settled()
    }

    @Test("Over the budget the oldest-used go first, from whichever volume, until a tenth is free")
    func order() async throws {
        for index in 0..<10 {
            let name = "\(index % 2 == 0 ? "a" : "b")/s/\(index)"
            try folder.write(name, Self.block)
            try folder.setLastUse(name, 1000 + (index * 7) % 10)
        }
        let budget = DiskBudget(limit: 10 * 4096)
        let stores = (try store("a", budget), try store("b", budget))
        await budget.settled()
        #expect(budget.counts.evictedFiles == 0)
        await stores.0.countKept(below: "s")
        await stores.1.countKept(below: "s")
        #expect(stores.0.count(below: "s") == 5 && stores.1.count(below: "s") == 5)
        try await stores.1.keep("s/new", Self.block)
        await budget.settled()
        // In the order of use: 0, 3, 6, 9, 2, 5, 8, 1, 4, 7; nine may stay.
        #expect(budget.counts.evictedFiles == 2)
        #expect(budget.counts.used == 9 * 4096)
        #expect(stores.0.count(below: "s") == 4 && stores.1.count(below: "s") == 5)
        #expect(
            folder.files == [
                "a/s/2", "a/s/4", "a/s/6", "a/s/8", "b/s/1", "b/s/5", "b/s/7", "b/s/9", "b/s/new",
            ]
        )
    }

    @Test("Reading is using, and is noted in the file") func reading() async throws {
        for index in 0..<4 {
            try folder.write("a/\(index)", Self.block)
            try folder.setLastUse("a/\(index)", 1000 + index)
        }
        let budget = DiskBudget(limit: 4 * 4096)
        let kept = try store("a", budget)
        let version = try await kept.object("3", limit: 4096)?.version
        #expect(try await kept.object("0", limit: 4096)?.bytes == Self.block)
        #expect(try folder.lastUse("a/0") > 1_000_000_000_000)
        #expect(try await kept.object("3", limit: 4096)?.version == version)
        try await kept.keep("4", Self.block)
        await budget.settled()
        #expect(folder.files == ["a/0", "a/3", "a/4"])
    }

    @Test("An info file and the file written last never go") func spared() async throws {
        try folder.write("a/info", Self.block)
        try folder.setLastUse("a/info", 1)
        let budget = DiskBudget(limit: 4096)
        let kept = try store("a", budget)
        try await kept.keep("s/1", Self.block)
        await budget.settled()
        #expect(folder.files == ["a/info", "a/s/1"])
        try await kept.keep("s/2", Self.block)
        await budget.settled()
        #expect(folder.files == ["a/info", "a/s/2"])
    }

    @Test("More files than a sweep remembers take several sweeps, in the right order") func several()
        async throws
    {
        for index in 0..<40 {
            try folder.write("a/\(index)", Self.block)
            try folder.setLastUse("a/\(index)", 1000 + (index * 7) % 40)
        }
        let budget = DiskBudget(limit: 10 * 4096, candidateLimit: 4)
        let kept = try store("a", budget)
        await budget.settled()
        #expect(budget.counts.used <= 10 * 4096)
        #expect(budget.counts.sweeps > 3)
        let left = folder.files.compactMap { Int($0.dropFirst(2)) }.map { ($0 * 7) % 40 }.sorted()
        #expect(left == Array((40 - left.count)..<40))
        #expect(kept.name == folder.path + "/a")
    }

    @Test("Without a limit nothing is counted or removed") func none() async throws {
        let budget = DiskBudget(limit: 0)
        let kept = try store("a", budget)
        for index in 0..<10 { try await kept.keep("\(index)", Self.block) }
        await budget.settled()
        #expect(budget.counts == DiskBudget.Counts())
        #expect(folder.files.count == 10)
    }

    @Test("A store behind a link is counted and cleared like any other") func behindLink() async throws {
        try folder.write("elsewhere/s/1", Self.block)
        try folder.link("a", to: "elsewhere")
        let budget = DiskBudget(limit: 1 << 20)
        let kept = try store("a", budget)
        await budget.settled()
        #expect(budget.counts.used == 4096)
        try await kept.clear()
        #expect(folder.files.isEmpty)
    }

    @Test("Clearing gives the bytes back") func clearing() async throws {
        let budget = DiskBudget(limit: 1 << 20)
        let kept = try store("a", budget)
        try await kept.keep("s/1", Self.block)
        #expect(budget.counts.used > 0)
        try await kept.clear()
        await budget.settled()
        #expect(budget.counts.used == 0)
    }
}
