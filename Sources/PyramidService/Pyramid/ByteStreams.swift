// SPDX-License-Identifier: Apache-2.0

/// Where the bytes of an array come from: a request's body, a file, or what one of them inflates to.
package protocol ByteSource: AnyObject {
    /// Fills `buffer` wholly unless the bytes end, and returns how many there were; 0 only at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int

    /// Lets a read that waits return with what it has; nothing is read from this source afterwards.
    func endRead()
}

extension ByteSource {
    /// For sources whose reads do not wait for anybody.
    package func endRead() {}
}

/// Where the bytes of an answer go: a connection, a file, or what compresses them first.
package protocol ByteSink: AnyObject {
    /// Returns when `pieces` were taken, in order, and their memory may be used again.
    func write(_ pieces: [UnsafeRawBufferPointer]) async throws
}

/// A source that gives some bytes first, which were read from it too early.
final class PrefixedSource: ByteSource {
    private var prefix: ArraySlice<UInt8>
    private let rest: any ByteSource

    init(_ prefix: ArraySlice<UInt8>, _ rest: any ByteSource) {
        self.prefix = prefix
        self.rest = rest
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        let count = min(prefix.count, buffer.count)
        buffer.copyBytes(from: prefix.prefix(count))
        prefix = prefix.dropFirst(count)
        guard count < buffer.count else { return count }
        return count + (try await rest.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...])))
    }

    func endRead() { rest.endRead() }
}
