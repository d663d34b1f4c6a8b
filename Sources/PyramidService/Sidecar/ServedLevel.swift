// SPDX-License-Identifier: Apache-2.0
package import ChunkCodecs
package import Volumes
package import Voxels

/// One level of an open volume: what is announced of it, and where its chunks come from.
package struct ServedLevel: Sendable {
    /// Where the chunks of a level come from.
    package enum Provider: Sendable {
        /// They are there: in a source, or in the folder of an upload. The scale is the one of its `info`.
        case stored(ScaleInfo)
        /// They are made here, on the first request, and kept.
        case made(LevelRule)
    }

    /// In the announced `info`; 0 is the finest.
    package let index: Int
    package let scale: ScaleInfo
    /// One for each of the scale's chunk sizes.
    package let grids: [ChunkGrid]
    /// `nil`: chunks can be passed on, not read.
    package let format: ChunkFormat?
    package let provider: Provider

    package var bounds: Box3 { scale.bounds }

    package var isMade: Bool {
        switch provider {
        case .stored: false
        case .made: true
        }
    }

    /// The grid and cell of a chunk with this name; `nil`: it is off every grid.
    func place(named name: Substring) -> ChunkPlace? {
        guard let box = ChunkName.parse(name) else { return nil }
        for (index, grid) in grids.enumerated() {
            if let cell = grid.cell(of: box) { return ChunkPlace(grid: index, cell: cell) }
        }
        return nil
    }

    /// The object that holds a chunk, below the volume's folder, for a scale that is not sharded.
    func objectKey(_ place: ChunkPlace) -> String {
        // The source's own key; what is announced differs where that could be no part of a URL.
        let key =
            switch provider {
            case .stored(let source): source.key
            case .made: scale.key
            }
        return key + "/" + ChunkName.text(grids[place.grid].box(place.cell))
    }

    /// Where a chunk of this level lies, when it is announced.
    func name(_ place: ChunkPlace) -> String {
        scale.key + "/" + ChunkName.text(grids[place.grid].box(place.cell))
    }
}

/// A chunk's place within its level.
struct ChunkPlace: Hashable, Sendable {
    /// Which of the level's chunk sizes.
    let grid: Int
    let cell: Extent3

    init(grid: Int = 0, cell: Extent3) {
        self.grid = grid
        self.cell = cell
    }
}
