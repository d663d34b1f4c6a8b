// SPDX-License-Identifier: Apache-2.0

/// The limit of the server that ended an answer, and with it the connection.
package enum AnswerOverrun: Sendable {
    /// ``HTTPServerTimeouts/answer``.
    case total
    /// ``HTTPServerTimeouts/writeStall``.
    case stall
    /// ``HTTPServerTimeouts/answerBytesPerSecond``.
    case rate
}
