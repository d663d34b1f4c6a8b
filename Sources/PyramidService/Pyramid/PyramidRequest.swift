// SPDX-License-Identifier: Apache-2.0
package import ChunkCodecs
package import Configuration
package import Downsampling
package import HTTP1
package import HTTPTypes
package import Voxels

/// Everything that the head of a `POST /v1/pyramid` says, checked against the limits.
package struct PyramidRequest: Sendable {
    package let query: PyramidQuery
    package let kind: BodyKind
    package let contentCoding: ContentCoding
    package let format: AnswerFormat
    package let isGzipped: Bool
    package let respondsEarly: Bool
    private let limits: Configuration.Limits

    /// - Throws: ``ServiceError`` for whatever the head already condemns, before a byte of the body is asked for.
    package init(
        query: PyramidQuery,
        fields: HTTPFields,
        framing: BodyFraming,
        limits: Configuration.Limits
    ) throws(ServiceError) {
        let format = if let format = query.format { format } else { try AnswerFormat.negotiated(fields) }
        try self.init(
            query,
            format: format,
            isGzipped: try AnswerCoding.negotiated(fields, vary: query.vary) == .gzip,
            respondsEarly: prefersRespondEarly(fields),
            body: fields,
            framing,
            limits
        )
    }

    /// An array that is not answered by its pyramid: an upload.
    /// - Throws: ``ServiceError`` for whatever the head condemns.
    package init(
        upload query: PyramidQuery,
        fields: HTTPFields,
        framing: BodyFraming,
        limits: Configuration.Limits
    ) throws(ServiceError) {
        try self.init(
            query,
            format: .raw,
            isGzipped: false,
            respondsEarly: false,
            body: fields,
            framing,
            limits
        )
    }

    private init(
        _ query: PyramidQuery,
        format: AnswerFormat,
        isGzipped: Bool,
        respondsEarly: Bool,
        body fields: HTTPFields,
        _ framing: BodyFraming,
        _ limits: Configuration.Limits
    ) throws(ServiceError) {
        self.limits = limits
        self.query = query
        self.format = format
        self.isGzipped = isGzipped
        self.respondsEarly = respondsEarly
        kind = try BodyKind(fields)
        contentCoding = try ContentCoding(fields)
        if case .length(let count) = framing, count > limits.bodyBytes {
            throw .overLimit(
                limit: "limits.body_bytes",
                "The body has \(count) bytes, and \(limits.bodyBytes) are allowed."
            )
        }
        if case .none = framing {
            throw .body("There is no body; send the array, with Content-Length or chunked.")
        }
    }

    /// A request that came without HTTP, and has no limits.
    package init(_ query: PyramidQuery, kind: BodyKind, format: AnswerFormat) {
        var limits = Configuration.Limits()
        limits.voxels = .max
        limits.inflatedBytes = .max
        self.limits = limits
        self.query = query
        self.format = format
        self.kind = kind
        contentCoding = .identity
        isGzipped = false
        respondsEarly = false
    }

    /// Returns what to make of a raw body.
    /// - Throws: ``ServiceError`` when the query does not describe one, or the body has another length:
    ///   `byteCount`, where that is known beforehand.
    package func rawSpec(byteCount: Int?) throws(ServiceError) -> PyramidSpec {
        guard let shape = query.shape else {
            throw .parameter("shape", "a raw body needs it; add shape=x,y,z, or send application/x-npy.")
        }
        guard let type = query.type else {
            throw .parameter("dtype", "a raw body needs it; add dtype=uint8, or send application/x-npy.")
        }
        let spec = try checked(spec(type, shape, query.order ?? .fortran))
        let expected = shape.byteCount(type)
        if contentCoding == .identity, let count = byteCount, count != expected {
            throw .shortBody(expected: expected, received: count)
        }
        return spec
    }

    /// Takes the `.npy` header off the front of a source.
    /// - Throws: ``ServiceError`` for more voxels than any array has, else as ``NpyPrefix/read(from:)``.
    package func npyHeader(
        _ source: any ByteSource
    ) async throws -> (header: NpyHeader, rest: any ByteSource) {
        do {
            return try await NpyPrefix.read(from: source)
        } catch NpyError.badShape(.tooLarge(let count)) {
            throw ServiceError.tooManyVoxels(count, limit: limits.voxels)
        }
    }

    /// Returns what to make of the array behind `header`.
    /// - Throws: ``ServiceError`` when the query contradicts it, or the body has another length:
    ///   `byteCount`, where that is known beforehand.
    package func npySpec(_ header: NpyHeader, byteCount: Int?) throws(ServiceError) -> PyramidSpec {
        if let shape = query.shape, shape != header.shape {
            throw .parameter(
                "shape",
                "it contradicts the .npy header, which says \(Self.text(header.shape)); leave it out."
            )
        }
        if let type = query.type, type != header.type {
            throw .parameter(
                "dtype",
                "it contradicts the .npy header, which says \(header.type.rawValue); leave it out."
            )
        }
        // An array of one axis is in both orders.
        if let order = query.order, order != header.order, header.shape.axisCount > 1 {
            throw .parameter(
                "order",
                "it contradicts the .npy header, which says \(header.order.rawValue); leave it out."
            )
        }
        guard header.shape.voxelCount > 0 else {
            throw .body("The .npy array has no voxels: its shape is \(Self.text(header.shape)).")
        }
        let spec = try checked(spec(header.type, header.shape, header.order))
        let expected = header.headerByteCount + header.voxelByteCount
        if contentCoding == .identity, let count = byteCount, count != expected {
            throw .body(
                "The body has \(count) bytes; its .npy header of \(header.headerByteCount) bytes and the array of "
                    + "\(header.voxelByteCount) bytes that it describes make \(expected)."
            )
        }
        return spec
    }

    /// Returns the plan, within the limit on mips.
    package func plan(_ spec: PyramidSpec) throws -> PyramidPlan {
        let plan = try PyramidPlan(spec)
        guard plan.levels.count <= limits.mips else {
            throw ServiceError.overLimit(
                limit: "limits.mips",
                "The pyramid has \(plan.levels.count) mips, and \(limits.mips) are allowed; ask for fewer."
            )
        }
        return plan
    }

    private func spec(_ type: VoxelType, _ shape: Shape, _ order: MemoryOrder) -> PyramidSpec {
        PyramidSpec(
            type: type,
            shape: shape,
            order: order,
            method: query.method,
            precision: query.precision,
            factor: query.factor,
            mips: query.mips,
            sparse: query.sparse,
            levels: query.levels
        )
    }

    private func checked(_ spec: PyramidSpec) throws(ServiceError) -> PyramidSpec {
        guard spec.shape.voxelCount <= limits.voxels else {
            throw .tooManyVoxels(spec.shape.voxelCount, limit: limits.voxels)
        }
        let bytes = spec.shape.byteCount(spec.type)
        guard bytes <= limits.inflatedBytes else {
            throw .overLimit(
                limit: "limits.inflated_bytes",
                "The array has \(bytes) bytes, and \(limits.inflatedBytes) are allowed; send a part of it."
            )
        }
        return spec
    }

    private static func text(_ shape: Shape) -> String { shape.sizes.map(String.init).joined(separator: ",") }
}
