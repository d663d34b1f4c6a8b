// SPDX-License-Identifier: Apache-2.0

/// Ends the process, which the fuzzer takes as a finding, unless `condition` holds.
package func require(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fatalError(message()) }
}

/// A sentence for a client: not empty, bounded, and without bytes that could end a line of a log or a field.
package func requireSentence(_ text: String, longest: Int) {
    require(!text.isEmpty, "a refusal without a reason")
    require(text.utf8.count <= longest, "a reason of \(text.utf8.count) bytes")
    require(text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "a control byte in: \(text.debugDescription)")
}
