// SPDX-License-Identifier: Apache-2.0
#if ISAL
    internal import CISAL

    /// Raw deflate by ISA-L.
    final class ISALInflater: RawInflater {
        private let state: UnsafeMutablePointer<inflate_state>
        /// A place to point at when there are no bytes.
        private let nothing: UnsafeMutablePointer<UInt8>

        init() throws(InflateError) {
            guard let state = pyr_isal_inflate_create() else { throw .outOfMemory }
            self.state = state
            nothing = .allocate(capacity: 1)
            nothing.initialize(to: 0)
        }

        deinit {
            pyr_isal_inflate_destroy(state)
            nothing.deallocate()
        }

        func reset() { pyr_isal_inflate_reset(state) }

        func inflate(
            _ input: UnsafeRawBufferPointer,
            into output: UnsafeMutableRawBufferPointer
        ) throws(InflateError) -> RawInflateStep {
            let progress = pyr_isal_inflate(
                state,
                input.bindMemory(to: UInt8.self).baseAddress ?? UnsafePointer(nothing),
                UInt32(min(input.count, largestCInput)),
                output.bindMemory(to: UInt8.self).baseAddress ?? nothing,
                UInt32(min(output.count, largestCInput))
            )
            guard progress.code >= 0 else { throw .corrupt }
            return RawInflateStep(
                consumed: Int(progress.consumed),
                produced: Int(progress.produced),
                isFinished: progress.finished != 0
            )
        }

        /// ISA-L reads ahead by up to 8 bytes.
        func takeUnread() -> UnreadBytes {
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 8) { bytes in
                bytes.initialize(repeating: 0)
                let count = pyr_isal_inflate_unread(state, bytes.baseAddress)
                return UnreadBytes(bytes.prefix(Int(count)))
            }
        }
    }
#endif
