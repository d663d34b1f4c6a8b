// SPDX-License-Identifier: Apache-2.0
internal import Voxels

extension ChunkEncoding {
    /// What this encoding is for, if it is not for such voxels, as `uint8 in 1 or 3 channels`; otherwise `nil`.
    ///
    /// Source: the table of encodings in Neuroglancer's description of precomputed volumes.
    func unmetNeeds(type: VoxelType, channels: Int) -> String? {
        switch self {
        case .raw: nil
        case .jpeg: type == .uint8 && [1, 3].contains(channels) ? nil : "uint8 in 1 or 3 channels"
        case .png:
            [.uint8, .uint16].contains(type) && (1...4).contains(channels)
                ? nil : "uint8 or uint16 in 1 to 4 channels"
        case .compressedSegmentation: [.uint32, .uint64].contains(type) ? nil : "uint32 or uint64"
        case .compresso:
            !type.isSigned && channels == 1 ? nil : "unsigned integers in 1 channel"
        case .jxl: type == .uint8 && [1, 3, 4].contains(channels) ? nil : "uint8 in 1, 3 or 4 channels"
        }
    }

    /// Those that are written here, as they are spelled.
    static let writableWording =
        "one of " + allCases.filter(\.isReadable).map(\.rawValue).joined(separator: ", ")

    /// Why levels of this kind are not written so, and what to do, or `nil` if they are.
    ///
    /// Beyond what the encoding can hold: labels are never JPEG, since it changes them, and a JPEG picture has sides
    /// of at most 65500 (libjpeg).
    func unfitness(kind: VolumeKind, type: VoxelType, channels: Int, chunk: Extent3) -> String? {
        guard isReadable else { return Self.writableWording }
        if let needs = unmetNeeds(type: type, channels: channels) { return "this encoding for \(needs) only" }
        guard self == .jpeg else { return nil }
        if kind == .segmentation { return "anything but jpeg for labels, which it would change" }
        let longest = 65_500
        let isRowPerXRow = chunk.x <= longest && chunk.y.multipliedClamped(by: chunk.z) <= longest
        let isRowPerSlice = chunk.x.multipliedClamped(by: chunk.y) <= longest && chunk.z <= longest
        return isRowPerXRow || isRowPerSlice
            ? nil : "jpeg for chunks with y * z or x * y of at most \(longest)"
    }
}
