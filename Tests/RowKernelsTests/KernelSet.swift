// SPDX-License-Identifier: Apache-2.0
import CHost
import RowKernels
import Testing

#if canImport(RowKernelsV3)
    import RowKernelsV3
#endif

/// The label, extreme, median and stride kernels of one instruction set.
struct KernelSet: Sendable, CustomTestStringConvertible {
    typealias Raw = UnsafeRawPointer
    typealias Rows = UnsafePointer<UnsafeRawPointer>
    typealias Output = UnsafeMutableRawPointer

    let testDescription: String
    let modePlane: @Sendable (Int, Rows, Int, Int, Int, Int, Int, UInt, UInt, Output) -> Void
    let modePlaneSparse: @Sendable (Int, Rows, Bool, Int, Int, Int, Int, Int, UInt, UInt, Output) -> Void
    let modeFirst: @Sendable (Int, Rows, Int, Int, Int, Bool, UInt, UInt, Output) -> Void
    let modeCountless8: @Sendable (Int, Rows, Int, Int, UInt, UInt, Output) -> Void
    let modeLine: @Sendable (Int, Raw, Raw, Int, Int, Bool, Output) -> Void
    let modeBoxScratchByteCount: @Sendable (Int, Int) -> Int
    let modeBox: @Sendable (Int, Rows, UnsafePointer<Int>, Int, Int, Int, Int, Bool, Output, Output) -> Void
    let extreme: @Sendable (UInt8, Bool, Rows, Int, Int, Int, Output) -> Void
    let medianScratchByteCount: @Sendable (Int, Int) -> Int
    let median: @Sendable (UInt8, Bool, Rows, Int, Int, Int, Output, Output) -> Void
    let strided: @Sendable (Int, Raw, Int, Int, Output) -> Void

    static let baseline = KernelSet(
        testDescription: "baseline",
        modePlane: RowKernels.modePlane,
        modePlaneSparse: RowKernels.modePlaneSparse,
        modeFirst: RowKernels.modeFirst,
        modeCountless8: RowKernels.modeCountless8,
        modeLine: RowKernels.modeLine,
        modeBoxScratchByteCount: RowKernels.modeBoxScratchByteCount,
        modeBox: RowKernels.modeBox,
        extreme: RowKernels.extreme,
        medianScratchByteCount: RowKernels.medianScratchByteCount,
        median: RowKernels.median,
        strided: RowKernels.strided
    )

    #if canImport(RowKernelsV3)
        static let v3 = KernelSet(
            testDescription: "x86-64-v3",
            modePlane: RowKernelsV3.modePlane,
            modePlaneSparse: RowKernelsV3.modePlaneSparse,
            modeFirst: RowKernelsV3.modeFirst,
            modeCountless8: RowKernelsV3.modeCountless8,
            modeLine: RowKernelsV3.modeLine,
            modeBoxScratchByteCount: RowKernelsV3.modeBoxScratchByteCount,
            modeBox: RowKernelsV3.modeBox,
            extreme: RowKernelsV3.extreme,
            medianScratchByteCount: RowKernelsV3.medianScratchByteCount,
            median: RowKernelsV3.median,
            strided: RowKernelsV3.strided
        )
        static let all = chost_x86_level() >= 3 ? [baseline, v3] : [baseline]
    #else
        static let all = [baseline]
    #endif
}

/// A small generator with a seed, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Calls `body` with pointers to places of `voxels`, and returns the `count` voxels that it wrote.
///
/// The voxel behind the output must keep its value.
func output<T: Equatable>(
    of voxels: [T],
    at places: [Int],
    count: Int,
    sentinel: T,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (UnsafePointer<UnsafeRawPointer>, UnsafeMutableRawPointer) -> Void
) -> [T] {
    var result = [T](repeating: sentinel, count: count + 1)
    voxels.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        let pointers = places.map { base + $0 * MemoryLayout<T>.stride }
        pointers.withUnsafeBufferPointer { rows in
            result.withUnsafeMutableBytes { target in
                guard let first = rows.baseAddress, let out = target.baseAddress else { return }
                body(first, out)
            }
        }
    }
    #expect(result[count] == sentinel, "wrote past the end", sourceLocation: sourceLocation)
    result.removeLast()
    return result
}

/// Scratch memory for the length of `body`.
func withScratch<R>(byteCount: Int, _ body: (UnsafeMutableRawPointer) -> R) -> R {
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
    defer { scratch.deallocate() }
    return body(scratch)
}
