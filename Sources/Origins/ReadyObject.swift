// SPDX-License-Identifier: Apache-2.0

/// What came of reading an object without waiting for a disk or a network.
package enum ReadyObject: Sendable, Equatable {
    /// The object is in the memory that was given, and has so many bytes.
    case read(byteCount: Int, coding: StoredObject.Coding)
    /// There is no such object.
    case absent
    /// It has to be waited for, is larger than the memory, or cannot be read: `object(_:limit:)` says which.
    case notReady
}

/// The folder that was opened last on the way to a ready object.
package struct ReadyWay: ~Copyable {
    /// The segments of its path below the root.
    var segments: [String] = []
    /// Nil before the first object.
    var folder: FileDescriptor?

    package init() {}
}

extension Origin {
    /// Nothing is at hand by itself.
    package var hasReadyObjects: Bool { false }

    package func readyObject(
        _: String,
        into _: UnsafeMutableRawBufferPointer,
        by _: inout ReadyWay
    ) -> ReadyObject { .notReady }
}
