// SPDX-License-Identifier: Apache-2.0
internal import RowKernels

#if ROW_KERNELS_V3
    internal import RowKernelsV3
#endif

extension Kernels {
    /// Runs on every machine of the architecture.
    package static let baseline = Kernels(
        name: baselineName,
        touch: RowKernels.touch(_:count:),
        sumRows: RowKernels.sumRows,
        countRows: RowKernels.countRows,
        renderRow: RowKernels.renderRow,
        renderSparseRow: RowKernels.renderSparseRow,
        averagePairs: RowKernels.averagePairs,
        averageSparsePairs: RowKernels.averageSparsePairs,
        sumFloats: RowKernels.sumFloats,
        countFloats: RowKernels.countFloats,
        sumFloatColumns: RowKernels.sumFloatColumns,
        averageFloatPairs: RowKernels.averageFloatPairs,
        scaleFloats: RowKernels.scaleFloats,
        renderFloats: RowKernels.renderFloats,
        renderFloatsNarrow: RowKernels.renderFloatsNarrow,
        renderSparseFloats: RowKernels.renderSparseFloats,
        areFinite: RowKernels.areFinite,
        modePlane: RowKernels.modePlane,
        modePlaneSparse: RowKernels.modePlaneSparse,
        modeFirst: RowKernels.modeFirst,
        modeCountless8: RowKernels.modeCountless8,
        modeLine: RowKernels.modeLine,
        modeBox: RowKernels.modeBox,
        extreme: RowKernels.extreme,
        median: RowKernels.median,
        strided: RowKernels.strided
    )

    static func modeBoxScratchByteCount(width: Int, boxVoxelCount: Int) -> Int {
        RowKernels.modeBoxScratchByteCount(width: width, boxVoxelCount: boxVoxelCount)
    }

    static func medianScratchByteCount(width: Int, boxVoxelCount: Int) -> Int {
        RowKernels.medianScratchByteCount(width: width, boxVoxelCount: boxVoxelCount)
    }

    private static var baselineName: String {
        #if arch(x86_64)
            "x86-64"
        #elseif arch(arm64)
            "arm64"
        #else
            "generic"
        #endif
    }

    #if ROW_KERNELS_V3
        /// AVX2 machines.
        static let v3 = Kernels(
            name: "x86-64-v3",
            touch: RowKernelsV3.touch(_:count:),
            sumRows: RowKernelsV3.sumRows,
            countRows: RowKernelsV3.countRows,
            renderRow: RowKernelsV3.renderRow,
            renderSparseRow: RowKernelsV3.renderSparseRow,
            averagePairs: RowKernelsV3.averagePairs,
            averageSparsePairs: RowKernelsV3.averageSparsePairs,
            sumFloats: RowKernelsV3.sumFloats,
            countFloats: RowKernelsV3.countFloats,
            sumFloatColumns: RowKernelsV3.sumFloatColumns,
            averageFloatPairs: RowKernelsV3.averageFloatPairs,
            scaleFloats: RowKernelsV3.scaleFloats,
            renderFloats: RowKernelsV3.renderFloats,
            renderFloatsNarrow: RowKernelsV3.renderFloatsNarrow,
            renderSparseFloats: RowKernelsV3.renderSparseFloats,
            areFinite: RowKernelsV3.areFinite,
            modePlane: RowKernelsV3.modePlane,
            modePlaneSparse: RowKernelsV3.modePlaneSparse,
            modeFirst: RowKernelsV3.modeFirst,
            modeCountless8: RowKernelsV3.modeCountless8,
            modeLine: RowKernelsV3.modeLine,
            modeBox: RowKernelsV3.modeBox,
            extreme: RowKernelsV3.extreme,
            median: RowKernelsV3.median,
            strided: RowKernelsV3.strided
        )
    #endif
}
