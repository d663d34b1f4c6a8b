// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Memory that ends where the next page cannot be touched: a byte too far is a fault even in a C library that was
/// compiled without a sanitizer. In front of it lies a byte pattern that ``checkFront()`` looks at.
package final class GuardedBuffer {
    private static let pattern: UInt8 = 0xA5
    private let mapping: UnsafeMutableRawPointer
    private let page = Int(getpagesize())
    private let byteCount: Int

    /// Room for `capacity` bytes.
    package init(capacity: Int) {
        byteCount = (capacity + page - 1) / page * page + page
        guard
            let mapping = mmap(
                nil,
                byteCount + page,
                PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS,
                -1,
                0
            ),
            mapping != MAP_FAILED
        else { fatalError("no memory for the fuzzer") }
        self.mapping = mapping
        require(mprotect(mapping + byteCount, page, PROT_NONE) == 0, "mprotect")
        memset(mapping, Int32(Self.pattern), byteCount)
    }

    deinit { munmap(mapping, byteCount + page) }

    /// The last `count` bytes, at most the capacity.
    package func last(_ count: Int) -> UnsafeMutableRawBufferPointer {
        require(count <= byteCount - page, "more than the capacity")
        memset(mapping + byteCount - count - 64, Int32(Self.pattern), 64)
        return UnsafeMutableRawBufferPointer(start: mapping + byteCount - count, count: count)
    }

    /// Ends the process if a byte right before the last `count` was written.
    package func checkFront(of count: Int) {
        let front = UnsafeRawBufferPointer(start: mapping + byteCount - count - 64, count: 64)
        require(front.allSatisfy { $0 == Self.pattern }, "a byte before the output was written")
    }
}
