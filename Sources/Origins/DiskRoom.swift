// SPDX-License-Identifier: Apache-2.0
//
// Rules of this file
// 1. The file system knows what is free; what was announced and is not yet written comes off that. So of two who come at
//    once, and have room one by one, the second is told at its start and not in the middle.
// 2. It is a promise, not a reservation: others may fill the disk meanwhile, and then a write fails.
// 3. A disk that does not say what it has (`statvfs` fails, or knows no count of files) refuses nothing.
import Glibc
import Synchronization

/// What is free on a disk, less what has been announced.
final class DiskRoom: Sendable {
    /// The claims that have not ended, in no order; there are as many as there are uploads.
    private let claims = Mutex<[DiskClaim]>([])

    /// Claims `need` on the disk that holds the folder `place`. Blocks for a system call.
    /// - Returns: The claim, which holds until it is ended.
    /// - Throws: ``OriginError/noRoom(place:unit:needed:free:)``. C function: `statvfs`.
    func claim(_ need: DiskNeed, at place: String) throws(OriginError) -> DiskClaim {
        var disk = statvfs()
        let isKnown = statvfs(place, &disk) == 0
        let block = isKnown ? max(1, Int(clamping: disk.f_frsize)) : 4_096
        let claim = DiskClaim(bytes: need.byteCount(block: block), files: need.fileCount, block: block, self)
        guard isKnown else {
            claims.withLock { $0.append(claim) }
            return claim
        }
        let freeBytes = Int(clamping: disk.f_bavail).multipliedClamped(by: block)
        // Where files are made as they are needed there is no count of them.
        let freeFiles = disk.f_files > 0 ? Int(clamping: disk.f_favail) : .max
        let refusal = claims.withLock { claims -> OriginError? in
            let bytes = freeBytes - min(freeBytes, claims.reduce(0) { $0.addingClamped($1.openBytes) })
            let files = freeFiles - min(freeFiles, claims.reduce(0) { $0.addingClamped($1.openFiles) })
            if claim.bytes > bytes {
                return .noRoom(place: place, unit: .bytes, needed: claim.bytes, free: bytes)
            }
            if claim.files > files {
                return .noRoom(place: place, unit: .files, needed: claim.files, free: files)
            }
            claims.append(claim)
            return nil
        }
        if let refusal { throw refusal }
        return claim
    }

    fileprivate func end(_ claim: DiskClaim) {
        claims.withLock { $0.removeAll { $0 === claim } }
    }
}

/// What somebody announced to write, and how much of that is written.
final class DiskClaim: Sendable {
    let bytes: Int
    let files: Int
    private let block: Int
    private let room: DiskRoom
    private let written = Mutex(Written())

    private struct Written {
        var bytes = 0
        var diskBytes = 0
        var files = 0
    }

    fileprivate init(bytes: Int, files: Int, block: Int, _ room: DiskRoom) {
        self.bytes = bytes
        self.files = files
        self.block = block
        self.room = room
    }

    /// Bytes of files that were written.
    var writtenBytes: Int { written.withLock { $0.bytes } }

    /// Bytes of the disk that are still to come.
    var openBytes: Int { max(0, bytes - written.withLock { $0.diskBytes }) }

    /// Files that are still to come.
    var openFiles: Int { max(0, files - written.withLock { $0.files }) }

    /// Notes a file.
    func wrote(_ byteCount: Int) {
        let taken = DiskNeed(files: [.init(count: 1, byteCount: byteCount)]).byteCount(block: block)
        written.withLock { written in
            written.bytes = written.bytes.addingClamped(byteCount)
            written.diskBytes = written.diskBytes.addingClamped(taken)
            written.files += 1
        }
    }

    /// Notes bytes of no file that stays.
    func spooled(_ byteCount: Int) {
        written.withLock { $0.diskBytes = $0.diskBytes.addingClamped(byteCount) }
    }

    /// Gives back what is still open; again does nothing.
    func end() { room.end(self) }
}
