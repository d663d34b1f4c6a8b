// SPDX-License-Identifier: Apache-2.0
import Downsampling
import Foundation
import Voxels

/// The test vectors of the normative semantics: `Tests/Data/vectors.tar.xz`, unpacked by `make vectors`.
struct Vectors {
    struct Case: Decodable {
        let id: String
        let op: String
        let mode: String?
        let factor: [Int]
        let mips: Int
        let sparse: Bool
        let dtype: String
        let shape: [Int]
        let input: String
        let outputs: [String]
        let outputShapes: [[Int]]

        enum CodingKeys: String, CodingKey {
            case id, op, mode, factor, sparse, dtype, shape, input, outputs
            case mips = "num_mips"
            case outputShapes = "output_shapes"
        }

        func spec(order: MemoryOrder) throws -> PyramidSpec {
            let methods: [String: Downsampling.Method] = [
                "average": .average, "segment": .mode, "median": .median, "max": .max, "min": .min,
                "stride": .stride,
            ]
            guard let method = methods[op], let type = VoxelType(rawValue: dtype),
                let precision = Precision(rawValue: mode ?? "compat")
            else { throw VectorError.unknown(op, dtype) }
            return PyramidSpec(
                type: type,
                shape: try Shape(shape),
                order: order,
                method: method,
                precision: precision,
                factor: try Factor(factor),
                mips: .count(mips),
                sparse: sparse
            )
        }
    }

    struct Manifest: Decodable {
        let cases: [Case]
    }

    enum VectorError: Error {
        case unknown(String, String)
        case notFortran(String)
    }

    static let folder: URL = {
        if let path = ProcessInfo.processInfo.environment["PYRAMIDION_VECTORS"] {
            return URL(fileURLWithPath: path)
        }
        return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Data/vectors")
    }()

    static func load() throws -> [Case] {
        let data = try Data(contentsOf: folder.appendingPathComponent("manifest.json"))
        return try JSONDecoder().decode(Manifest.self, from: data).cases
    }

    /// The voxels of a vector's array, x fastest.
    static func voxels(_ name: String, byteCount: Int) throws -> [UInt8] {
        let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
        let header = Int(bytes[8]) | Int(bytes[9]) << 8
        let body = Array(bytes[(10 + header)...])
        guard body.count == byteCount else { throw VectorError.notFortran(name) }
        return body
    }
}
