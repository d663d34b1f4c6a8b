// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import UV

@Suite("Errors and flags")
struct UVErrorTests {
    @Test("An error says which call failed, why, and by which name the system knows it")
    func description() {
        let error = UVError(code: EADDRINUSE, call: "bind(127.0.0.1:80)")
        #expect(error.code == -EADDRINUSE)
        #expect(error.description == "bind(127.0.0.1:80): address already in use (EADDRINUSE)")
        #expect(UVError(code: -98, call: "x") == UVError(code: 98, call: "x"))
    }

    @Test("An unknown code has a text too")
    func unknown() {
        #expect(!UVError(code: -123_456, call: "x").description.isEmpty)
    }

    @Test("A cancellation flag stays up once it is raised")
    func flag() {
        let flag = CancellationFlag()
        #expect(!flag.isCancelled)
        flag.cancel()
        flag.cancel()
        #expect(flag.isCancelled)
    }
}
