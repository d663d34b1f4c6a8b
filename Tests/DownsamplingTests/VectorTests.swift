// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Testing
import Voxels

/// How a vector is run: none of it may change a bit.
struct Variation: CustomTestStringConvertible, Sendable {
    let order: MemoryOrder
    let slabByteCount: Int
    let slabsInFlight: Int
    let usesBaseline: Bool

    var testDescription: String {
        "\(order.rawValue) order, slabs of \(slabByteCount), \(slabsInFlight) in flight"
            + (usesBaseline ? ", baseline kernels" : "")
    }

    static let all = [
        Variation(order: .fortran, slabByteCount: 1 << 20, slabsInFlight: 1, usesBaseline: false),
        Variation(order: .fortran, slabByteCount: 1 << 20, slabsInFlight: 1, usesBaseline: true),
        Variation(order: .fortran, slabByteCount: 1, slabsInFlight: 3, usesBaseline: false),
        Variation(order: .fortran, slabByteCount: 300, slabsInFlight: 2, usesBaseline: true),
        Variation(order: .c, slabByteCount: 1 << 20, slabsInFlight: 1, usesBaseline: false),
        Variation(order: .c, slabByteCount: 1, slabsInFlight: 4, usesBaseline: true),
        Variation(order: .c, slabByteCount: 500, slabsInFlight: 1, usesBaseline: false),
    ]
}

@Suite("The test vectors, bit for bit")
struct VectorTests {
    @Test("Every vector comes out bit for bit", arguments: Variation.all)
    func vectors(_ variation: Variation) throws {
        let cases = try Vectors.load()
        #expect(cases.count > 1_000)
        var failures: [String] = []
        var run = 0
        for vector in cases where vector.mips > 0 {
            run += 1
            let spec = try vector.spec(order: variation.order)
            let width = spec.type.byteWidth
            var input = try Vectors.voxels(vector.input, byteCount: spec.shape.byteCount(spec.type))
            if variation.order == .c {
                input = TestPyramid.reordered(input, vector.shape, width: width, to: .c)
            }
            let made = try TestPyramid.make(
                spec,
                input,
                slabByteCount: variation.slabByteCount,
                slabsInFlight: variation.slabsInFlight,
                kernels: variation.usesBaseline ? .baseline : .best
            )
            #expect(made.count == vector.outputs.count)
            for (mip, name) in vector.outputs.enumerated() {
                let sizes = vector.outputShapes[mip]
                let level =
                    variation.order == .c
                    ? TestPyramid.reordered(made[mip], sizes, width: width, to: .fortran) : made[mip]
                let expected = try Vectors.voxels(name, byteCount: sizes.reduce(width, *))
                if let voxel = TestPyramid.difference(level, expected, spec.type) {
                    failures.append(
                        "\(vector.id) \(vector.op) \(vector.mode ?? "") \(vector.dtype) \(vector.shape) "
                            + "factor \(vector.factor) sparse \(vector.sparse): mip \(mip + 1), voxel \(voxel)"
                    )
                    break
                }
            }
        }
        let report = failures.prefix(40).joined(separator: "\n")
        #expect(failures.isEmpty, "\(failures.count) of \(run) differ:\n\(report)")
    }
}
