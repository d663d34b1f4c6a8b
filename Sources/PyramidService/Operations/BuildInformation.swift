// SPDX-License-Identifier: Apache-2.0

/// What runs, as `/version`, `/metrics` and `--version` tell it.
package struct BuildInformation: Sendable, Equatable {
    /// Raised with each release; `CHANGELOG.md` says what it brings.
    package static let currentVersion = "0.1.0"

    package let version: String
    /// The variant of the kernels that this processor gets: `x86-64-v3`, `x86-64`, `arm64`.
    package let cpuVariant: String

    package init(version: String = BuildInformation.currentVersion, cpuVariant: String) {
        self.version = version
        self.cpuVariant = cpuVariant
    }
}
