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
        // For each piece, in order, for each of its labels where it is in `values`; a piece has no more than `limit`.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 8 * limit) { places in
            guard let places = places.baseAddress else { return 0 }
            var found = 0
            var last = places
            let isFew = eachPiece(of: block) { place, _ in
                switch pieces[place] {
                case .uniform(let label):
                    guard let index = Self.index(of: label, in: values, limit, &found) else { return false }
                    last.initialize(to: index)
                    last += 1
                case .mixed(let number):
                    let mixture = mixtures[number]
                    guard mixture.labelCount <= limit else { return false }
                    for rank in mixture.firstLabel..<mixture.firstLabel &+ mixture.labelCount {
                        guard let index = Self.index(of: labels[rank], in: values, limit, &found) else {
                            return false
                        }
                        last.initialize(to: index)
                        last += 1
                    }
                }
                return true
            }
            guard isFew else { return 0 }
            guard found > 1 else { return found }
            sort(values, found, places, last)
            fill(rows, block, places)
            return found
        }
    }

    /// Brings few labels in order, mostly the one they have, and what leads to them.
    private func sort<Label: FixedWidthInteger>(
        _ values: UnsafeMutablePointer<Label>,
        _ count: Int,
        _ places: UnsafeMutablePointer<UInt8>,
        _ end: UnsafeMutablePointer<UInt8>
    ) {
        var ascends = true
        for index in 1..<count where values[index &- 1] > values[index] { ascends = false }
        guard !ascends else { return }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { ranks in
            guard let ranks = ranks.baseAddress else { return }
            sortFew(values, count: count, ranks: ranks)
            for index in 0..<places.distance(to: end) { places[index] = ranks[Int(places[index])] }
        }
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

    /// The place of a label, which is added if it is not there yet; nil if there is no room.
    ///
    /// Looks at each of `values`: a search that ends early is one that cannot be foreseen.
    @inline(__always)
    private static func index<Label: FixedWidthInteger>(
        of label: UInt64,
        in values: UnsafeMutablePointer<Label>,
        _ limit: Int,
        _ found: inout Int
    ) -> UInt8? {
        let label = Label(truncatingIfNeeded: label)
        var index = found
        for known in 0..<found { index = values[known] == label ? known : index }
        if index == found {
            guard found < limit else { return nil }
            values[found] = label
            found &+= 1
        }
        return UInt8(truncatingIfNeeded: index)
    }

    /// Writes the indices of a block, whose pieces' labels have these `places`, one after another.
    private func fill(
        _ rows: UnsafeMutablePointer<UInt64>,
        _ block: BlockPosition,
        _ places: UnsafeMutablePointer<UInt8>
    ) {
        let bytes = UnsafeMutableRawPointer(rows)
        var next = UnsafePointer(places)
        ranks.withUnsafeBytes { ranks in
            _ = eachPiece(of: block) { place, offset in
                switch pieces[place] {
                case .uniform:
                    fill(bytes + offset, next[0])
                    next += 1
                case .mixed(let number):
                    let first = number * piece.x * piece.y * piece.z
                    let source = UnsafeRawBufferPointer(rebasing: ranks[first...])
                    fill(bytes + offset, source, mixtures[number], next)
                    next += mixtures[number].labelCount
                }
                return true
            }
        }
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

    /// Writes the indices of a piece of several labels, each of which has one of `indices`.
    private func fill(
        _ corner: UnsafeMutableRawPointer,
        _ ranks: UnsafeRawBufferPointer,
        _ mixture: Mixture,
        _ indices: UnsafePointer<UInt8>
    ) {
        precondition(ranks.count >= piece.x * piece.y * piece.z, "the ranks of a piece")
        guard var source = ranks.baseAddress else { return }
        guard mixture.isPair else { return fill(corner, many: source, mixture, indices) }
        let first = UInt64(indices[0]) &* 0x0101_0101_0101_0101
        let difference = UInt64(indices[0] ^ indices[1])
        if piece.x == 4 {
            let (first, difference) = (
                UInt32(truncatingIfNeeded: first), UInt32(truncatingIfNeeded: difference)
            )
            eachRow { offset in
                let row = source.loadUnaligned(as: UInt32.self)
                corner.storeBytes(of: first ^ row &* difference, toByteOffset: offset, as: UInt32.self)
                source += 4
            }
        } else {
            eachRow { offset in
                let row = source.loadUnaligned(as: UInt64.self)
                corner.storeBytes(of: first ^ row &* difference, toByteOffset: offset, as: UInt64.self)
                source += 8
            }
        }
    }

    /// The same with one loop of vectors for each label, side by side first.
    private func fill(
        _ corner: UnsafeMutableRawPointer,
        few ranks: UnsafeRawPointer,
        _ voxels: Int,
        _ mixture: Mixture,
        _ indices: UnsafePointer<UInt8>
    ) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { bytes in
            guard let bytes = bytes.baseAddress else { return }
            let ranks = ranks.assumingMemoryBound(to: UInt8.self)
            bytes.initialize(repeating: 0, count: voxels)
            for label in 0..<mixture.labelCount {
                let (rank, index) = (labelRanks[mixture.firstLabel + label], indices[label])
                for voxel in 0..<voxels { bytes[voxel] |= ranks[voxel] == rank ? index : 0 }
            }
            var source = UnsafeRawPointer(bytes)
            eachRow { offset in
                if piece.x == 4 {
                    corner.storeBytes(
                        of: source.loadUnaligned(as: UInt32.self),
                        toByteOffset: offset,
                        as: UInt32.self
                    )
                } else {
                    corner.storeBytes(
                        of: source.loadUnaligned(as: UInt64.self),
                        toByteOffset: offset,
                        as: UInt64.self
                    )
                }
                source += piece.x
            }
        }
    }

    private func fill(
        _ corner: UnsafeMutableRawPointer,
        many ranks: UnsafeRawPointer,
        _ mixture: Mixture,
        _ indices: UnsafePointer<UInt8>
    ) {
        let voxels = piece.x * piece.y * piece.z
        if mixture.labelCount <= Self.fewLabels, voxels <= 256 {
            return fill(corner, few: ranks, voxels, mixture, indices)
        }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { byRank in
            guard let byRank = byRank.baseAddress else { return }
            // Any rank leads to some index, though only these are met.
            byRank.initialize(repeating: 0, count: 256)
            for label in 0..<mixture.labelCount {
                byRank[Int(labelRanks[mixture.firstLabel + label])] = indices[label]
            }
            var source = ranks
            eachRow { offset in
                // Four at a time, of a row of four or of eight.
                var x = 0
                while x < piece.x {
                    let four = source.loadUnaligned(fromByteOffset: x, as: UInt32.self)
                    let low = UInt32(byRank[Int(four & 0xFF)]) | UInt32(byRank[Int(four &>> 8 & 0xFF)]) &<< 8
                    let high =
                        UInt32(byRank[Int(four &>> 16 & 0xFF)]) | UInt32(byRank[Int(four &>> 24)]) &<< 8
                    corner.storeBytes(of: low | high &<< 16, toByteOffset: offset &+ x, as: UInt32.self)
                    x &+= 4
                }
                source += piece.x
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
