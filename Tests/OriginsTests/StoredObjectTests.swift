// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Origins

struct StoredObjectTests {
    @Test("An object without a version says so") func version() {
        #expect(StoredObject(bytes: [], coding: .identity, version: nil).version == nil)
    }
}
