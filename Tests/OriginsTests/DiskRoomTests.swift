// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import Workers

@testable import Origins

struct DiskRoomTests {
    private let folder: TestFolder
    private let files = WorkerPool(lanes: 2, queueLimit: 64)
    private let set: FolderSet

    init() throws {
        folder = try TestFolder()
        set = try FolderSet(root: folder.path + "/volumes", files: files)
    }

    private func need(_ bytes: Int) -> DiskNeed { DiskNeed(files: [.init(count: 1, byteCount: bytes)]) }

    private func freeBytes() throws -> Int {
        var disk = statvfs()
        try #require(statvfs(folder.path, &disk) == 0)
        return Int(disk.f_bavail) * Int(disk.f_frsize)
    }

    /// Whether a draft may begin; it is discarded at once.
    private func hasRoom(_ need: DiskNeed) async -> Bool {
        do {
            let draft = try await set.begin(needing: need)
            await draft.discard()
            return true
        } catch {
            return false
        }
    }

    @Test("Files take whole blocks, and scratch comes on top") func blocks() {
        let need = DiskNeed(
            files: [
                .init(count: 3, byteCount: 1), .init(count: 2, byteCount: 4097),
                .init(count: 5, byteCount: 0),
            ],
            scratch: 10
        )
        #expect(need.byteCount(block: 4096) == 3 * 4096 + 2 * 8192 + 10)
        #expect(need.fileCount == 10)
    }

    @Test("What has no room in a number is as much as a number holds") func overflow() {
        let need = DiskNeed(
            files: [.init(count: .max, byteCount: .max), .init(count: .max, byteCount: .max - 1)],
            scratch: .max
        )
        #expect(need.byteCount(block: 4096) == .max)
        #expect(need.byteCount(block: 1) == .max)
        #expect(need.fileCount == .max)
    }

    @Test("More than the disk has is refused with both numbers, and makes no folder") func refused()
        async throws
    {
        let failure = await failure { () throws(OriginError) in try await set.begin(needing: need(1 << 60)) }
        guard case .noRoom(_, .bytes, 1 << 60, let free) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(free > 0 && free < 1 << 60)
        #expect(failure?.message.contains("\(1 << 60) more bytes are needed") == true)
        #expect(await !hasRoom(DiskNeed(files: [.init(count: .max, byteCount: 1)])))
        #expect(try await set.list().isEmpty)
    }

    @Test("What one has announced is not there for another until the first has ended, however that was")
    func announced() async throws {
        // More than half of what is free: others on the disk change that by much less.
        let most = try freeBytes() / 4 * 3
        let discarded = try await set.begin(needing: need(most))
        #expect(await !hasRoom(need(most)))
        await discarded.discard()
        #expect(await hasRoom(need(most)))
        let committed = try await set.begin(needing: need(most))
        try await committed.write("info", [1])
        _ = try await committed.commit(name: "a", replacing: false)
        #expect(await hasRoom(need(most)))
        var forgotten = Optional(try await set.begin(needing: need(most)))
        #expect(await !hasRoom(need(most)))
        #expect(forgotten?.bytes == 0)
        forgotten = nil
        #expect(await hasRoom(need(most)))
    }

    @Test("What is written is announced no longer: the disk itself knows of it") func written() throws {
        let room = DiskRoom()
        let claim = try room.claim(
            DiskNeed(files: [.init(count: 2, byteCount: 1 << 20)], scratch: 4096),
            at: folder.path
        )
        #expect(claim.openBytes == (2 << 20) + 4096)
        claim.wrote(1 << 20)
        claim.spooled(4096)
        #expect(claim.openBytes == 1 << 20)
        #expect(claim.openFiles == 1)
        #expect(claim.writtenBytes == 1 << 20)
        claim.wrote(2 << 20)
        #expect(claim.openBytes == 0)
        #expect(claim.openFiles == 0)
        claim.end()
        claim.end()
    }

    @Test("A folder that is not there has no room that could be known, so nothing is refused") func unknown()
        throws
    {
        let claim = try DiskRoom().claim(need(1 << 60), at: folder.path + "/none")
        #expect(claim.openBytes == 1 << 60)
        claim.end()
    }

    @Test("A spool gives back what was written, has no name, and counts as announced") func spool()
        async throws
    {
        let draft = try await set.begin(needing: DiskNeed(files: [], scratch: 8))
        let spool = try await draft.spool()
        #expect(folder.files.isEmpty)
        let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
        try bytes.withUnsafeBytes { all in
            try spool.write(UnsafeRawBufferPointer(rebasing: all[4...]), at: 4)
            try spool.write(UnsafeRawBufferPointer(rebasing: all[..<4]), at: 0)
        }
        #expect(try text(spool, at: 2, count: 5) == [3, 4, 5, 6, 7])
        #expect(throws: OriginError.self) { try text(spool, at: 6, count: 5) }
        await draft.discard()
        await #expect(throws: OriginError.stopped) { _ = try await draft.spool() }
    }

    private func text(_ spool: SpoolFile, at offset: Int, count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes { memory in try spool.read(into: memory, at: offset) }
        return bytes
    }
}
