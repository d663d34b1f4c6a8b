// SPDX-License-Identifier: Apache-2.0
import Configuration
import FuzzSupport

/// Input: a configuration file.
///
/// Shows that it is taken or refused with the file, a line that exists and a reason, the same each time; and that
/// what it sets can be said in the environment.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSettings(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let first = verdict(bytes)
    require(verdict(bytes) == first, "read twice, \(first)")
    guard case .failure(let error) = first else { return 0 }
    guard case .file("file.yaml", let line) = error.place else {
        require(false, "the place of a mistake in a file is \(error.place)")
        return 0
    }
    // CR, CRLF, LF, NEL, LS and PS end lines of YAML: no more than bytes in all.
    require((1...bytes.count + 1).contains(line), "line \(line) of \(bytes.count) bytes")
    require(!error.message.isEmpty, "a refusal without a reason")
    return 0
}

private func verdict(_ bytes: [UInt8]) -> Result<Configuration, ConfigurationError> {
    do throws(ConfigurationError) {
        return .success(try Configuration.merged(file: ("file.yaml", bytes), environment: [:], flags: []))
    } catch {
        return .failure(error)
    }
}
