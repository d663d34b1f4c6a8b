// SPDX-License-Identifier: Apache-2.0
import Voxels

/// Writes chunks of compressed_segmentation in whole blocks of 8 x 8 x 8 as other writers may: tables in any order, with
/// labels twice and labels that no voxel has, and indices wider than they need to be.
struct StrangeSegmentation {
    let extent: Extent3
    let channels: Int
    /// Words of a label.
    let labelWords: Int

    /// `voxels` are the labels, x fastest, then y, z, and the channel slowest.
    func chunk(_ voxels: [UInt64], using random: inout SeededRandom) -> [UInt8] {
        var words = [UInt32](repeating: 0, count: channels)
        let channelVoxels = extent.x * extent.y * extent.z
        for channel in 0..<channels {
            words[channel] = UInt32(words.count)
            words += self.channel(
                Array(voxels[channel * channelVoxels..<(channel + 1) * channelVoxels]),
                &random
            )
        }
        return bytes(of: words)
    }

    private func channel(_ voxels: [UInt64], _ random: inout SeededRandom) -> [UInt32] {
        let counts = Extent3(extent.x / 8, extent.y / 8, extent.z / 8)
        let blockCount = counts.x * counts.y * counts.z
        var words = [UInt32](repeating: 0, count: 2 * blockCount)
        for block in 0..<blockCount {
            let (i, j, k) = (block % counts.x, block / counts.x % counts.y, block / counts.x / counts.y)
            let labels = (0..<512).map { voxel in
                let (x, y, z) = (8 * i + voxel % 8, 8 * j + voxel / 8 % 8, 8 * k + voxel / 64)
                return voxels[x + extent.x * (y + extent.y * z)]
            }
            var table = Array(Set(labels)).sorted()
            switch Int.random(in: 0..<4, using: &random) {
            case 0: break
            case 1: table.shuffle(using: &random)
            case 2: table += table.prefix(3)
            default:
                table.append(.random(in: 0...9, using: &random))
                table.shuffle(using: &random)
            }
            var bits = table.count == 1 ? 0 : [1, 2, 4, 8, 16].first { 1 << $0 >= table.count } ?? 32
            if Int.random(in: 0..<6, using: &random) == 0 { bits = min(8, max(bits, 1) * 2) }
            var packed = [UInt32](repeating: 0, count: 16 * bits)
            if bits > 0 {
                for (voxel, label) in labels.enumerated() {
                    let places = table.indices.filter { table[$0] == label && $0 < 1 << bits }
                    let place = places.randomElement(using: &random) ?? 0
                    packed[voxel * bits / 32] |= UInt32(place) << UInt32(voxel * bits % 32)
                }
            }
            words[2 * block] = UInt32(bits << 24 | words.count + packed.count)
            words[2 * block + 1] = UInt32(words.count)
            words += packed
            for label in table {
                words.append(UInt32(truncatingIfNeeded: label))
                if labelWords == 2 { words.append(UInt32(truncatingIfNeeded: label >> 32)) }
            }
        }
        return words
    }
}
