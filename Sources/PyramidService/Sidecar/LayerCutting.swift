// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import Volumes
import Voxels

/// How an uploaded array is cut into chunks while it arrives: a layer of them at a time.
///
/// A layer is as thick as a chunk along the array's slowest axis: z in Fortran order, x in C order. In Fortran
/// order the channel is slower still: there ``LayeredChannels`` brings the channels of a layer together, one after
/// another in its memory.
struct LayerCutting: Sendable {
    let grid: ChunkGrid
    let channels: Int
    let width: Int
    let order: MemoryOrder
    /// Along which layers follow one another: 0 is x.
    let axis: Int
    let layerCount: Int

    init(grid: ChunkGrid, channels: Int, width: Int, order: MemoryOrder) {
        self.grid = grid
        self.channels = channels
        self.width = width
        self.order = order
        axis = order == .fortran ? 2 : 0
        layerCount = grid.cells[axis]
    }

    /// Bytes that must wait until the last channel comes: all others, where there are several and several layers.
    var spooledByteCount: Int {
        guard order == .fortran, channels > 1, layerCount > 1 else { return 0 }
        return (grid.bounds.extent.product ?? .max).multipliedClamped(by: (channels - 1) * width)
    }

    /// Of the array; all cells of all layers make the whole grid.
    func box(_ layer: Int) -> Box3 {
        guard layerCount > 1 else { return grid.bounds }
        var cell = Extent3(repeating: 0)
        cell[axis] = layer
        let chunk = grid.box(cell)
        var box = grid.bounds
        box.begin[axis] = chunk.begin[axis]
        box.end[axis] = chunk.end[axis]
        return box
    }

    func byteCount(_ layer: Int) -> Int {
        (box(layer).extent.product ?? .max).multipliedClamped(by: channels * width)
    }

    /// The cells of a layer, in the grid's order, one by one: there may be as many as voxels.
    func cells(_ layer: Int) -> BoxPositions {
        var range = Box3(begin: Extent3(repeating: 0), end: grid.cells)
        if layerCount > 1 {
            range.begin[axis] = layer
            range.end[axis] = layer + 1
        }
        return BoxPositions(range)
    }

    /// Returns the chunk at `cell` out of the memory of its layer.
    /// - Throws: `EngineError.outOfMemory`.
    func chunk(_ cell: Extent3, of layer: Int, in memory: UnsafeRawBufferPointer) throws(EngineError)
        -> BoxVoxels
    {
        let box = grid.box(cell)
        let layerBox = self.box(layer)
        precondition(memory.count == byteCount(layer), "the memory is that of the layer")
        let voxels = try BoxVoxels(box, channels: channels, width: width)
        switch order {
        case .fortran: voxels.copy(from: memory, of: layerBox)
        case .c:
            switch width {
            case 1: transpose(memory, layerBox, voxels, UInt8.self)
            case 2: transpose(memory, layerBox, voxels, UInt16.self)
            case 4: transpose(memory, layerBox, voxels, UInt32.self)
            default: transpose(memory, layerBox, voxels, UInt64.self)
            }
        }
        return voxels
    }

    /// From the channel, or z, fastest to x fastest. The box lies in the layer, so every index is within.
    private func transpose<T: BitwiseCopyable>(
        _ memory: UnsafeRawBufferPointer,
        _ layer: Box3,
        _ voxels: BoxVoxels,
        _: T.Type
    ) {
        guard let source = memory.baseAddress, let target = voxels.bytes.baseAddress else { return }
        let (extent, box) = (layer.extent, voxels.box)
        let zStep = channels
        let yStep = zStep * extent.z
        let xStep = yStep * extent.y
        let size = MemoryLayout<T>.size
        let (columns, rows, slices) = (box.extent.x, box.extent.y, box.extent.z)
        let first =
            (box.begin.x - layer.begin.x) * xStep + (box.begin.y - layer.begin.y) * yStep
            + (box.begin.z - layer.begin.z) * zStep
        for channel in 0..<channels {
            for z in 0..<slices {
                for y in 0..<rows {
                    var from = source + (first + channel + z * zStep + y * yStep) * size
                    var to = target + ((channel * slices + z) * rows + y) * columns * size
                    for _ in 0..<columns {
                        to.storeBytes(of: from.loadUnaligned(as: T.self), as: T.self)
                        from += xStep * size
                        to += size
                    }
                }
            }
        }
    }
}
