// SPDX-License-Identifier: Apache-2.0

/// What disks run out of.
package enum DiskUnit: String, Hashable, Sendable {
    case bytes, files
}

/// What will be written to a disk, as far as that is known beforehand: never more than it will really be.
package struct DiskNeed: Hashable, Sendable {
    /// So many files of so many bytes each.
    package struct Files: Hashable, Sendable {
        package let count: Int
        package let byteCount: Int

        package init(count: Int, byteCount: Int) {
            self.count = count
            self.byteCount = byteCount
        }
    }

    package var files: [Files]
    /// Bytes that lie in a file of their own meanwhile.
    package var scratch: Int

    /// Nothing is known.
    package static let unknown = DiskNeed(files: [])

    package init(files: [Files], scratch: Int = 0) {
        self.files = files
        self.scratch = scratch
    }

    /// How many files there will be.
    package var fileCount: Int { files.reduce(0) { $0.addingClamped($1.count) } }

    /// What all files take of a disk that gives whole blocks; `Int.max` for more than that.
    package func byteCount(block: Int) -> Int {
        files.reduce(scratch) { sum, kind in
            let (whole, rest) = kind.byteCount.quotientAndRemainder(dividingBy: block)
            let blocks = whole + (rest > 0 ? 1 : 0)
            return sum.addingClamped(kind.count.multipliedClamped(by: blocks.multipliedClamped(by: block)))
        }
    }
}
