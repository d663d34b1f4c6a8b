// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Glibc

/// The floor of a POST: reads the upload, does nothing with it, and returns as many bytes as `Answer-Bytes` says.
struct Sink {
    private let listener: Int32

    init(at place: Place) throws { listener = try place.open(listening: true) }

    func serve() throws {
        say("ready")
        while true {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else { return }
            var one: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
            DispatchQueue.global().async { Sink.answer(Wire(descriptor)) }
        }
    }

    private static func answer(_ wire: Wire) {
        var content: [UInt8] = []
        while let head = wire.readMessage() {
            let count = Wire.number("answer-bytes", head) ?? 0
            if content.count != count { content = [UInt8](repeating: 7, count: count) }
            var answer = Array("HTTP/1.1 200 OK\r\nContent-Length: \(count)\r\n\r\n".utf8)
            let isHeadSent = answer.withUnsafeMutableBytes { wire.write(UnsafeRawBufferPointer($0)) }
            guard isHeadSent, content.withUnsafeBytes({ wire.write($0) }) else { break }
        }
        wire.close()
    }
}
