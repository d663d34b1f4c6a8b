// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Configuration
import Downsampling
import FuzzSupport
import HTTP1
import HTTPTypes
import PyramidService
import Voxels

/// Input: the query of `POST /v1/pyramid`, and on lines below it the values of its fields (`fieldNames`).
///
/// Shows that it is read or refused in a sentence, that a query written from what was read is read as the same, and
/// that planning what it asks for, with no limits at all, keeps to its arithmetic.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzQuery(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var fields = HTTPFields()
    for (name, value) in zip(fieldNames, lines.dropFirst()) where !value.isEmpty {
        fields.append(HTTPField(name: name, value: value))
    }
    let query = lines.first ?? ""
    do throws(ServiceError) {
        let request = try PyramidRequest(
            query: try PyramidQuery(query),
            fields: fields,
            framing: .chunked,
            limits: Configuration.Limits()
        )
        do throws(ServiceError) {
            let again = try PyramidQuery(request.query.text)
            require(again == request.query, "\(request.query.text): \(again) instead of \(request.query)")
        } catch {
            require(false, "\(request.query.text): \(error)")
        }
        plan(request.query)
    } catch {
        require([400, 406, 413, 415].contains(error.status.code), "status \(error.status)")
        require(
            !error.detail.isEmpty && error.detail.utf8.count <= 8_192,
            "\(error.detail.utf8.count) bytes of detail"
        )
    }
    return 0
}

private let fieldNames: [HTTPField.Name] =
    [.accept, .acceptEncoding, .contentType, .contentEncoding] + [HTTPField.Name("Prefer")].compactMap(\.self)

private func plan(_ query: PyramidQuery) {
    guard let shape = query.shape, let type = query.type else { return }
    let spec = PyramidSpec(
        type: type,
        shape: shape,
        order: query.order ?? .fortran,
        method: query.method,
        precision: query.precision,
        factor: query.factor,
        mips: query.mips,
        sparse: query.sparse,
        levels: query.levels
    )
    guard let plan = try? PyramidPlan(spec) else { return }
    require((1...PyramidPlan.maxMips).contains(plan.levels.count), "\(plan.levels.count) levels")
    require(plan.inputByteCount == shape.byteCount(type), "\(plan.inputByteCount) bytes of input")
    var divided = shape
    for level in plan.levels {
        divided = divided.downsampled(by: query.factor)
        require(level.shape == divided && level.byteCount == divided.byteCount(type), "level \(level.mip)")
    }
    require(
        plan.slabCount >= 1 && plan.slabByteCount >= 1,
        "\(plan.slabCount) slabs of \(plan.slabByteCount)"
    )
    require(plan.slabRange(0).lowerBound == 0, "the first slab does not begin at 0")
    let last = plan.slabRange(plan.slabCount - 1)
    require(last.upperBound == plan.inputByteCount, "the last slab ends at \(last.upperBound)")
    require(last.count <= plan.slabByteCount, "the last slab has \(last.count) bytes")
    for slabs in [1, 8] {
        require(plan.price(slabsInFlight: slabs) >= plan.slabByteCount, "the price for \(slabs) slabs")
    }
}

extension PyramidQuery {
    /// A query that means the same.
    var text: String {
        var parts = [
            "method=\(method.rawValue)", "precision=\(precision.rawValue)", "sparse=\(sparse)",
            "factor=" + factor.entries.map(String.init).joined(separator: ","),
        ]
        switch mips {
        case .all: parts.append("mips=all")
        case .count(let count): parts.append("mips=\(count)")
        }
        if let shape { parts.append("shape=" + shape.sizes.map(String.init).joined(separator: ",")) }
        if let type { parts.append("dtype=\(type.rawValue)") }
        if let order { parts.append("order=\(order.rawValue)") }
        if let levels { parts.append("levels=\(levels.lowerBound)-\(levels.upperBound)") }
        if let format { parts.append("format=\(format.rawValue)") }
        return parts.joined(separator: "&")
    }
}
