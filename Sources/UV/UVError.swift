// SPDX-License-Identifier: Apache-2.0
import CUV

/// A call to libuv or to the system that failed: the code it gave and the call that gave it.
package struct UVError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The negative error number, as libuv returns it (`-EADDRINUSE`, `UV_EOF`).
    package let code: Int32
    /// The C function, with its operand where that helps: `bind(127.0.0.1:80)`.
    package let call: String

    /// Keeps `code`, whatever its sign, and the call's name.
    package init(code: Int32, call: String) {
        self.code = code > 0 ? -code : code
        self.call = call
    }

    /// The error's symbol: `EADDRINUSE`. C function: `uv_err_name_r`.
    package var name: String { Self.text { uv_err_name_r(code, $0, $1) } }

    /// The error's text: `address already in use`. C function: `uv_strerror_r`.
    package var reason: String { Self.text { uv_strerror_r(code, $0, $1) } }

    /// `bind(127.0.0.1:80): address already in use (EADDRINUSE)`.
    package var description: String { "\(call): \(reason) (\(name))" }

    /// Whether an address could not be listened on; the call names it.
    package var isOfAddress: Bool { call.hasPrefix("bind(") || call.hasPrefix("listen(") }

    /// Whether the handle or its loop was closed before the call could be done; nobody's fault.
    package var isCancellation: Bool { code == UV_ECANCELED.rawValue }

    /// Whether the time allowed for the call had passed.
    package var isTimeout: Bool { code == UV_ETIMEDOUT.rawValue }

    private static func text(
        _ write: (UnsafeMutablePointer<CChar>, Int) -> UnsafeMutablePointer<CChar>?
    ) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let start = buffer.baseAddress else { return "" }
            buffer.initialize(repeating: 0)
            guard let text = write(start, buffer.count) else { return "" }
            return String(cString: text)
        }
    }
}

/// Throws when a libuv call returned a negative code.
@discardableResult
func checked(_ code: Int32, _ call: @autoclosure () -> String) throws(UVError) -> Int32 {
    guard code >= 0 else { throw UVError(code: code, call: call()) }
    return code
}
