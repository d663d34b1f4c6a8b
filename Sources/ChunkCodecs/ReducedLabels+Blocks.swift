// SPDX-License-Identifier: Apache-2.0
internal import Voxels

extension ReducedLabels {
    /// Puts the distinct labels of a block into `values`, ascending, and returns how many there are.
    ///
    /// The indices of a row are the bytes of one number of `rows`, the first voxel's the lowest; without meaning where
    /// there is one label. If there are more labels than `limit`, for which `values` has room, 0 is returned and nothing
    /// is known.
    func gather<Label: FixedWidthInteger>(
        _ block: BlockPosition,
        into values: UnsafeMutablePointer<Label>,
        limit: Int,
        rows: UnsafeMutablePointer<UInt64>
    ) -> Int {
        var found = 0
        let isFew = eachPiece(of: block) { place, _ in
            switch pieces[place] {
            case .uniform(let label):
                return Self.insert(label, into: values, limit, &found)
            case .mixed(let number):
                let mixture = mixtures[number]
                for index in mixture.firstLabel..<mixture.firstLabel + mixture.labelCount {
                    guard Self.insert(labels[index], into: values, limit, &found) else { return false }
                }
                return true
            }
        }
        guard isFew else { return 0 }
        guard found > 1 else { return found }
        // Few labels, mostly in order.
        for index in 1..<found {
            let value = values[index]
            var hole = index
            while hole > 0, values[hole - 1] > value {
                values[hole] = values[hole - 1]
                hole -= 1
            }
            values[hole] = value
        }
        let bytes = UnsafeMutableRawPointer(rows)
        _ = eachPiece(of: block) { place, offset in
            let corner = bytes + offset
            switch pieces[place] {
            case .uniform(let label):
                fill(corner, Self.index(of: label, in: values, found))
            case .mixed(let number):
                fill(corner, mixture: number, values, found)
            }
            return true
        }
        return found
    }

    /// Writes the 512 labels of a block, x fastest.
    func write<Label: FixedWidthInteger & BitwiseCopyable>(
        _ block: BlockPosition,
        to labels: UnsafeMutablePointer<Label>
    ) {
        _ = eachPiece(of: block) { place, offset in
            let corner = UnsafeMutableRawPointer(labels + offset)
            write(place, to: corner, row: BlockIndices.side, rows: BlockIndices.side, Label.self)
            return true
        }
    }

    /// Calls `body` with the place of each piece, and its first voxel's in the block, until that returns false; returns
    /// what it returned last.
    @inline(__always)
    private func eachPiece(of block: BlockPosition, _ body: (Int, Int) -> Bool) -> Bool {
        let side = BlockIndices.side
        for c in 0..<factor.z {
            for b in 0..<factor.y {
                for a in 0..<factor.x {
                    let place = place(
                        block.i * factor.x + a,
                        block.j * factor.y + b,
                        block.k * factor.z + c,
                        block.channel
                    )
                    let offset = a * piece.x + side * (b * piece.y + side * c * piece.z)
                    guard body(place, offset) else { return false }
                }
            }
        }
        return true
    }

    /// Adds a label that is not there yet; false if there is no room.
    @inline(__always)
    private static func insert<Label: FixedWidthInteger>(
        _ label: UInt64,
        into values: UnsafeMutablePointer<Label>,
        _ limit: Int,
        _ found: inout Int
    ) -> Bool {
        let label = Label(truncatingIfNeeded: label)
        for known in 0..<found where values[known] == label { return true }
        guard found < limit else { return false }
        values[found] = label
        found &+= 1
        return true
    }

    /// The place of a label that is there.
    @inline(__always)
    private static func index<Label: FixedWidthInteger>(
        of label: UInt64,
        in values: UnsafeMutablePointer<Label>,
        _ found: Int
    ) -> UInt8 {
        let label = Label(truncatingIfNeeded: label)
        for known in 0..<found where values[known] == label { return UInt8(truncatingIfNeeded: known) }
        return 0
    }

    /// Rows of a piece begin here, from the first byte of the first row, in bytes.
    @inline(__always)
    private func eachRow(_ body: (Int) -> Void) {
        let side = BlockIndices.side
        for z in 0..<piece.z {
            for y in 0..<piece.y { body(side &* (y &+ side &* z)) }
        }
    }

    /// Writes one index to all voxels of a piece, the first of which has its byte at `corner`.
    private func fill(_ corner: UnsafeMutableRawPointer, _ index: UInt8) {
        let row = UInt64(index) &* 0x0101_0101_0101_0101
        eachRow { offset in
            // A piece's rows are half a block's, or whole.
            if piece.x == 4 {
                corner.storeBytes(of: UInt32(truncatingIfNeeded: row), toByteOffset: offset, as: UInt32.self)
            } else {
                corner.storeBytes(of: row, toByteOffset: offset, as: UInt64.self)
            }
        }
    }

    /// Writes the indices of a piece of several labels.
    private func fill<Label: FixedWidthInteger>(
        _ corner: UnsafeMutableRawPointer,
        mixture number: Int,
        _ values: UnsafeMutablePointer<Label>,
        _ found: Int
    ) {
        let mixture = mixtures[number]
        let voxels = piece.x * piece.y * piece.z
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { indices in
            // A piece has no more labels than the block, and its ranks lead to them.
            for rank in 0..<mixture.labelCount {
                let label = labels[mixture.firstLabel + rank]
                indices.initializeElement(at: rank, to: Self.index(of: label, in: values, found))
            }
            ranks[(number * voxels)..<((number + 1) * voxels)].withUnsafeBytes { ranks in
                guard let ranks = ranks.baseAddress, let indices = indices.baseAddress else { return }
                let (first, difference) = (UInt64(indices[0]), UInt64(indices[0] ^ indices[1]))
                var source = ranks
                eachRow { offset in
                    if mixture.labelCount == 2 {
                        // Ranks are 0 and 1, and so is each byte of a row.
                        if piece.x == 4 {
                            let row = source.loadUnaligned(as: UInt32.self)
                            let all = UInt32(truncatingIfNeeded: first) &* 0x0101_0101
                            corner.storeBytes(
                                of: all ^ row &* UInt32(truncatingIfNeeded: difference),
                                toByteOffset: offset,
                                as: UInt32.self
                            )
                        } else {
                            let row = source.loadUnaligned(as: UInt64.self)
                            corner.storeBytes(
                                of: first &* 0x0101_0101_0101_0101 ^ row &* difference,
                                toByteOffset: offset,
                                as: UInt64.self
                            )
                        }
                    } else {
                        for x in 0..<piece.x {
                            let rank = Int(source.load(fromByteOffset: x, as: UInt8.self))
                            corner.storeBytes(
                                of: indices[rank],
                                toByteOffset: offset &+ x,
                                as: UInt8.self
                            )
                        }
                    }
                    source += piece.x
                }
            }
        }
    }
}

/// A block of a chunk: where it lies in the grid, and its channel.
struct BlockPosition {
    let i: Int
    let j: Int
    let k: Int
    let channel: Int
}
