// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import Volumes
import Voxels

/// One slice of a volume as an 8-bit picture.
///
/// Intensities are stretched between two values, labels get colours that depend on the label alone, and the sides are
/// in the proportions of the voxels' size. Each pixel is the voxel below its middle: pictures are for finding one's
/// way, not for measuring.
struct SlicePicture: Sendable {
    let voxels: BoxVoxels
    let type: VoxelType
    let kind: VolumeKind
    /// Across the slice: 0 is x.
    let axis: Int
    /// Nanometres a voxel along x, y, z.
    let spacing: [Double]
    /// Along the longer side.
    let pixels: Int
    /// Black and white; `nil`: the first and the last percentile of the slice.
    let range: ClosedRange<Double>?

    /// - Throws: `ChunkCodecError` when there is no memory.
    func png() throws -> [UInt8] {
        let (across, down) = axis == 0 ? (1, 2) : axis == 1 ? (0, 2) : (0, 1)
        let extent = voxels.box.extent
        let widths = [Double(extent[across]) * spacing[across], Double(extent[down]) * spacing[down]]
        let longest = max(widths[0], widths[1])
        // No larger than one pixel for a voxel of the finer axis, so that small slices are not blown up by guesswork.
        let finest = min(spacing[across], spacing[down])
        let scale = min(Double(pixels) / longest, 1 / finest)
        let width = max(1, Int((widths[0] * scale).rounded()))
        let height = max(1, Int((widths[1] * scale).rounded()))
        let columns = (0..<width).map { min($0 * extent[across] / width, extent[across] - 1) }
        let rows = (0..<height).map { min($0 * extent[down] / height, extent[down] - 1) }
        switch kind {
        case .segmentation: return try colours(columns, rows, across, down)
        case .image: return try greys(columns, rows, across, down)
        }
    }

    private func offset(_ column: Int, _ row: Int, _ across: Int, _ down: Int) -> Int {
        let extent = voxels.box.extent
        let steps = [1, extent.x, extent.x * extent.y]
        return column * steps[across] + row * steps[down]
    }

    // MARK: Intensities

    private func greys(_ columns: [Int], _ rows: [Int], _ across: Int, _ down: Int) throws -> [UInt8] {
        let count = voxels.box.extent.product ?? 0
        let channels = voxels.channels == 3 && type == .uint8 ? 3 : 1
        let window = range ?? (channels == 3 ? 0...255 : percentiles(count))
        let factor = 255 / (window.upperBound - window.lowerBound)
        var pixels = [UInt8]()
        pixels.reserveCapacity(columns.count * rows.count * channels)
        for row in rows {
            for column in columns {
                let index = offset(column, row, across, down)
                for channel in 0..<channels {
                    let value = (intensity(index + channel * count) - window.lowerBound) * factor
                    pixels.append(value.isNaN ? 0 : UInt8(min(max(value.rounded(), 0), 255)))
                }
            }
        }
        return try pixels.withUnsafeBytes {
            try Picture.png(
                width: columns.count,
                height: rows.count,
                channels: channels,
                pixels: $0,
                level: 6
            )
        }
    }

    /// Where a hundredth of the voxels lies below and above, from a sample of them.
    private func percentiles(_ count: Int) -> ClosedRange<Double> {
        let step = max(1, count / 65_536)
        let sample = stride(from: 0, to: count, by: step).map(intensity).filter(\.isFinite).sorted()
        guard let least = sample.first, let most = sample.last, least < most else {
            let only = sample.first ?? 0
            return only...(only + max(1, only.magnitude))
        }
        let low = sample[sample.count / 100]
        let high = sample[sample.count - 1 - sample.count / 100]
        return low < high ? low...high : least...most
    }

    private func intensity(_ index: Int) -> Double {
        let bytes = UnsafeRawBufferPointer(voxels.bytes)
        func value<T: BitwiseCopyable>(_: T.Type) -> T {
            bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self)
        }
        return switch type {
        case .uint8, .bool: Double(value(UInt8.self))
        case .int8: Double(value(Int8.self))
        case .uint16: Double(value(UInt16.self))
        case .int16: Double(value(Int16.self))
        case .uint32: Double(value(UInt32.self))
        case .int32: Double(value(Int32.self))
        case .uint64: Double(value(UInt64.self))
        case .int64: Double(value(Int64.self))
        case .float32: Double(value(Float.self))
        case .float64: value(Double.self)
        }
    }

    // MARK: Labels

    private func colours(_ columns: [Int], _ rows: [Int], _ across: Int, _ down: Int) throws -> [UInt8] {
        var pixels = [UInt8]()
        pixels.reserveCapacity(columns.count * rows.count * 4)
        for row in rows {
            for column in columns {
                pixels += Self.colour(label(offset(column, row, across, down)))
            }
        }
        return try pixels.withUnsafeBytes {
            try Picture.png(width: columns.count, height: rows.count, channels: 4, pixels: $0, level: 6)
        }
    }

    private func label(_ index: Int) -> UInt64 {
        let bytes = UnsafeRawBufferPointer(voxels.bytes)
        let offset = index * type.byteWidth
        return switch type.byteWidth {
        case 1: UInt64(bytes.loadUnaligned(fromByteOffset: offset, as: UInt8.self))
        case 2: UInt64(bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
        case 4: UInt64(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        default: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        }
    }

    /// Red, green, blue and opacity of a label; 0 is background and not there.
    ///
    /// The hue and the lightness are taken from the label multiplied by odd constants, so that neighbouring ids lie
    /// far apart.
    static func colour(_ label: UInt64) -> [UInt8] {
        guard label != 0 else { return [0, 0, 0, 0] }
        var mixed = label &* 0x9e37_79b9_7f4a_7c15
        mixed ^= mixed >> 29
        mixed = mixed &* 0xbf58_476d_1ce4_e5b9
        mixed ^= mixed >> 32
        let hue = Double(mixed & 0xffff) / 65_536 * 6
        let value = 0.65 + Double(mixed >> 16 & 0xff) / 255 * 0.35
        let saturation = 0.45 + Double(mixed >> 24 & 0xff) / 255 * 0.45
        let channel = { (shift: Double) -> UInt8 in
            // The usual conversion from hue, saturation and value.
            let k = (shift + hue).truncatingRemainder(dividingBy: 6)
            let part = max(0, min(k, 4 - k, 1))
            return UInt8(((value - value * saturation * part) * 255).rounded())
        }
        return [channel(5), channel(3), channel(1), 255]
    }
}
