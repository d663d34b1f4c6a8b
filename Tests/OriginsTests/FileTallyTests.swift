// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Origins

struct FileTallyTests {
    private let folder: TestFolder
    private let tally = FileTally()

    init() throws { folder = try TestFolder() }

    @Test("A count is told while a file is on its way, and counts it when it is there") func whileNaming() {
        let file = "\(folder.path)/8/a"
        tally.adding(file) {
            #expect(tally.count("\(folder.path)/8") == 0)
            return true
        }
        #expect(tally.count("\(folder.path)/8") == 1)
        let isRemoved = tally.removing(file) {
            #expect(tally.count("\(folder.path)/8") == 1)
            return true
        }
        #expect(isRemoved)
        #expect(tally.count("\(folder.path)/8") == 0)
    }

    @Test("What replaces a file, or could not be removed, does not change the count") func unchanged() throws
    {
        try folder.write("8/a", "1")
        tally.recount("\(folder.path)/8")
        tally.adding("\(folder.path)/8/a") { false }
        #expect(!tally.removing("\(folder.path)/8/a") { false })
        #expect(tally.count("\(folder.path)/8") == 1)
        tally.forget(below: folder.path)
        #expect(tally.count("\(folder.path)/8") == 0)
    }
}
