// SPDX-License-Identifier: Apache-2.0
package import Voxels

/// How the levels of a pyramid are put into one body. Raw values are the API's `format`.
package enum AnswerFormat: String, CaseIterable, Sendable, Hashable {
    /// A zip of stored entries `mip1.npy`, `mip2.npy`, …
    case npz
    /// `.npy` arrays one after another.
    case npy
    /// `multipart/mixed`, a `.npy` a part.
    case multipart
    /// The levels' voxels one after another.
    case raw
}

/// One level of an answer.
package struct AnswerLevel: Sendable, Hashable {
    /// From 1.
    package let mip: Int
    package let type: VoxelType
    package let shape: Shape
    package let order: MemoryOrder

    package init(mip: Int, type: VoxelType, shape: Shape, order: MemoryOrder) {
        self.mip = mip
        self.type = type
        self.shape = shape
        self.order = order
    }

    /// Voxels alone.
    package var byteCount: Int { shape.byteCount(type) }
    package var fileName: String { "mip\(mip).npy" }
}

/// An answer as it is known before its first voxel: its type, its length, and what comes in which order.
///
///     let layout = try AnswerLayout(.npz, levels: levels)
///     var cursor = AnswerCursor(layout)
///     while let step = cursor.next() {
///         switch step {
///         case .bytes(let bytes): send(bytes)
///         case .level(let mip): send(voxels(mip))
///         case .checksum(let mip): cursor.provide(crc(voxels(mip)), mip: mip)
///         }
///     }
package struct AnswerLayout: Sendable {
    package let format: AnswerFormat
    package let levels: [AnswerLevel]
    /// Bytes of the whole body.
    package let byteCount: Int
    /// The value of `Content-Type`.
    package let contentType: String

    let headers: [[UInt8]]
    let zip: ZipLayout?
    let framing: MultipartFraming?

    /// - Parameters:
    ///   - format: How the levels are put together.
    ///   - levels: In the order in which they are sent.
    ///   - checksumsAfterLevels: Whether a level of an npz may be sent before its checksum is known. It costs
    ///     a data descriptor an entry, which few streaming readers of zip archives understand.
    ///   - framing: The boundary of a multipart body; by default a random one, which costs a call to the kernel.
    /// - Throws: ``LayoutError/tooLarge``.
    package init(
        _ format: AnswerFormat,
        levels: [AnswerLevel],
        checksumsAfterLevels: Bool = false,
        framing: @autoclosure () -> MultipartFraming = MultipartFraming()
    ) throws(LayoutError) {
        self.format = format
        self.levels = levels
        switch format {
        case .raw:
            headers = levels.map { _ in [] }
        case .npz, .npy, .multipart:
            headers = levels.map { NpyHeader.encoded(type: $0.type, shape: $0.shape, order: $0.order) }
        }
        var partByteCounts: [Int] = []
        for (level, header) in Swift.zip(levels, headers) {
            let (sum, overflow) = level.byteCount.addingReportingOverflow(header.count)
            guard !overflow else { throw .tooLarge }
            partByteCounts.append(sum)
        }

        switch format {
        case .npz:
            let entries = Swift.zip(levels, partByteCounts).map { level, byteCount in
                ZipLayout.Entry(name: level.fileName, byteCount: byteCount)
            }
            let zip = try ZipLayout(entries: entries, dataDescriptors: checksumsAfterLevels)
            self.zip = zip
            self.framing = nil
            byteCount = zip.byteCount
            contentType = "application/zip"
        case .multipart:
            let framing = framing()
            zip = nil
            self.framing = framing
            var total = framing.end.count
            for (index, partByteCount) in partByteCounts.enumerated() {
                let header = framing.partHeader(level: levels[index], isFirst: index == 0, partByteCount)
                try total.add(header.count)
                try total.add(partByteCount)
            }
            byteCount = total
            contentType = framing.contentType
        case .npy, .raw:
            zip = nil
            self.framing = nil
            var total = 0
            for partByteCount in partByteCounts { try total.add(partByteCount) }
            byteCount = total
            contentType = format == .npy ? "application/x-npy" : "application/octet-stream"
        }
    }
}

extension MultipartFraming {
    func partHeader(level: AnswerLevel, isFirst: Bool, _ byteCount: Int) -> [UInt8] {
        partHeader(
            isFirst: isFirst,
            fileName: level.fileName,
            contentType: "application/x-npy",
            byteCount: byteCount
        )
    }
}

extension Int {
    fileprivate mutating func add(_ term: Int) throws(LayoutError) {
        let (sum, overflow) = addingReportingOverflow(term)
        guard !overflow else { throw .tooLarge }
        self = sum
    }
}
