// SPDX-License-Identifier: Apache-2.0
import HTTPServer

extension AnswerOverrun {
    /// The key of the limit, for metrics.
    var limit: String {
        switch self {
        case .total: "timeouts.answer"
        case .stall: "timeouts.write_stall"
        case .rate: "limits.answer_rate"
        }
    }

    /// The words for the log.
    var reason: String {
        switch self {
        case .total: "The answer took longer than `\(limit)`."
        case .stall: "The client took nothing of its answer for longer than `\(limit)`."
        case .rate: "The client took its answer more slowly than `\(limit)`."
        }
    }
}
