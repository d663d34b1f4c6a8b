// SPDX-License-Identifier: Apache-2.0
import Configuration
import Downsampling
import Volumes
import Voxels

/// The query of `PUT /v1/volumes/{name}`: that of `POST /v1/pyramid`, and what makes an array a volume.
///
/// Beside `POST`, `precision` is exact and `mips` is all unless it says otherwise, and `factor` may be `auto`.
struct UploadQuery: Equatable, Sendable {
    /// What describes the array, and how it is reduced.
    var pyramid: PyramidQuery
    var factor: FactorRule
    var mips = MipsRule.all
    /// `nil`: by the type and the method.
    var kind: VolumeKind?
    /// Nanometres a voxel.
    var voxelSize = VoxelSize(1, 1, 1)
    var voxelOffset = Extent3(repeating: 0)
    var chunkExtent = Extent3(repeating: 64)
    /// `nil`: by the kind.
    var encoding: ChunkEncoding?
    /// Whether `method` was given.
    private var hasMethod = false

    private static let own = [
        "kind", "resolution", "voxel_offset", "chunk_size", "encoding", "factor", "mips", "precision",
    ]
    private static let absent = ["levels", "format"]

    static let names = PyramidQuery.names.filter { !absent.contains($0) && !own.contains($0) } + own

    /// - Throws: As ``PyramidQuery/init(_:voxelLimit:)``.
    init(_ raw: String?, voxelLimit: Int? = nil) throws(ServiceError) {
        let parameters = try QueryString(raw).parameters
        let rest = parameters.filter { !Self.own.contains($0.name) }
        if let other = rest.first(where: { Self.absent.contains($0.name) || !Self.isKnown($0.name) }) {
            throw .parameter(
                shortened(other.name),
                "there is none of this name here; allowed: \(Self.names.joined(separator: ", "))."
            )
        }
        pyramid = try PyramidQuery(parameters: rest, voxelLimit: voxelLimit)
        pyramid.precision = .exact
        factor = .fixed(Extent3(2, 2, 1))
        hasMethod = rest.contains { $0.name == "method" }
        for (name, value) in parameters where Self.own.contains(name) { try store(name, value) }
    }

    /// What the array is, and how its voxels are reduced, once its type is known.
    func resolved(_ type: VoxelType) -> (kind: VolumeKind, method: Method) {
        let isLabels = hasMethod ? pyramid.method == .mode : type == .uint32 || type == .uint64
        let kind = kind ?? (isLabels ? .segmentation : .image)
        return (kind, hasMethod ? pyramid.method : LevelRules.usualMethod(kind))
    }

    private static func isKnown(_ name: String) -> Bool { PyramidQuery.names.contains(name) }

    private mutating func store(_ name: String, _ value: String) throws(ServiceError) {
        switch name {
        case "kind": kind = try Self.choice(value, name)
        case "precision": pyramid.precision = try Self.choice(value, name)
        case "resolution":
            guard let entries = numbers(in: value, { Double($0) }), entries.count == 3,
                entries.allSatisfy({ $0.isFinite && $0 > 0 })
            else {
                throw Self.refused(value, name, "three numbers above 0, in nanometres, as 8,8,40")
            }
            voxelSize = VoxelSize(entries[0], entries[1], entries[2])
        case "voxel_offset":
            guard let entries = numbers(in: value, Self.integer), entries.count == 3,
                entries.allSatisfy({ $0.magnitude < 1 << 40 })
            else {
                throw Self.refused(value, name, "three whole numbers, as 0,0,-64")
            }
            voxelOffset = Extent3(entries[0], entries[1], entries[2])
        case "chunk_size":
            guard let entries = numbers(in: value, WholeNumber.parse), entries.count == 3,
                entries.allSatisfy({ (1...4096).contains($0) }),
                entries.reduce(1, *) <= 1 << 27
            else {
                throw Self.refused(
                    value,
                    name,
                    "three whole numbers, 1 to 4096, of 2^27 voxels at most, as 64,64,64"
                )
            }
            chunkExtent = Extent3(entries[0], entries[1], entries[2])
        case "encoding":
            let allowed = ChunkEncoding.allCases.filter(\.isReadable)
            guard let encoding = allowed.first(where: { $0.rawValue == value }) else {
                throw Self.refused(value, name, allowed.map(\.rawValue).joined(separator: ", "))
            }
            self.encoding = encoding
        case "factor": factor = try Self.factor(value, name)
        default:
            // `mips`, the last of `own`.
            if value == "all" { return mips = .all }
            guard let count = WholeNumber.parse(value[...]), (0...32).contains(count) else {
                throw Self.refused(value, name, "0 to 32, or all")
            }
            mips = .count(count)
        }
    }

    private static func factor(_ text: String, _ name: String) throws(ServiceError) -> FactorRule {
        if text == "auto" { return .auto }
        guard let entries = numbers(in: text, WholeNumber.parse), (1...5).contains(entries.count),
            entries.allSatisfy({ (1...64).contains($0) }),
            entries.dropFirst(3).allSatisfy({ $0 == 1 }), entries.contains(where: { $0 > 1 })
        else {
            throw refused(text, name, "auto, or 1 to 3 whole numbers from 1 to 64 and not all 1, as 2,2,1")
        }
        let axes = entries.prefix(3) + Array(repeating: 1, count: max(0, 3 - entries.count))
        return .fixed(Extent3(axes[0], axes[1], axes[2]))
    }

    private static func choice<Value>(_ text: String, _ name: String) throws(ServiceError) -> Value
    where Value: RawRepresentable<String> & CaseIterable {
        guard let value = Value(rawValue: text) else {
            throw refused(text, name, Value.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return value
    }

    private static func integer(_ text: Substring) -> Int? {
        let isNegative = text.hasPrefix("-")
        return WholeNumber.parse(isNegative ? text.dropFirst() : text).map { isNegative ? -$0 : $0 }
    }

    private static func refused(_ text: String, _ name: String, _ allowed: String) -> ServiceError {
        .parameter(name, "it cannot be \(shortened(text)); allowed: \(allowed).")
    }
}
