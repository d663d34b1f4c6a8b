// SPDX-License-Identifier: Apache-2.0

/// The packed indices of one block of 8 x 8 x 8 voxels, as bytes.
///
/// A row is eight indices, so as many bytes as an index has bits, and becomes the bytes of one number, the first
/// voxel's the lowest.
struct BlockIndices {
    static let side = 8
    /// Rows of a block, the one at (y, z) being row y + 8 z.
    static let rowCount = side * side
    private static let everyByte: UInt64 = 0x0101_0101_0101_0101

    /// 64 times as many bytes as an index has bits.
    let packed: UnsafeRawPointer
    /// Where each row goes, in bytes from `output`: ``rowCount`` places, eight bytes apart or more.
    let places: UnsafePointer<Int>
    let output: UnsafeMutableRawPointer

    /// Writes the indices, of `bits` bits, 1, 2, 4 or 8; returns the highest.
    func unpack(_ bits: Int) -> Int {
        switch bits {
        case 1: unpackBits()
        case 2: unpackTwos()
        case 4: unpackFours()
        default: unpackBytes()
        }
    }

    /// Replaces every index by the rank that `ranks` has at its place.
    func replace(_ ranks: UnsafePointer<UInt8>) {
        for row in 0..<Self.rowCount {
            let place = output + places[row]
            for voxel in 0..<Self.side {
                let index = place.load(fromByteOffset: voxel, as: UInt8.self)
                place.storeBytes(of: ranks[Int(index)], toByteOffset: voxel, as: UInt8.self)
            }
        }
    }

    /// Adds 1 to every index; none is 255.
    func increment() {
        for row in 0..<Self.rowCount {
            let place = output + places[row]
            place.storeBytes(
                of: place.loadUnaligned(as: UInt64.self) &+ Self.everyByte,
                as: UInt64.self
            )
        }
    }

    private func store(_ indices: UInt64, _ row: Int) {
        (output + places[row]).storeBytes(of: indices.littleEndian, as: UInt64.self)
    }

    /// Writes what `spread` makes of each row, whose bytes are its number.
    ///
    /// First side by side and then to their places, so that the first loop is one of vectors.
    @inline(__always)
    private func unpackRows<Row: FixedWidthInteger & BitwiseCopyable>(
        _: Row.Type,
        _ spread: (UInt64) -> UInt64
    ) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.rowCount) { rows in
            guard let rows = rows.baseAddress else { return }
            for row in 0..<Self.rowCount {
                let packed = packed.loadUnaligned(
                    fromByteOffset: row &* MemoryLayout<Row>.size,
                    as: Row.self
                )
                (rows + row).initialize(to: spread(UInt64(truncatingIfNeeded: Row(littleEndian: packed))))
            }
            for row in 0..<Self.rowCount { store(rows[row], row) }
        }
    }

    private func unpackBits() -> Int {
        var ones: UInt64 = 0
        for row in 0..<Self.rowCount {
            let bits = UInt64(packed.load(fromByteOffset: row, as: UInt8.self))
            ones |= bits
            // Bit x alone is left in byte x, and then brought down to its lowest bit.
            let apart = bits &* Self.everyByte & 0x8040_2010_0804_0201
            store((apart &+ 0x7F7F_7F7F_7F7F_7F7F) &>> 7 & Self.everyByte, row)
        }
        return ones == 0 ? 0 : 1
    }

    private func unpackTwos() -> Int {
        unpackRows(UInt16.self) { packed in
            var indices = (packed | packed &<< 24) & 0x0000_00FF_0000_00FF
            indices = (indices | indices &<< 12) & 0x000F_000F_000F_000F
            indices = (indices | indices &<< 6) & 0x0303_0303_0303_0303
            return indices
        }
        // Four rows at a time: bit 0 of an index has met bit 1, and each has met the others of its kind.
        var bits: UInt64 = 0
        var threes: UInt64 = 0
        for word in 0..<Self.rowCount / 4 {
            let indices = packed.loadUnaligned(fromByteOffset: 8 &* word, as: UInt64.self)
            bits |= indices
            threes |= indices & indices &>> 1
        }
        if threes & 0x5555_5555_5555_5555 != 0 { return 3 }
        if bits & 0xAAAA_AAAA_AAAA_AAAA != 0 { return 2 }
        return bits == 0 ? 0 : 1
    }

    private func unpackFours() -> Int {
        unpackRows(UInt32.self) { packed in
            var indices = (packed | packed &<< 16) & 0x0000_FFFF_0000_FFFF
            indices = (indices | indices &<< 8) & 0x00FF_00FF_00FF_00FF
            indices = (indices | indices &<< 4) & 0x0F0F_0F0F_0F0F_0F0F
            return indices
        }
        return highest
    }

    private func unpackBytes() -> Int {
        for row in 0..<Self.rowCount {
            (output + places[row]).copyMemory(from: packed + 8 &* row, byteCount: 8)
        }
        return highest
    }

    /// The largest of all indices.
    private var highest: Int {
        var most = SIMD8<UInt8>()
        for row in 0..<Self.rowCount {
            let indices = (output + places[row]).loadUnaligned(as: SIMD8<UInt8>.self)
            most = pointwiseMax(most, indices)
        }
        return Int(most.max())
    }
}
