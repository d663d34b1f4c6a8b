// SPDX-License-Identifier: Apache-2.0
//
// Rules of this file
// 1. libcurl says which sockets to watch and when to wake it; we tell it what happened. It calls back only from within our
//    calls, all of them on the loop, and from within a callback it is never called.
// 2. A socket's watcher is closed in the callback that says so, before libcurl closes the socket: libuv stops looking at
//    it at once, and its number may come back for another socket before the watcher's memory is gone.
// 3. When libcurl's multi handle fails, it is dead: everything on it has failed, and its owner makes another.
import CCurl
import Glibc
import UV

/// libcurl's multi handle on an event loop. Not Sendable: it lives on the loop.
final class CurlMulti {
    private let loop: EventLoop
    private let multi: UnsafeMutableRawPointer
    private var timer: LoopTimer?
    private var watchers: [curl_socket_t: SocketWatcher] = [:]
    /// Called when a transfer is done, from no callback of libcurl's; it has been taken out already.
    private let finished: (UnsafeMutableRawPointer, CURLcode) -> Void
    /// Called when nothing here will ever finish again.
    private let failed: (String) -> Void
    private(set) var isDead = false

    /// - Throws: ``UVError`` when the loop is closing; nil is returned when libcurl has no memory.
    init?(
        loop: EventLoop,
        configuration: HTTPClientConfiguration,
        finished: @escaping (UnsafeMutableRawPointer, CURLcode) -> Void,
        failed: @escaping (String) -> Void
    ) throws(UVError) {
        guard CurlGlobal.isReady, let multi = curl_multi_init() else { return nil }
        self.loop = loop
        self.multi = multi
        self.finished = finished
        self.failed = failed
        do throws(UVError) {
            timer = try LoopTimer(loop: loop) { [unowned self] in
                self.act(pyramidion_multi_timeout_socket(), 0)
            }
        } catch {
            isDead = true
            curl_multi_cleanup(multi)
            throw error
        }
        let object = Unmanaged.passUnretained(self).toOpaque()
        pyramidion_multi_set_socket_callback(multi, socketChanged)
        pyramidion_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, object)
        pyramidion_multi_set_timer_callback(multi, timeChanged)
        pyramidion_multi_set_pointer(multi, CURLMOPT_TIMERDATA, object)
        // The owner begins no more transfers than this, so libcurl never holds one back while its time runs.
        pyramidion_multi_set_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, configuration.connections)
        pyramidion_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.connectionsPerHost)
        pyramidion_multi_set_long(multi, CURLMOPT_MAXCONNECTS, configuration.connections)
        pyramidion_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
    }

    deinit { assert(isDead, "a multi handle was freed that nobody closed") }

    /// Begins a transfer; false when libcurl refuses it.
    func add(_ easy: UnsafeMutableRawPointer) -> Bool {
        !isDead && curl_multi_add_handle(multi, easy) == CURLM_OK
    }

    /// Takes a transfer out, done or not. Never from a callback of libcurl's.
    func remove(_ easy: UnsafeMutableRawPointer) {
        _ = curl_multi_remove_handle(multi, easy)
    }

    /// Closes all connections and everything on the loop, once every transfer has been taken out.
    func close() async {
        let handles: [LoopHandle] = free()
        for handle in handles { await handle.closed() }
    }

    /// Frees libcurl's part, and returns the handles that are closing.
    private func free() -> [LoopHandle] {
        guard !isDead else { return [] }
        curl_multi_cleanup(multi)
        isDead = true
        var handles: [LoopHandle] = watchers.values.map { $0 }
        if let timer { handles.append(timer) }
        watchers = [:]
        timer = nil
        for handle in handles { handle.close() }
        return handles
    }

    // MARK: Between the loop and libcurl

    private func act(_ socket: curl_socket_t, _ events: Int32) {
        guard !isDead else { return }
        var running: Int32 = 0
        let code = curl_multi_socket_action(multi, socket, events, &running)
        var left: Int32 = 0
        while !isDead, let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else {
                continue
            }
            let outcome = pyramidion_multi_outcome(message)
            // The message is gone once the handle is taken out.
            remove(easy)
            finished(easy, outcome)
        }
        guard code != CURLM_OK, !isDead else { return }
        // The owner lets go of it.
        withExtendedLifetime(self) {
            failed(String(cString: curl_multi_strerror(code)))
            _ = free()
        }
    }

    fileprivate func watch(_ socket: curl_socket_t, _ what: Int32) -> Bool {
        guard what != CURL_POLL_REMOVE else {
            watchers.removeValue(forKey: socket)?.close()
            return true
        }
        var readiness: SocketWatcher.Readiness = []
        if what == CURL_POLL_IN || what == CURL_POLL_INOUT { readiness.insert(.readable) }
        if what == CURL_POLL_OUT || what == CURL_POLL_INOUT { readiness.insert(.writable) }
        do throws(UVError) {
            if let watcher = watchers[socket] {
                try watcher.start(readiness)
            } else {
                try newWatcher(socket).start(readiness)
            }
            return true
        } catch {
            return false
        }
    }

    private func newWatcher(_ socket: curl_socket_t) throws(UVError) -> SocketWatcher {
        let watcher = try SocketWatcher(loop: loop, socket: socket) { [unowned self] in
            self.act(socket, Self.events($0))
        }
        watchers[socket] = watcher
        return watcher
    }

    private static func events(_ result: Result<SocketWatcher.Readiness, UVError>) -> Int32 {
        switch result {
        case .success(let readiness):
            return (readiness.contains(.readable) ? CURL_CSELECT_IN : 0)
                | (readiness.contains(.writable) ? CURL_CSELECT_OUT : 0)
        case .failure:
            return CURL_CSELECT_ERR
        }
    }

    fileprivate func wake(inMilliseconds delay: Int) {
        guard delay >= 0 else {
            timer?.stop()
            return
        }
        // Also for 0: libcurl must not be called from within its callback.
        timer?.start(after: .milliseconds(delay))
    }
}

/// libcurl's own start, once in a process and before any other call; it is never undone.
enum CurlGlobal {
    static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
}

private func multi(_ data: UnsafeMutableRawPointer?) -> CurlMulti? {
    data.map { Unmanaged<CurlMulti>.fromOpaque($0).takeUnretainedValue() }
}

private func socketChanged(
    _: UnsafeMutableRawPointer?,
    _ socket: curl_socket_t,
    _ what: Int32,
    _ data: UnsafeMutableRawPointer?,
    _: UnsafeMutableRawPointer?
) -> Int32 {
    multi(data)?.watch(socket, what) == true ? 0 : -1
}

private func timeChanged(_: UnsafeMutableRawPointer?, _ delay: Int, _ data: UnsafeMutableRawPointer?) -> Int32
{
    multi(data)?.wake(inMilliseconds: delay)
    return 0
}
