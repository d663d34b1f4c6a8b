// SPDX-License-Identifier: Apache-2.0

/// The name of an object below a root, taken apart: no empty segments, no "." and no NUL; ".." at its start alone.
///
/// Keys are half somebody else's: a scale's `key` comes from an `info` file.
struct ObjectKey: Hashable, Sendable {
    /// More bytes than any real key has.
    static let byteLimit = 2048
    /// Bounds the depth of folders, and so every walk through them.
    static let segmentLimit = 32
    /// What file systems allow for one name, with ".gz" behind it.
    static let segmentByteLimit = 252

    /// How many folders above the root the segments begin; 0 unless that was allowed.
    let parents: Int
    let segments: [String]

    /// - Parameters:
    ///   - key: The segments, with "/" between them.
    ///   - mayClimb: Whether it may begin above the root, as keys of scales may.
    /// - Throws: ``OriginError/brokenKey(_:reason:)``.
    init(_ key: String, mayClimb: Bool = false) throws(OriginError) {
        guard key.utf8.count <= Self.byteLimit else {
            let start = String(decoding: key.utf8.prefix(64), as: UTF8.self)
            throw .brokenKey(start + "…", reason: "it has more than \(Self.byteLimit) bytes")
        }
        guard !key.utf8.contains(0) else { throw .brokenKey(key, reason: "it has a NUL byte") }
        var parents = 0
        var segments: [String] = []
        // By bytes: a "/" with a combining accent behind it is one Character that is no "/", but the system sees it.
        for bytes in key.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard !bytes.isEmpty else {
                throw .brokenKey(key, reason: "no part between its slashes may be empty")
            }
            guard bytes.count <= Self.segmentByteLimit else {
                throw .brokenKey(key, reason: "a part of it has more than \(Self.segmentByteLimit) bytes")
            }
            if bytes.elementsEqual(".".utf8) { continue }
            if bytes.elementsEqual("..".utf8) {
                if segments.popLast() != nil { continue }
                guard mayClimb else {
                    throw .brokenKey(key, reason: "it leads out of the volume's folder")
                }
                parents += 1
                continue
            }
            segments.append(String(decoding: bytes, as: UTF8.self))
        }
        guard !segments.isEmpty else { throw .brokenKey(key, reason: "it names the folder itself") }
        guard parents + segments.count <= Self.segmentLimit else {
            throw .brokenKey(key, reason: "it has more than \(Self.segmentLimit) parts")
        }
        self.parents = parents
        self.segments = segments
    }

    /// The segments with "/" between them, behind as many ".." as it has parents.
    var path: String { (Array(repeating: "..", count: parents) + segments).joined(separator: "/") }
}
