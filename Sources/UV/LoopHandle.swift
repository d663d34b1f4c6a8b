// SPDX-License-Identifier: Apache-2.0
//
// Life of a handle
// 1. Its memory is allocated for the libuv type and initialised by `uv_*_init`; if that fails the memory is freed at once.
// 2. From then on libuv holds a reference to the object, so no callback finds a dead one, and the loop counts it.
// 3. `close()` ends it, once; later calls only add their completion. Every method finds a closing handle closed.
// 4. libuv's close callback frees the memory, releases the object and runs the completions.
import CUV

/// What all handles share: memory that libuv points into, and its one way to end.
///
/// Not Sendable: it lives on its loop's thread. A handle that nobody closes stays alive and is named by
/// ``EventLoop/close()``; that is why there is nothing to do in `deinit`.
package class LoopHandle {
    /// The loop it belongs to.
    package let loop: EventLoop
    /// What it is counted as.
    package let kind: HandleKind
    /// Valid until the close callback; so only to be used while `isOpen`.
    let memory: UnsafeMutableRawPointer
    private var phase = Phase.open
    private var completions: [() -> Void] = []

    private enum Phase { case open, closing, closed }

    init(
        _ kind: HandleKind,
        loop: EventLoop,
        type: uv_handle_type,
        call: String,
        initialize: (UnsafeMutablePointer<uv_loop_t>, UnsafeMutableRawPointer) -> Int32
    ) throws(UVError) {
        loop.preconditionOnLoop()
        guard !loop.isClosing else { throw UVError(code: UV_ECANCELED.rawValue, call: call) }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: uv_handle_size(type), alignment: 16)
        let code = initialize(loop.uv, memory)
        guard code == 0 else {
            memory.deallocate()
            throw UVError(code: code, call: call)
        }
        self.loop = loop
        self.kind = kind
        self.memory = memory
        memory.assumingMemoryBound(to: uv_handle_t.self).pointee.data = Unmanaged.passRetained(self)
            .toOpaque()
        loop.handleOpened(kind)
    }

    deinit { assert(phase == .closed, "a handle was freed before its close callback") }

    /// Whether the handle can be used: true until ``close(_:)`` is called.
    package var isOpen: Bool { phase == .open }

    /// Ends the handle: no callback of it comes after this, but the completions of writes under way.
    ///
    /// May be called again; a completion given to a closed handle runs at once.
    /// - Parameter completion: Runs on the loop when the handle is gone. C function: `uv_close`.
    package func close(_ completion: (() -> Void)? = nil) {
        guard phase != .closed else {
            completion?()
            return
        }
        if let completion { completions.append(completion) }
        guard phase == .open else { return }
        loop.preconditionOnLoop()
        phase = .closing
        willClose()
        uv_close(memory.assumingMemoryBound(to: uv_handle_t.self), handleClosed)
    }

    /// Ends the handle and returns when it is gone.
    package func closed() async {
        guard phase != .closed else { return }
        await withCheckedContinuation { continuation in close { continuation.resume() } }
    }

    /// Where a subclass drops the closures it holds, which may hold the owner that holds the handle.
    func willClose() {}

    func checkOpen(_ call: String) throws(UVError) {
        guard phase == .open else { throw UVError(code: UV_ECANCELED.rawValue, call: call) }
        loop.preconditionOnLoop()
    }

    fileprivate func closeCompleted() {
        phase = .closed
        memory.deallocate()
        loop.handleFreed(kind)
        let completions = completions
        self.completions = []
        for completion in completions { completion() }
    }

    /// The object behind a handle's `data`; nil for the loop's own handles.
    static func owning(_ data: UnsafeMutableRawPointer?) -> LoopHandle? {
        guard let data else { return nil }
        return Unmanaged<LoopHandle>.fromOpaque(data).takeUnretainedValue()
    }
}

/// The object of type `Handle` behind a handle's `data`.
func owner<Handle: LoopHandle>(_ data: UnsafeMutableRawPointer?, as _: Handle.Type) -> Handle? {
    guard let data else { return nil }
    return Unmanaged<Handle>.fromOpaque(data).takeUnretainedValue()
}

private func handleClosed(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
    guard let data = handle?.pointee.data else { return }
    Unmanaged<LoopHandle>.fromOpaque(data).takeRetainedValue().closeCompleted()
}
