// SPDX-License-Identifier: Apache-2.0
import CUV

/// One `uv_write_t` under way: the completion, and the bytes if they are ours to keep.
final class WriteRequest {
    private let memory = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
    private let owned: UnsafeMutableRawBufferPointer?
    private let completion: (UVError?) -> Void

    private init(owned: UnsafeMutableRawBufferPointer?, completion: @escaping (UVError?) -> Void) {
        self.owned = owned
        self.completion = completion
    }

    deinit {
        memory.deallocate()
        owned?.deallocate()
    }

    /// Queues `buffers`; libuv copies their list, not their bytes.
    ///
    /// `owned` is memory to free after the write, in which `buffers` may lie. Throws what `uv_write` returns.
    static func start(
        _ stream: UnsafeMutablePointer<uv_stream_t>,
        _ buffers: UnsafeBufferPointer<uv_buf_t>,
        owned: UnsafeMutableRawBufferPointer? = nil,
        _ completion: @escaping (UVError?) -> Void
    ) throws(UVError) {
        let request = WriteRequest(owned: owned, completion: completion)
        let retained = Unmanaged.passRetained(request)
        request.memory.pointee.data = retained.toOpaque()
        let code = uv_write(
            request.memory,
            stream,
            buffers.baseAddress,
            UInt32(clamping: buffers.count),
            writeDone
        )
        guard code == 0 else {
            retained.release()
            throw UVError(code: code, call: "uv_write")
        }
    }

    fileprivate func completed(_ status: Int32) {
        completion(status == 0 ? nil : UVError(code: status, call: "uv_write"))
    }
}

/// One `uv_shutdown_t` under way.
final class ShutdownRequest {
    private let memory = UnsafeMutablePointer<uv_shutdown_t>.allocate(capacity: 1)
    private let completion: (UVError?) -> Void

    private init(_ completion: @escaping (UVError?) -> Void) { self.completion = completion }

    deinit { memory.deallocate() }

    static func start(
        _ stream: UnsafeMutablePointer<uv_stream_t>,
        _ completion: @escaping (UVError?) -> Void
    ) throws(UVError) {
        let request = ShutdownRequest(completion)
        let retained = Unmanaged.passRetained(request)
        request.memory.pointee.data = retained.toOpaque()
        let code = uv_shutdown(request.memory, stream, shutdownDone)
        guard code == 0 else {
            retained.release()
            throw UVError(code: code, call: "uv_shutdown")
        }
    }

    fileprivate func completed(_ status: Int32) {
        completion(status == 0 ? nil : UVError(code: status, call: "uv_shutdown"))
    }
}

private func writeDone(_ request: UnsafeMutablePointer<uv_write_t>?, _ status: Int32) {
    guard let data = request?.pointee.data else { return }
    Unmanaged<WriteRequest>.fromOpaque(data).takeRetainedValue().completed(status)
}

private func shutdownDone(_ request: UnsafeMutablePointer<uv_shutdown_t>?, _ status: Int32) {
    guard let data = request?.pointee.data else { return }
    Unmanaged<ShutdownRequest>.fromOpaque(data).takeRetainedValue().completed(status)
}
