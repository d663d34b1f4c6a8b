// SPDX-License-Identifier: Apache-2.0
package import ChunkCodecs
import Configuration
package import Downsampling
package import Voxels

/// The query of `POST /v1/pyramid`, each parameter with its type and default.
package struct PyramidQuery: Equatable, Sendable {
    package var method = Method.average
    package var precision = Precision.compat
    package var factor: Factor
    package var mips = MipCount.count(1)
    package var sparse = false
    package var shape: Shape?
    package var type: VoxelType?
    /// `nil`: not said, which is `F` for a raw body.
    package var order: MemoryOrder?
    package var levels: ClosedRange<Int>?
    package var format: AnswerFormat?

    /// What the answer is negotiated by, for `Vary`: a format that is named here leaves its coding alone.
    var vary: String { format == nil ? AnswerCoding.varyBesideFormat : AnswerCoding.vary }

    static let names = [
        "method", "precision", "factor", "mips", "sparse", "shape", "dtype", "order", "levels", "format",
    ]

    /// `voxelLimit` is what to say of a shape that is more than any array has; `nil`: it is a parameter outside its set.
    /// - Throws: ``ServiceError/parameter(_:_:)`` naming the first parameter that is unknown, repeated, empty, or
    ///   outside its set; ``ServiceError/overLimit(limit:_:)``.
    package init(_ rawQuery: String?, voxelLimit: Int? = nil) throws(ServiceError) {
        try self.init(parameters: QueryString(rawQuery).parameters, voxelLimit: voxelLimit)
    }

    /// The same from parameters that are taken apart already; each name stands there at most once.
    package init(
        parameters: [(name: String, value: String)],
        voxelLimit: Int? = nil
    ) throws(ServiceError) {
        factor = try Self.factor("2,2,1", "factor")
        for (name, value) in parameters {
            switch name {
            case "method": method = try Self.choice(value, name)
            case "precision": precision = try Self.choice(value, name)
            case "factor": factor = try Self.factor(value, name)
            case "mips": mips = try Self.mips(value, name)
            case "sparse": sparse = try Self.flag(value, name)
            case "shape": shape = try Self.shape(value, name, voxelLimit)
            case "dtype": type = try Self.type(value, name)
            case "order": order = try Self.choice(value, name)
            case "levels": levels = try Self.levels(value, name)
            case "format": format = try Self.choice(value, name)
            default:
                throw .parameter(
                    shortened(name),
                    "there is none of this name; allowed: \(Self.names.joined(separator: ", "))."
                )
            }
        }
    }

    private static func choice<Value>(_ text: String, _ name: String) throws(ServiceError) -> Value
    where Value: RawRepresentable<String> & CaseIterable {
        guard let value = Value(rawValue: text) else {
            throw refused(text, name, Value.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return value
    }

    private static func flag(_ text: String, _ name: String) throws(ServiceError) -> Bool {
        switch text {
        case "true": return true
        case "false": return false
        default: throw refused(text, name, "true, false")
        }
    }

    private static func type(_ text: String, _ name: String) throws(ServiceError) -> VoxelType {
        let allowed = VoxelType.allCases.filter { $0 != .bool }
        guard let type = allowed.first(where: { $0.rawValue == text }) else {
            throw refused(text, name, allowed.map(\.rawValue).joined(separator: ", "))
        }
        return type
    }

    private static func factor(_ text: String, _ name: String) throws(ServiceError) -> Factor {
        guard let entries = wholeNumbers(text), let factor = try? Factor(entries) else {
            throw refused(text, name, "1 to 5 whole numbers from 1 to \(Int.max), as 2,2,1")
        }
        return factor
    }

    private static func shape(
        _ text: String,
        _ name: String,
        _ voxelLimit: Int?
    ) throws(ServiceError) -> Shape {
        let allowed =
            "1 to 5 whole numbers from 1 to \(Int.max), as 512,512,100, in the order x,y,z,channel,time"
        guard let sizes = wholeNumbers(text), sizes.allSatisfy({ $0 > 0 }) else {
            throw refused(text, name, allowed)
        }
        do {
            return try Shape(sizes)
        } catch .tooLarge(let count) {
            if let voxelLimit { throw .tooManyVoxels(count, limit: voxelLimit) }
            throw .parameter(name, "\(shortened(text)) is 2^52 voxels or more; allowed: less.")
        } catch {
            throw refused(text, name, allowed)
        }
    }

    private static func mips(_ text: String, _ name: String) throws(ServiceError) -> MipCount {
        if text == "all" { return .all }
        guard let count = WholeNumber.parse(text[...]), (1...PyramidPlan.maxMips).contains(count) else {
            throw refused(text, name, "1 to \(PyramidPlan.maxMips), or all")
        }
        return .count(count)
    }

    private static func levels(_ text: String, _ name: String) throws(ServiceError) -> ClosedRange<Int> {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map(WholeNumber.parse)
        let known = ends.compactMap { $0 }
        guard known.count == ends.count, (1...2).contains(known.count), let first = known.first,
            let last = known.last, (1...PyramidPlan.maxMips).contains(first), first <= last,
            last <= PyramidPlan.maxMips
        else { throw refused(text, name, "a mip as 3, or a range as 2-5, from 1 to \(PyramidPlan.maxMips)") }
        return first...last
    }

    private static func wholeNumbers(_ text: String) -> [Int]? {
        numbers(in: text, WholeNumber.parse).flatMap { $0.count <= Shape.maxAxes ? $0 : nil }
    }

    private static func refused(_ text: String, _ name: String, _ allowed: String) -> ServiceError {
        .parameter(name, "it cannot be \(shortened(text)); allowed: \(allowed).")
    }
}
