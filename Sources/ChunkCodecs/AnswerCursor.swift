// SPDX-License-Identifier: Apache-2.0

/// What comes next in an answer.
package enum AnswerStep: Equatable, Sendable {
    /// Bytes to send as they are.
    case bytes([UInt8])
    /// The voxels of this mip are to be sent.
    case level(mip: Int)
    /// The CRC-32 of this mip's voxels is to be given to ``AnswerCursor/provide(_:mip:)`` before the next
    /// step. Comes in npz answers alone: before the level, or behind it if the layout says so.
    case checksum(mip: Int)
}

/// Walks through an answer in the order in which it is sent.
///
/// A value: a copy begins where the original stands.
package struct AnswerCursor: Sendable {
    private enum Position {
        case beforeLevel(Int)
        case awaitingChecksum(Int)
        case level(Int)
        case behindLevel(Int)
        case end
    }

    package let layout: AnswerLayout
    private var position: Position
    /// Checksums of whole zip entries, in order.
    private var crcs: [UInt32] = []

    package init(_ layout: AnswerLayout) {
        self.layout = layout
        position = .beforeLevel(0)
        if layout.zip != nil { crcs.reserveCapacity(layout.levels.count) }
    }

    /// Returns the next step, or nil behind the last one.
    package mutating func next() -> AnswerStep? {
        while true {
            switch position {
            case .beforeLevel(let index):
                guard index < layout.levels.count else {
                    position = .end
                    return footer.map { .bytes($0) }
                }
                if let zip = layout.zip, !zip.hasDataDescriptors {
                    if crcs.count == index { return ask(index) }
                }
                position = .level(index)
                let bytes = header(index)
                if !bytes.isEmpty { return .bytes(bytes) }
            case .awaitingChecksum(let index):
                preconditionFailure("the checksum of mip \(layout.levels[index].mip) is due")
            case .level(let index):
                position = .behindLevel(index)
                return .level(mip: layout.levels[index].mip)
            case .behindLevel(let index):
                if let zip = layout.zip, zip.hasDataDescriptors {
                    if crcs.count == index { return ask(index) }
                    position = .beforeLevel(index + 1)
                    return .bytes(zip.dataDescriptor(index, crc: crcs[index]))
                }
                position = .beforeLevel(index + 1)
            case .end:
                return nil
            }
        }
    }

    /// Gives the CRC-32 of the voxels of `mip`, which the last step asked for.
    package mutating func provide(_ voxelsCRC: UInt32, mip: Int) {
        guard case .awaitingChecksum(let index) = position, let zip = layout.zip else {
            preconditionFailure("no checksum is due")
        }
        let level = layout.levels[index]
        precondition(level.mip == mip, "the checksum of another mip is due")
        crcs.append(
            CRC32.combine(CRC32.update(0, layout.headers[index]), voxelsCRC, lengthB: level.byteCount)
        )
        position = zip.hasDataDescriptors ? .behindLevel(index) : .beforeLevel(index)
    }

    private mutating func ask(_ index: Int) -> AnswerStep {
        position = .awaitingChecksum(index)
        return .checksum(mip: layout.levels[index].mip)
    }

    private func header(_ index: Int) -> [UInt8] {
        let npy = layout.headers[index]
        if let zip = layout.zip {
            return zip.localHeader(index, crc: zip.hasDataDescriptors ? 0 : crcs[index]) + npy
        }
        if let framing = layout.framing {
            let level = layout.levels[index]
            return framing.partHeader(level: level, isFirst: index == 0, npy.count + level.byteCount) + npy
        }
        return npy
    }

    private var footer: [UInt8]? { layout.zip?.centralDirectory(crcs: crcs) ?? layout.framing?.end }
}
