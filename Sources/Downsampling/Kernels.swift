// SPDX-License-Identifier: Apache-2.0
internal import CHost

/// The row kernels of one instruction set.
///
/// Every variant is the same source compiled for other machines; the bits they make are the same.
package struct Kernels: Sendable {
    typealias Rows = UnsafePointer<UnsafeRawPointer>
    typealias Input = UnsafeRawPointer
    typealias Output = UnsafeMutableRawPointer

    /// "x86-64", "x86-64-v3" or the name of another architecture's only variant.
    package let name: String

    let touch: @Sendable (Input, Int) -> UInt8
    let sumRows: @Sendable (UInt8, UInt8, Rows, Int, Int, Int, Int, Int, Output, Output) -> Void
    let countRows: @Sendable (Int, UInt8, Rows, Int, Int, Int, Int, Int, Output, Output) -> Void
    let renderRow: @Sendable (UInt8, UInt8, Input, Int, Int, Int, Int, Bool, Output) -> Void
    let renderSparseRow: @Sendable (UInt8, UInt8, UInt8, Input, Input, Int, Int, Bool, Output) -> Void
    let averagePairs:
        @Sendable (
            UInt8, UInt8, UInt8, Rows, Int, Int, Int, Int, Bool, Int, Int, Int, UInt, UInt, Output?, Output?
        ) -> Bool

    let averageSparsePairs:
        @Sendable (
            UInt8, Rows, Int, Int, Int, Bool, Int, Int, Int, UInt, UInt, Output?, Output?, Output
        ) -> Bool

    let sumFloats: @Sendable (Int, Bool, Rows, Int, Int, Int, Bool, Bool, Output) -> Void
    let countFloats: @Sendable (Int, Rows, Int, Int, Int, Bool, Output) -> Void
    let sumFloatColumns: @Sendable (Int, Rows, Int, Int, Output) -> Void
    let averageFloatPairs:
        @Sendable (
            Int, UInt8, Rows, Int, Int, Double, Int, Int, Int, UInt, UInt, Output?, Output
        ) -> Int

    let scaleFloats: @Sendable (Int, Output, Int, Double) -> Void
    let renderFloats: @Sendable (Int, Bool, Input, Int, Double, Output) -> Void
    let renderFloatsNarrow: @Sendable (Int, Input, Int, Double, Output) -> Void
    let renderSparseFloats: @Sendable (Int, Bool, Bool, Input, Input, Int, Output) -> Void
    let areFinite: @Sendable (Int, Input, Int) -> Bool

    let modePlane: @Sendable (Int, Rows, Int, Int, Int, Int, Int, UInt, UInt, Output) -> Void
    let modePlaneSparse: @Sendable (Int, Rows, Bool, Int, Int, Int, Int, Int, UInt, UInt, Output) -> Void
    let modeFirst: @Sendable (Int, Rows, Int, Int, Int, Bool, UInt, UInt, Output) -> Void
    let modeCountless8: @Sendable (Int, Rows, Int, Int, UInt, UInt, Output) -> Void
    let modeLine: @Sendable (Int, Input, Input, Int, Int, Bool, Output) -> Void
    let modeBox: @Sendable (Int, Rows, UnsafePointer<Int>, Int, Int, Int, Int, Bool, Output, Output) -> Void
    let extreme: @Sendable (UInt8, Bool, Rows, Int, Int, Int, Output) -> Void
    let median: @Sendable (UInt8, Bool, Rows, Int, Int, Int, Output, Output) -> Void
    let strided: @Sendable (Int, Input, Int, Int, Output) -> Void

    /// The variant for this machine, chosen once.
    package static let best: Kernels = {
        #if ROW_KERNELS_V3
            if chost_x86_level() >= 3 { return .v3 }
        #endif
        return .baseline
    }()

    /// Every variant that this machine can run, for tests that compare them.
    package static var all: [Kernels] { best.name == baseline.name ? [baseline] : [baseline, best] }
}
