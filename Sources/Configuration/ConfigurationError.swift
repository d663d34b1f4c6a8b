// SPDX-License-Identifier: Apache-2.0

/// What stops the start: where a wrong setting stands, and what would be right.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A file with its line, an environment variable, a flag, or none of them.
    package enum Place: Equatable, Sendable {
        case file(String, line: Int)
        case environment(String)
        case flag(String)
        case defaults
    }

    package let place: Place
    package let message: String

    package init(_ place: Place, _ message: String) {
        self.place = place
        self.message = message
    }

    package var description: String {
        switch place {
        case .file(let path, let line): "\(path):\(line): \(message)"
        case .environment(let name): "\(name): \(message)"
        case .flag(let name): "\(name): \(message)"
        case .defaults: "the defaults: \(message)"
        }
    }
}
