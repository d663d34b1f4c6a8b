// SPDX-License-Identifier: Apache-2.0

/// A file of which only some ranges are written: archives of many gigabytes fit in a test.
struct SparseFile {
    private(set) var count = 0
    private var pieces: [(offset: Int, bytes: [UInt8])] = []

    mutating func append(_ bytes: [UInt8]) {
        pieces.append((count, bytes))
        count += bytes.count
    }

    /// Content that nobody will read.
    mutating func skip(_ byteCount: Int) { count += byteCount }

    /// Bytes of one piece.
    func read(_ offset: Int, _ byteCount: Int) throws -> [UInt8] {
        guard let piece = pieces.last(where: { $0.offset <= offset }),
            offset + byteCount <= piece.offset + piece.bytes.count
        else { throw ArchiveError(reason: "nothing at \(offset)") }
        return Array(piece.bytes[(offset - piece.offset)..<(offset - piece.offset + byteCount)])
    }

    func number(_ offset: Int, _ byteCount: Int) throws -> Int {
        Int(try read(offset, byteCount).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}

struct ArchiveError: Error {
    let reason: String
}

/// An entry as the central directory and the local header both tell it.
struct ArchiveEntry: Equatable {
    var name: String
    var byteCount: Int
    var crc: UInt32
    var contentOffset: Int
    var localVersion: Int
    var hasDataDescriptor: Bool
}

/// Reads a zip archive from its end, strictly: records must touch, and Zip64 must be there if and only if it
/// is needed.
struct ArchiveReader {
    let file: SparseFile
    private(set) var entries: [ArchiveEntry] = []
    private(set) var hasZip64End = false

    init(_ file: SparseFile) throws {
        self.file = file
        let end = file.count - 22
        try expect(end, 0x0605_4B50)
        var entryCount = try file.number(end + 10, 2)
        var directoryByteCount = try file.number(end + 12, 4)
        var directoryOffset = try file.number(end + 16, 4)
        var directoryEnd = end
        if directoryOffset == 0xFFFF_FFFF || entryCount == 0xFFFF || directoryByteCount == 0xFFFF_FFFF {
            hasZip64End = true
            try expect(end - 20, 0x0706_4B50)
            directoryEnd = try file.number(end - 12, 8)
            guard directoryEnd == end - 76 else { throw ArchiveError(reason: "Zip64 end") }
            try expect(directoryEnd, 0x0606_4B50)
            entryCount = try file.number(directoryEnd + 32, 8)
            directoryByteCount = try file.number(directoryEnd + 40, 8)
            directoryOffset = try file.number(directoryEnd + 48, 8)
        }
        guard directoryOffset + directoryByteCount == directoryEnd else {
            throw ArchiveError(reason: "directory")
        }
        var position = directoryOffset
        var contentEnd = 0
        for _ in 0..<entryCount { try readEntry(&position, &contentEnd) }
        guard position == directoryEnd, contentEnd == directoryOffset else {
            throw ArchiveError(reason: "gap")
        }
    }

    private func expect(_ offset: Int, _ signature: Int) throws {
        guard try file.number(offset, 4) == signature else {
            throw ArchiveError(reason: "signature at \(offset)")
        }
    }

    /// `position` walks through the directory, `contentEnd` through the entries.
    private mutating func readEntry(_ position: inout Int, _ contentEnd: inout Int) throws {
        try expect(position, 0x0201_4B50)
        let nameCount = try file.number(position + 28, 2)
        let extraCount = try file.number(position + 30, 2)
        let fields = [
            try file.number(position + 24, 4), try file.number(position + 20, 4),
            try file.number(position + 42, 4),
        ]
        let values = try resolve(fields, extraAt: position + 46 + nameCount, extraCount)
        let flags = try file.number(position + 8, 2)
        let name = try file.read(position + 46, nameCount)
        let crc = UInt32(try file.number(position + 16, 4))
        guard try file.number(position + 10, 2) == 0, values[0] == values[1], values[2] == contentEnd else {
            throw ArchiveError(reason: "central header")
        }

        let local = values[2]
        try expect(local, 0x0403_4B50)
        let localExtraCount = try file.number(local + 28, 2)
        let localFields = [try file.number(local + 22, 4), try file.number(local + 18, 4)]
        let localValues = try resolve(localFields, extraAt: local + 30 + nameCount, localExtraCount)
        let hasDescriptor = flags & 8 != 0
        guard try file.number(local + 26, 2) == nameCount, try file.read(local + 30, nameCount) == name,
            try file.number(local + 6, 2) == flags, localValues == [values[0], values[0]],
            try file.number(local + 14, 4) == (hasDescriptor ? 0 : Int(crc))
        else { throw ArchiveError(reason: "local header") }

        let content = local + 30 + nameCount + localExtraCount
        contentEnd = content + values[0]
        if hasDescriptor {
            try expect(contentEnd, 0x0807_4B50)
            let width = localExtraCount > 0 ? 8 : 4
            guard try file.number(contentEnd + 4, 4) == Int(crc),
                try file.number(contentEnd + 8, width) == values[0],
                try file.number(contentEnd + 8 + width, width) == values[0]
            else { throw ArchiveError(reason: "data descriptor") }
            contentEnd += 8 + 2 * width
        }
        entries.append(
            ArchiveEntry(
                name: String(decoding: name, as: UTF8.self),
                byteCount: values[0],
                crc: crc,
                contentOffset: content,
                localVersion: try file.number(local + 4, 2),
                hasDataDescriptor: hasDescriptor
            )
        )
        position += 46 + nameCount + extraCount
    }

    /// Replaces each field that is all ones by the next value of the Zip64 field, which must have no more.
    private func resolve(_ fields: [Int], extraAt offset: Int, _ extraCount: Int) throws -> [Int] {
        let markers = fields.count { $0 == 0xFFFF_FFFF }
        guard extraCount == (markers > 0 ? 4 + 8 * markers : 0) else {
            throw ArchiveError(reason: "extra field")
        }
        guard markers > 0 else { return fields }
        guard try file.number(offset, 2) == 1, try file.number(offset + 2, 2) == 8 * markers else {
            throw ArchiveError(reason: "Zip64 field")
        }
        var next = offset + 4
        return try fields.map { field in
            guard field == 0xFFFF_FFFF else { return field }
            defer { next += 8 }
            return try file.number(next, 8)
        }
    }
}
