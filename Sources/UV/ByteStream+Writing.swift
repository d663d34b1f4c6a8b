// SPDX-License-Identifier: Apache-2.0
import CUV

extension ByteStream {
    /// How many bytes are queued because the kernel did not take them. C function: `uv_stream_get_write_queue_size`.
    package var writeQueueSize: Int { isOpen ? uv_stream_get_write_queue_size(stream) : 0 }

    /// Gives the kernel what it takes of `head` and then `body` right now, in one call, within this turn's budget.
    /// - Returns: How many bytes it took, counted from the first of `head`; 0 when it is full, something is queued or
    ///   the budget is spent.
    /// - Throws: ``UVError`` when the connection is broken or closed. C function: `uv_try_write`.
    package func tryWrite(_ head: [UInt8], _ body: [UInt8]) throws(UVError) -> Int {
        try checkOpen("uv_try_write")
        let room = writing.left(in: loop.turn)
        guard room > 0 else { return 0 }
        let code = head.withUnsafeBytes { head in
            body.withUnsafeBytes { body in
                let first = UnsafeRawBufferPointer(rebasing: head.prefix(room))
                let second = UnsafeRawBufferPointer(rebasing: body.prefix(room - first.count))
                var buffers = (uv_buf_t(first), uv_buf_t(second))
                // A tuple of one type lies in memory as an array of it does.
                return withUnsafeMutableBytes(of: &buffers) {
                    uv_try_write(stream, $0.baseAddress?.assumingMemoryBound(to: uv_buf_t.self), 2)
                }
            }
        }
        return try taken(code)
    }

    /// Gives the kernel what it takes of `bytes` right now; as ``tryWrite(_:_:)`` does.
    package func tryWrite(bytes: [UInt8]) throws(UVError) -> Int {
        try checkOpen("uv_try_write")
        return try bytes.withUnsafeBufferPointer { (typed) throws(UVError) in
            try takenNow(UnsafeRawBufferPointer(typed))
        }
    }

    /// Writes `buffers` in order: gives the kernel what it takes, queues the rest, and calls back when all is taken.
    ///
    /// The caller keeps the memory alive until `completion`, which is called exactly once: before this returns if the
    /// kernel takes all or the connection is broken, otherwise later, with `ECANCELED` if the stream is closed meanwhile.
    package func write(_ buffers: [UnsafeRawBufferPointer], _ completion: @escaping (UVError?) -> Void) {
        do throws(UVError) {
            let rest = try notTakenNow(of: buffers)
            if rest.isEmpty { completion(nil) } else { try queue(rest, completion) }
        } catch {
            completion(error)
        }
    }

    /// Writes `bytes`; what the kernel does not take at once is copied, so nobody has to keep anything alive.
    ///
    /// For heads and small answers. `completion` is called as for a list of buffers.
    package func write(_ bytes: [UInt8], _ completion: @escaping (UVError?) -> Void) {
        do throws(UVError) {
            if let rest = try copyNotTakenNow(of: bytes, 0..<bytes.count) {
                try queue(rest, completion)
            } else {
                completion(nil)
            }
        } catch {
            completion(error)
        }
    }

    /// Writes `buffers` in order and returns when the kernel has taken all of them.
    ///
    /// Does not suspend when the kernel takes all at once. What is more than a turn's budget goes in as many turns, so
    /// nothing else may be written meanwhile. The caller keeps the memory alive until this returns or throws. A
    /// cancelled task goes on waiting: to end a stalled write, close the stream.
    /// - Throws: ``UVError`` when the connection is broken; `ECANCELED` when the stream is closed meanwhile.
    package func write(_ buffers: [UnsafeRawBufferPointer]) async throws(UVError) {
        var rest = try notTakenNow(of: buffers)
        while !rest.isEmpty {
            try checkOpen("uv_write")
            let part = first(TurnBudget.bytes, of: rest)
            // Tells in the next turn at the earliest, also when the kernel takes it at once.
            try await queued { (completion) throws(UVError) in try queue(part, completion) }
            drop(byteCount(part), from: &rest)
        }
    }

    /// Writes `bytes`, of which it copies what the kernel does not take at once, and returns when all is taken.
    ///
    /// Does not suspend when the kernel takes all at once.
    /// - Throws: ``UVError`` when the connection is broken; `ECANCELED` when the stream is closed meanwhile.
    package func write(_ bytes: [UInt8]) async throws(UVError) {
        try await write(bytes, 0..<bytes.count)
    }

    /// Writes those of `bytes` that `range` names; as ``write(_:)`` does.
    package func write(_ bytes: [UInt8], _ range: Range<Int>) async throws(UVError) {
        guard let rest = try copyNotTakenNow(of: bytes, range) else { return }
        try await queued { (completion) throws(UVError) in try queue(rest, completion) }
    }

    private func notTakenNow(of buffers: [UnsafeRawBufferPointer]) throws(UVError) -> [uv_buf_t] {
        try checkOpen("uv_write")
        var rest = buffers.map(uv_buf_t.init(_:))
        drop(try takenNow(rest), from: &rest)
        return rest
    }

    private func copyNotTakenNow(of bytes: [UInt8], _ range: Range<Int>) throws(UVError)
        -> UnsafeMutableRawBufferPointer?
    {
        try checkOpen("uv_write")
        return try bytes.withUnsafeBufferPointer { (typed) throws(UVError) in
            let all = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(typed)[range])
            let taken = try takenNow(all)
            guard taken < all.count else { return nil }
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: all.count - taken, alignment: 1)
            copy.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[taken...]))
            return copy
        }
    }

    private func queue(_ rest: [uv_buf_t], _ completion: @escaping (UVError?) -> Void) throws(UVError) {
        try rest.withUnsafeBufferPointer { (list) throws(UVError) in
            try WriteRequest.start(stream, list, completion)
        }
        submittedBytes += byteCount(rest)
    }

    /// Queues a copy, which the request frees, also when it cannot be started.
    private func queue(
        _ copy: UnsafeMutableRawBufferPointer,
        _ completion: @escaping (UVError?) -> Void
    ) throws(UVError) {
        try [uv_buf_t(UnsafeRawBufferPointer(copy))].withUnsafeBufferPointer { (list) throws(UVError) in
            try WriteRequest.start(stream, list, owned: copy, completion)
        }
        submittedBytes += copy.count
    }

    private func queued(_ start: (@escaping (UVError?) -> Void) throws(UVError) -> Void) async throws(UVError)
    {
        let error: UVError? = await withCheckedContinuation { continuation in
            do throws(UVError) {
                try start { continuation.resume(returning: $0) }
            } catch {
                continuation.resume(returning: error)
            }
        }
        if let error { throw error }
    }

    private func takenNow(_ buffers: [uv_buf_t]) throws(UVError) -> Int {
        let room = writing.left(in: loop.turn)
        guard !buffers.isEmpty, room > 0 else { return 0 }
        return try taken(
            first(room, of: buffers).withUnsafeBufferPointer { list in
                uv_try_write(stream, list.baseAddress, UInt32(clamping: list.count))
            }
        )
    }

    private func takenNow(_ bytes: UnsafeRawBufferPointer) throws(UVError) -> Int {
        let room = writing.left(in: loop.turn)
        guard room > 0 else { return 0 }
        var buffer = uv_buf_t(UnsafeRawBufferPointer(rebasing: bytes.prefix(room)))
        return bytes.isEmpty ? 0 : try taken(uv_try_write(stream, &buffer, 1))
    }

    private func taken(_ code: Int32) throws(UVError) -> Int {
        if code == UV_EAGAIN.rawValue { return 0 }
        let taken = Int(try checked(code, "uv_try_write"))
        submittedBytes += taken
        writing.spend(taken)
        return taken
    }
}

private func byteCount(_ buffers: [uv_buf_t]) -> Int { buffers.reduce(0) { $0 + $1.len } }

/// The first `count` bytes of a list of buffers; all of them when they are fewer.
private func first(_ count: Int, of buffers: [uv_buf_t]) -> [uv_buf_t] {
    guard byteCount(buffers) > count else { return buffers }
    var left = count
    var part: [uv_buf_t] = []
    for buffer in buffers where left > 0 {
        part.append(uv_buf_t(base: buffer.base, len: min(buffer.len, left)))
        left -= buffer.len
    }
    return part
}

/// Takes the first `count` bytes off a list of buffers, and empty buffers with them.
private func drop(_ count: Int, from buffers: inout [uv_buf_t]) {
    var left = count
    var whole = 0
    while whole < buffers.count, left >= buffers[whole].len {
        left -= buffers[whole].len
        whole += 1
    }
    buffers.removeFirst(whole)
    guard !buffers.isEmpty else { return }
    buffers[0].base = buffers[0].base?.advanced(by: left)
    buffers[0].len -= left
}

extension uv_buf_t {
    /// libuv's type for bytes to write has no `const`; it does not write to them.
    fileprivate init(_ bytes: UnsafeRawBufferPointer) {
        self.init(
            base: UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: CChar.self)),
            len: bytes.count
        )
    }
}
